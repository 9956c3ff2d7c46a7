import { expect } from "chai";
import { landedCommits, makeSupervised } from "./supervised.ts";
import { until } from "./until.ts";
import type { Supervised } from "./supervised.ts";

/** A task that appends its name to a file of its own: run twice and landed twice it would show. */
export function appends(id: string, more: object = {}): object {
  return {
    id,
    run: { shell: `mkdir -p out; echo ${id} >> out/${id}.txt` },
    claims: [`out/${id}.txt`],
    retries: 0,
    ...more,
  };
}

const workers = 4;

/** Kills a supervisor again and again, each time a few landings later, and asserts what must hold in the end. */
export async function killOften(kills: number, tasks: number): Promise<void> {
  await using supervised = await makeSupervised({
    config: { max_parallel: workers, limits: { grace: "500ms" } },
  });
  const ids = await supervised.submit(
    ...Array.from({ length: tasks }, (_, at) => appends(`task-${at}`)),
  );
  for (let kill = 0; kill < kills; kill += 1) {
    await landedAtLeast(supervised, kill * workers + 1 + Math.floor(Math.random() * workers));
    await supervised.killSupervisor();
    await supervised.start();
  }
  const ends = await supervised.wait(ids);
  expect(ends.filter(({ status }) => status !== "succeeded")).to.deep.equal([]);
  const landed = await landedCommits(supervised.repository);
  const parents = await parentsOf(supervised);
  for (const { id, commit } of ends) {
    expect(landed.get(id), `commits of ${id}`).to.deep.equal([commit]);
    expect(parents.get(String(commit)), `parents of ${id}`).to.have.length(1);
  }
  // Each file has one line, so its task has run and landed once.
  const pattern = ["grep", "--no-color", "-c", "", "orchd/main", "--", "out"];
  const lines = (await supervised.repository.git(...pattern)).split("\n");
  expect(lines.toSorted()).to.deep.equal(ids.map((id) => `orchd/main:out/${id}.txt:1`).toSorted());
}

export async function landedAtLeast(supervised: Supervised, count: number): Promise<void> {
  const client = await supervised.client();
  await until(
    async () =>
      (await client.call("status", { finished_max: 0, open_max: 0 })).counts.succeeded >= count,
    { timeoutMs: 30_000, what: `${count} tasks to have landed` },
  );
}

async function parentsOf(supervised: Supervised): Promise<ReadonlyMap<string, readonly string[]>> {
  const log = await supervised.repository.git("log", "--format=%H %P", "orchd/main");
  return new Map(
    log.split("\n").map((line) => {
      const [commit = "", ...parents] = line.split(" ");
      return [commit, parents];
    }),
  );
}
