import { expect } from "chai";
import { makeSupervised } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import type { Supervised } from "../helpers/supervised.ts";

const tasks = 5;
const taskMs = 10_000;
/** Five tasks at once: the ten seconds that each takes, and what starting, saving and landing may add. */
const parallelMsMax = 10_800;

describe("tasks in parallel", () => {
  it("land five tasks of 10 s on five warm workers in under 10.8 s", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised({ start: ["--max-parallel", "5"] });
    await warmUp(supervised);
    const begun = performance.now();
    const ids = await supervised.submit(...sleepers("ten"));
    const ends = await supervised.wait(ids);
    const elapsed = performance.now() - begun;
    expect(ends.map(({ commit }) => commit)).to.not.include(null);
    expect(elapsed).to.be.within(taskMs, parallelMsMax);
  });

  it("run one after the other with --max-parallel 1", async function () {
    this.timeout(30_000);
    await using supervised = await makeSupervised({ start: ["--max-parallel", "1"] });
    const ids = await supervised.submit(
      ...[1, 2, 3].map((at) => ({ id: `one-${at}`, run: ["sleep", "0.3"], claims: [] })),
    );
    await supervised.wait(ids);
    const client = await supervised.client();
    const times = await Promise.all(
      ids.map(async (id) => (await client.call("show", { id })).attempt_list[0]),
    );
    for (const [at, attempt] of times.entries()) {
      const before = times[at - 1];
      if (before !== undefined) expect(attempt?.started_at).to.be.at.least(before?.ended_at ?? 0);
    }
  });
});

/** Every worker has made its workspace: what is left to measure is the tasks. */
async function warmUp(supervised: Supervised): Promise<void> {
  const ids = await supervised.submit(
    ...Array.from({ length: tasks }, (_, at) => ({ id: `warm-${at}`, run: ["sleep", "0.5"] })),
  );
  await supervised.wait(ids);
  const client = await supervised.client();
  await until(
    async () => {
      const { workers } = await client.call("workers", {});
      return workers.filter(({ state }) => state === "idle").length === tasks;
    },
    { what: "five idle workers" },
  );
}

function sleepers(name: string): object[] {
  return Array.from({ length: tasks }, (_, at) => ({
    id: `${name}-${at}`,
    run: { shell: `sleep ${taskMs / 1000}; echo ${at} > ${name}-${at}.txt` },
    claims: [`${name}-${at}.txt`],
  }));
}
