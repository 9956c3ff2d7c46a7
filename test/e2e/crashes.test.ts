import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { landedCommits, makeSupervised } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import type { Supervised } from "../helpers/supervised.ts";

/** A task that appends its name to a file of its own: run twice and landed twice it would show. */
function appends(id: string, more: object = {}): object {
  return {
    id,
    run: { shell: `mkdir -p out; echo ${id} >> out/${id}.txt` },
    claims: [`out/${id}.txt`],
    retries: 0,
    ...more,
  };
}

describe("a supervisor that is killed", () => {
  it("finishes every task, with one correct commit for each, after ten kills with 100 queued and 4 running", async function () {
    this.timeout(110_000);
    await using supervised = await makeSupervised({
      config: { max_parallel: 4, limits: { grace: "500ms" } },
    });
    const ids = await supervised.submit(
      ...Array.from({ length: 104 }, (_, at) => appends(`task-${at}`)),
    );
    for (let kill = 0; kill < 10; kill += 1) {
      await landedAtLeast(supervised, kill * 4 + 1 + Math.floor(Math.random() * 4));
      await supervised.killSupervisor();
      const started = await supervised.orchd("start");
      expect(started.code, started.stderr).to.equal(0);
    }
    const ends = await supervised.wait(ids);
    expect(ends.filter(({ status }) => status !== "succeeded")).to.deep.equal([]);
    const landed = await landedCommits(supervised.repository);
    for (const { id, commit } of ends) {
      expect(landed.get(id), `commits of ${id}`).to.deep.equal([commit]);
      const content = await supervised.repository.git("show", `${commit}:out/${id}.txt`);
      expect(content).to.equal(id);
      const parents = await supervised.repository.git("show", "-s", "--format=%P", String(commit));
      expect(parents.split(" ")).to.have.length(1);
    }
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
        ...Array.from({ length: 12 }, (_, at) => appends(`task-${at}`)),
      );
      await landedAtLeast(supervised, 1);
      await clean(supervised);
      // A new connection needs the socket, which was removed with everything else.
      await until(async () => (await supervised.orchd("status", "--json")).code === 0, {
        timeoutMs: 20_000,
        what: "the socket to be made again",
      });
      const ends = await supervised.wait(ids);
      expect(ends.map(({ status }) => status)).to.deep.equal(ids.map(() => "succeeded"));
      const landed = await landedCommits(supervised.repository);
      for (const id of ids) expect(landed.get(id)).to.have.length(1);
    });
});

async function landedAtLeast(supervised: Supervised, count: number): Promise<void> {
  const client = await supervised.client();
  await until(
    async () =>
      (await client.call("status", { finished_max: 0, open_max: 0 })).counts.succeeded >= count,
    { timeoutMs: 30_000, what: `${count} tasks to have landed` },
  );
}
