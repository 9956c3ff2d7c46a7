import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { isGone, pidsIn } from "../helpers/processes.ts";
import { makeSupervised } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import type { TaskId } from "../../ipc/ids.ts";

const graceMs = 1_000;
/** After the grace: finding and killing what is left, and seeing that it is gone. */
const killMsMax = 300;
const runs = 5;

/** Deaf to everything polite; notes its number. */
async function writeStubborn(pids: string): Promise<string> {
  const file = `${pids}.sh`;
  const loop = `while :; do sleep 0.05; done`;
  await writeFile(file, `trap "" TERM HUP INT\necho $$ >> ${pids}\n${loop}\n`);
  return file;
}

/** Shell lines that each start one; the parents of the last two have ended within the millisecond. */
function starters(file: string): string[] {
  return [
    `sh ${file} &`,
    `setsid sh ${file} &`,
    `( setsid sh ${file} & )`,
    `( setsid sh -c '( setsid sh ${file} & ) & exit' & )`,
  ];
}

describe("a cancelled tree of detached, twice forked processes that ignore SIGTERM", () => {
  it(`is gone within its grace of ${graceMs} ms and ${killMsMax} ms, each of ${runs} times`, async function () {
    this.timeout(120_000);
    await using supervised = await makeSupervised({
      config: { max_parallel: 1, limits: { grace: `${graceMs}ms` } },
    });
    const client = await supervised.client();
    const elapsed: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const pids = join(supervised.repository.dir, "..", `pids-${run}`);
      const file = await writeStubborn(pids);
      const trees = starters(file).flatMap((one) => [one, one]);
      const [id] = (await supervised.submit({
        id: `tree-${run}`,
        run: { shell: `trap "" TERM; ${trees.join("\n")}\nwhile :; do sleep 0.05; done` },
        claims: [],
      })) as [TaskId];
      const all = await until(() => (pidsIn(pids).length === trees.length ? pidsIn(pids) : null), {
        timeoutMs: 20_000,
        what: "the tree",
      });
      const begun = performance.now();
      await client.call("cancel", { ids: [id] });
      await until(() => all.every(isGone), { timeoutMs: 20_000, what: "the end of the tree" });
      elapsed.push(Math.round(performance.now() - begun));
      expect((await supervised.wait([id]))[0]?.status).to.equal("cancelled");
    }
    expect(Math.max(...elapsed), `ms: ${elapsed.join(" ")}`).to.be.within(
      graceMs - 50,
      graceMs + killMsMax,
    );
  });
});
