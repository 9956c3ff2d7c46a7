import type { Random } from "../../sim/random.ts";
import type { RepositoryContent } from "../../helpers/repository.ts";
import { task } from "../scenarios.ts";
import type { Site } from "../site.ts";
import { theirsPath } from "../recovered.ts";

/**
 * Work that makes much to land and to follow: every task changes a file of several pages, adds a
 * folder, and removes a file or makes it again. Claims keep tasks from conflicting, so each lands at
 * its first attempt.
 */
const bigFiles = 12;
const bigLines = 6_000;

export const landingContent: RepositoryContent = {
  files: {
    "README.md": "# Scratch\n",
    [theirsPath]: "as committed\n",
    ...Object.fromEntries(
      Array.from({ length: bigFiles }, (_, at) => [
        `big/${at}.txt`,
        `old ${at}\n`.repeat(bigLines),
      ]),
    ),
  },
  config: {
    max_parallel: 3,
    limits: { grace: "300ms", heartbeat: "1s", stale_after: "10s" },
  },
};

export function landingTask(site: Site, id: string, random: Random): object {
  const [big, gone] = [random.int(0, bigFiles - 1), random.int(0, bigFiles - 1)];
  const shell = [
    `yes ${id} | head -n ${random.int(10, bigLines)} > big/${big}.txt`,
    `mkdir -p out/${id} && for n in 1 2 3; do echo ${id} > out/${id}/$n.txt; done`,
    `if [ -e gone/${gone}.txt ]; then rm gone/${gone}.txt; else mkdir -p gone && echo ${id} > gone/${gone}.txt; fi`,
  ].join("; ");
  return task(site, id, shell, {
    claims: [`big/${big}.txt`, `gone/${gone}.txt`, `out/${id}/**`],
  });
}
