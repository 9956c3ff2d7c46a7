import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { appends, killOften, landedAtLeast } from "../helpers/oftenKilled.ts";
import { landedCommits, makeSupervised } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import type { Supervised } from "../helpers/supervised.ts";

describe("a supervisor that is killed", () => {
  // Ten kills with a hundred queued: test/hostile/kills.test.ts.
  it("finishes every task, with one correct commit for each, after three kills with 12 queued and 4 running", async function () {
    this.timeout(110_000);
    await killOften(3, 16);
  });
});

describe("a working tree that is cleaned under a live supervisor", () => {
  for (const [name, clean] of [
    [
      "git clean -fdx",
      // It says so and goes on when a worker puts a file where it has just emptied a folder.
      (s: Supervised) => s.repository.git("clean", "-fdxq").catch(() => ""),
    ],
    [
      "rm -rf .aibrain",
      (s: Supervised) =>
        rm(join(s.repository.dir, ".aibrain"), { recursive: true, force: true, maxRetries: 20 }),
    ],
  ] as const)
    it(`loses no acknowledged task to ${name}`, async function () {
      this.timeout(60_000);
      await using supervised = await makeSupervised({
        config: { max_parallel: 2, limits: { grace: "500ms" } },
      });
      const ids = await supervised.submit(
        ...Array.from({ length: 6 }, (_, at) => appends(`task-${at}`)),
      );
      await landedAtLeast(supervised, 1);
      await clean(supervised);
      // A new connection needs the socket, which was removed with everything else.
      await until(async () => (await supervised.orchd("status", "--json")).code === 0, {
        timeoutMs: 20_000,
        what: "the socket to be made again",
      });
      const ends = await supervised.wait(ids);
      expect(ends.filter((end) => end.status !== "succeeded")).to.deep.equal([]);
      const landed = await landedCommits(supervised.repository);
      for (const id of ids) expect(landed.get(id)).to.have.length(1);
    });
});
