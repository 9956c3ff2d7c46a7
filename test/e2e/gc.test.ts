import { expect } from "chai";
import { makeSupervised } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import type { GcView } from "../../ipc/gcView.ts";
import type { Supervised } from "../helpers/supervised.ts";

function writes(id: string, more: object = {}): object {
  return { id, run: { shell: `echo ${id} > ${id}.txt` }, claims: [`${id}.txt`], ...more };
}

async function refsOf({ repository }: Supervised): Promise<string[]> {
  return (await repository.git("for-each-ref", "--format=%(refname) %(objectname)")).split("\n");
}

async function gc(supervised: Supervised, ...flags: readonly string[]): Promise<GcView> {
  const { code, stdout, stderr } = await supervised.orchd("gc", "--json", ...flags);
  expect(code, stderr).to.equal(0);
  return JSON.parse(stdout) as GcView;
}

describe("orchd gc", () => {
  it("removes exactly what --dry-run names, and nothing of a task that failed or is to run again", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised({
      config: { max_parallel: 2, limits: { grace: "500ms" }, retention: { saved: 1 } },
    });
    const fails = { run: { shell: "echo half > half.txt; exit 1" } };
    const [failed, again] = await supervised.submit(
      writes("failed", fails),
      writes("again", { ...fails, retries: { max: 3, backoff: "1h" } }),
    );
    for (const id of ["a", "b", "c"]) await supervised.wait(await supervised.submit(writes(id)));
    if (failed === undefined || again === undefined) throw new Error("not submitted");
    await supervised.wait([failed]);
    const attempt = "refs/orchd/attempts/again/1";
    await until(async () => (await refsOf(supervised)).some((ref) => ref.startsWith(attempt)), {
      what: "the work of an attempt that failed",
    });
    const before = await refsOf(supervised);
    const objects = await supervised.repository.git("count-objects", "-v");
    const planned = await gc(supervised, "--dry-run");
    expect(await refsOf(supervised)).to.deep.equal(before);
    expect(await supervised.repository.git("count-objects", "-v")).to.equal(objects);
    const names = planned.refs.map(({ ref }) => ref);
    expect(names).to.have.members([
      ...["a", "b", "c"].map((id) => `refs/orchd/candidates/${id}`),
      ...["a", "b"].map((id) => `refs/orchd/attempts/${id}/1`),
    ]);
    expect(planned).to.deep.include({ dry_run: true, packing: "begun", problem: null });
    const done = await gc(supervised);
    expect(done.refs).to.deep.equal(planned.refs);
    const left = before.filter((line) => !names.includes(line.split(" ")[0] ?? ""));
    expect(await refsOf(supervised)).to.deep.equal(left);
    expect(left.some((line) => line.startsWith("refs/orchd/attempts/failed/1 "))).to.equal(true);
    await until(
      async () => /^count: 0$/m.test(await supervised.repository.git("count-objects", "-v")),
      { what: "all objects to be packed" },
    );
    // With everything packed the next task lands as before.
    const [end] = await supervised.wait(await supervised.submit(writes("d")));
    expect(end?.status).to.equal("succeeded");
    expect((await gc(supervised)).refs.map(({ ref }) => ref)).to.include("refs/orchd/candidates/d");
  });

  it("says so where nobody supervises, and packs nothing where maintenance is off", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised({ config: { maintenance: "off" } });
    expect((await gc(supervised)).packing).to.deep.equal({ not: "maintenance is off" });
    await supervised.orchd("stop");
    const { code, stderr } = await supervised.orchd("gc");
    expect(code).to.equal(3);
    expect(stderr).to.match(/No supervisor runs/);
  });
});
