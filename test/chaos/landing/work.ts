import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../../sim/random.ts";
import type { RepositoryContent } from "../../helpers/repository.ts";
import { fakeGpg } from "../../helpers/signing.ts";
import { task } from "../scenarios.ts";
import { makeSite } from "../site.ts";
import type { Site } from "../site.ts";
import { theirsPath } from "../recovered.ts";

/**
 * Work that makes much to land and to follow: every task changes a file of several pages, adds a
 * folder, and removes a file or makes it again. Claims keep tasks from conflicting, so each lands at
 * its first attempt.
 */
const bigFiles = 12;
const bigLines = 6_000;
const madePath = "made.txt";

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
    target: "main",
    max_parallel: 3,
    limits: { grace: "300ms", heartbeat: "1s", stale_after: "10s" },
  },
};

/** Pushed as well. */
export const pushingContent: RepositoryContent = {
  ...landingContent,
  config: { ...landingContent.config, push: { remote: "origin", quiet: "50ms" } },
};

/** Pushed, signed, and with a file that a command makes: each of these is cut off too. */
export const richContent: RepositoryContent = {
  files: { ...landingContent.files, [madePath]: "made\n" },
  config: {
    ...pushingContent.config,
    generated: [{ paths: [madePath], run: { shell: `ls out gone > ${madePath} || true` } }],
  },
};

/** With the remote and the signing program that a content of the above is about. */
export async function landingSite(content: RepositoryContent, isLinked = false): Promise<Site> {
  const site = await makeSite(content, isLinked);
  const { dir, git } = site.repository;
  const remote = join(dir, "../remote.git");
  if (content.config?.["push"] === undefined) return site;
  await git("init", "--quiet", "--bare", remote);
  // As with an editor: somebody's config.lock lies there, which git would respect.
  appendFileSync(join(dir, ".git/config"), `[remote "origin"]\n\turl = ${remote}\n`);
  if (content === richContent) await fakeGpg(site.repository, "", "--global");
  return site;
}

export function landingTask(site: Site, id: string, random: Random): object {
  const [big, gone] = [random.int(0, bigFiles - 1), random.int(0, bigFiles - 1)];
  const shell = [
    `yes ${id} | head -n ${random.int(10, bigLines)} > big/${big}.txt`,
    `mkdir -p out/${id} && for n in 1 2 3; do echo ${id} > out/${id}/$n.txt; done`,
    `if [ -e gone/${gone}.txt ]; then rm gone/${gone}.txt; else mkdir -p gone && echo ${id} > gone/${gone}.txt; fi`,
    `if [ -e ${madePath} ]; then echo ${id} >> ${madePath}; fi`,
  ].join("; ");
  return task(site, id, shell, {
    claims: [`big/${big}.txt`, `gone/${gone}.txt`, `out/${id}/**`],
  });
}
