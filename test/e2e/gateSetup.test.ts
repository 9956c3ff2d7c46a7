import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { makeGated, writing } from "../helpers/gated.ts";
import { until } from "../helpers/until.ts";

/** Fails in the gate's workspace while the file `out` lies beside the repository, and with a file `broken` in any. */
function setupOf(root: string): string {
  return `case $PWD in */gate-1/*) test ! -e '${root}/out' || { echo no network; false; };; esac && { test ! -e broken || { echo no such package; false; }; }`;
}

describe("a setup that fails at the gate", function () {
  this.timeout(60_000);

  it("for want of what is around holds landing until it is there; with what a task brings it is that task's", async () => {
    await using gated = await makeGated("true", (root) => ({
      workspace: { setup: [{ shell: setupOf(root) }], setup_inputs: ["broken"] },
    }));
    const { supervised } = gated;
    const out = join(dirname(supervised.repository.dir), "out");
    writeFileSync(out, "");
    const ids = await supervised.submit(writing("a"), writing("b"));
    const client = await supervised.client();
    await until(
      async () => {
        const { landing } = await client.call("status", { open_max: 0, finished_max: 0 });
        return landing.held?.includes("workspace.setup fails on the branch itself") === true;
      },
      { what: "landing to be held", timeoutMs: 30_000 },
    );
    const { stdout } = await supervised.orchd("show", String(ids[0]));
    expect(stdout).to.include("landing is held: workspace.setup fails on the branch itself");
    rmSync(out);
    await supervised.orchd("land");
    const ends = await supervised.wait(ids);
    expect(ends.map(({ status, attempts }) => [status, attempts])).to.deep.equal([
      ["succeeded", 1],
      ["succeeded", 1],
    ]);
    const [end] = await supervised.wait(await supervised.submit(writing("broken")));
    expect(end?.reason).to.deep.include({
      kind: "gate",
      command: ["workspace.setup"],
      output: "no such package",
    });
  });
});
