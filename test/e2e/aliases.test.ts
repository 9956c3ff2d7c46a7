import { expect } from "chai";
import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeRepository } from "../helpers/repository.ts";
import { supervise } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import type { TaskId } from "../../ipc/ids.ts";

describe("claims on one file under several names", () => {
  it("keep each other out: through a tracked link, and where git ignores letter case", async function () {
    this.timeout(60_000);
    const repository = await makeRepository({
      files: { "real/x": "1\n", "Docs/a": "2\n" },
      config: { max_parallel: 4, outside_claims: "fail" },
    });
    await symlink("real", join(repository.dir, "link"));
    await repository.commit("A link");
    await repository.git("config", "core.ignorecase", "true");
    await using supervised = await supervise(repository);
    const gate = join(repository.env["TMPDIR"] ?? "", "gate");
    const shell = `while [ ! -e '${gate}' ]; do sleep 0.1; done`;
    const client = await supervised.client();
    const waits = async (id: TaskId) => (await client.call("show", { id })).waiting;

    const [a, b] = await supervised.submit(
      { id: "a", run: { shell: `${shell}; echo a >> real/x` }, claims: ["link/x"] },
      { id: "b", run: { shell: `${shell}; echo b >> Docs/New` }, claims: ["Docs/"] },
    );
    await until(async () => (await client.call("locks", {})).locks.length === 2, {
      what: "both to run",
    });
    const [c, d] = await supervised.submit(
      { id: "c", run: { shell: "echo c >> real/x" }, claims: ["real/x"] },
      { id: "d", run: { shell: "echo d >> Docs/New" }, claims: ["docs/NEW"] },
    );
    if (a === undefined || b === undefined || c === undefined || d === undefined)
      throw new Error("four tasks were submitted");
    expect(await waits(c)).to.deep.include({ on: "claim", holder: a, their_claim: "real/x" });
    expect(await waits(d)).to.deep.include({ on: "claim", holder: b, their_claim: "docs/**" });

    await writeFile(gate, "");
    const ends = await supervised.wait([a, b, c, d]);
    expect(ends.map(({ status }) => status)).to.deep.equal(Array(4).fill("succeeded"));
    expect(await repository.git("show", "orchd/main:real/x")).to.equal("1\na\nc");
    expect(await repository.git("show", "orchd/main:Docs/New")).to.equal("b\nd");
  });
});
