import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { age } from "../helpers/aging.ts";
import { makeSupervised } from "../helpers/supervised.ts";
import { parkTask } from "../helpers/parking.ts";
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
      { what: "all objects to be packed", timeoutMs: 30_000 },
    );
    // With everything packed the next task lands as before.
    const [end] = await supervised.wait(await supervised.submit(writes("d")));
    expect(end?.status).to.equal("succeeded");
    expect((await gc(supervised)).refs.map(({ ref }) => ref)).to.include("refs/orchd/candidates/d");
  });

  it("leaves, after a long mixed life, only what docs/operating/upkeep.md says that stays", async function () {
    this.timeout(180_000);
    const lock = "cat deps/* > lock";
    await using supervised = await makeSupervised({
      files: { "README.md": "# x\n", "shared.txt": "first\n", "deps/a": "a\n", lock: "a\n" },
      config: {
        max_parallel: 2,
        limits: { grace: "500ms", prediction: "100ms" },
        generated: [{ paths: ["lock"], run: { shell: lock } }],
        retention: { landed: "30d", unlanded: "180d" },
      },
    });
    const { git, dir } = supervised.repository;
    await liveMixed(supervised, lock);
    const kinds = (await namesOf(supervised)).map((name) => name.split("/")[2] ?? "");
    expect(kinds).to.include.members(["attempts", "bases", "candidates", "conflicts", "epoch"]);
    expect(kinds).to.include.members(["followed", "generated", "resolutions", "rewound", "strays"]);
    const documented = documentedRefs();
    for (const name of await namesOf(supervised))
      expect(
        documented.some((ref) => ref.test(name)),
        `${name} is documented`,
      ).to.equal(true);
    await gc(supervised);
    await age(supervised, 31);
    await gc(supervised);
    const left = await namesOf(supervised);
    for (const task of ["parked", "fails"])
      expect(left.filter((name) => name.includes(`/${task}`))).not.to.be.empty;
    expect(left.some((name) => name.startsWith("refs/orchd/rewound/"))).to.equal(true);
    for (const kind of ["candidates", "generated", "resolutions", "strays"])
      expect(left.filter((name) => name.startsWith(`refs/orchd/${kind}/`))).to.be.empty;
    expect((await supervised.orchd("show", "parked")).stdout).to.include("git worktree add");
    await age(supervised, 150);
    await gc(supervised);
    const stays = (await namesOf(supervised)).filter((name) => !/\/bases\//.test(name));
    expect(stays).to.deep.equal(["refs/orchd/epoch", "refs/orchd/followed/main"]);
    const { stdout } = await supervised.orchd("show", "parked");
    expect(stdout).to.include("is removed").and.not.to.include("git worktree add");
    // Nothing of it was needed: the repository is whole, and goes on.
    await git("fsck", "--strict", "--no-progress");
    expect(await git("-C", dir, "status", "--porcelain")).to.equal("");
    const [end] = await supervised.wait(await supervised.submit(writes("after")));
    expect(end?.status).to.equal("succeeded");
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

async function namesOf({ repository }: Supervised): Promise<string[]> {
  return (await repository.git("for-each-ref", "--format=%(refname)", "refs/orchd")).split("\n");
}

/** As patterns: what the table of the documentation has. */
function documentedRefs(): RegExp[] {
  const page = readFileSync(join(import.meta.dirname, "../../docs/operating/upkeep.md"), "utf8");
  return [...page.matchAll(/^\| `(refs\/[^`]+)`/gm)].map(
    ([, ref = ""]) => new RegExp(`^${ref.replaceAll(/<\w+>/g, "[^/]+")}$`),
  );
}

/** Tasks that land, with generated files and strays; fail; are cancelled; are parked, resolved; and a rewind. */
async function liveMixed(supervised: Supervised, lock: string): Promise<void> {
  const { git } = supervised.repository;
  const adds = (id: string) => ({
    id,
    run: { shell: `echo ${id} > deps/${id}; ${lock}; sleep 1` },
    claims: [`deps/${id}`],
  });
  await supervised.wait(await supervised.submit(adds("b"), adds("c")));
  const stash = "echo s > s.txt; git add s.txt; git stash --quiet; echo t > t.txt";
  const fails = { run: { shell: "echo half > half.txt; exit 1" } };
  await supervised.wait(
    await supervised.submit(
      writes("stashes", { run: { shell: stash }, claims: ["t.txt"] }),
      writes("fails", fails),
    ),
  );
  const [cancelled = ""] = await supervised.submit(
    writes("cancelled", { ...fails, retries: { max: 3, backoff: "1h" } }),
  );
  await until(
    async () => (await namesOf(supervised)).includes(`refs/orchd/attempts/${cancelled}/1`),
    {
      what: "its first attempt",
    },
  );
  await supervised.orchd("cancel", cancelled);
  await parkTask(supervised, "parked");
  await parkTask(supervised, "resolved");
  await git("checkout", "--quiet", "-b", "mine", "refs/orchd/conflicts/resolved^2");
  await supervised.repository.write("shared.txt", "mine\n");
  await git("commit", "--quiet", "--all", "--message", "mine");
  await git("checkout", "--quiet", "main");
  expect(
    (await supervised.orchd("land", "--resolved", "resolved", "--commit", "mine")).code,
  ).to.equal(0);
  expect((await supervised.orchd("wait", "resolved")).code).to.equal(0);
  await until(
    async () => (await git("rev-parse", "main")) === (await git("rev-parse", "orchd/main")),
    {
      what: "main to follow",
    },
  );
  await git("reset", "--quiet", "--hard", "HEAD~1");
  expect((await supervised.orchd("land", "--accept-rewind")).code).to.equal(0);
}
