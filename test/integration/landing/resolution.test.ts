import { expect } from "chai";
import type { Oid, RequestId, TaskId } from "../../../ipc/ids.ts";
import { at_ms, makeScene, request } from "./scene.ts";
import type { Files, Saved, Scene } from "./scene.ts";

const task = "t1" as TaskId;
const parked = "refs/orchd/conflicts/t1";
const by = (name: string) => ({ request: name as RequestId, task, parked });
const pins = async (scene: Scene): Promise<string> =>
  await scene.repository.git(
    "for-each-ref",
    "--format=%(refname) %(objectname)",
    "refs/orchd/resolutions",
  );

/** Work on `a.txt` that met other work on it. */
async function makeParked(): Promise<Scene & { readonly work: Saved }> {
  const scene = await makeScene();
  const work = await scene.save({ "a.txt": "task\n", "new.txt": "new\n" });
  await scene.land("other", { "a.txt": "other\n" });
  const merged = await scene.landing.merge(request("t1", work));
  expect(merged).to.deep.include({ kind: "conflict", paths: ["a.txt"], ref: parked });
  return { ...scene, work };
}

async function look(scene: Scene, files: Files, onto?: Oid) {
  const { saved } = await scene.save(files, onto);
  return { commit: saved, looked: await scene.landing.resolution({ ...by("r1"), commit: saved }) };
}

describe("work that does not merge", () => {
  it("is parked with base, ours, theirs and the conflict marked, and a cherry-pick meets it again", async () => {
    await using scene = await makeParked();
    const { git } = scene.repository;
    const sides = [1, 2, 3].map((side) => scene.oid(`${parked}^${side}`));
    const [base, ours, theirs] = await Promise.all(sides);
    expect(base).to.equal(scene.work.base);
    expect(ours).to.equal(await scene.oid("orchd/main"));
    expect(await git("rev-parse", `${theirs}^@`)).to.equal(base);
    expect(await git("diff", `${theirs}`, scene.work.saved)).to.equal("");
    expect(await git("show", `${parked}:a.txt`)).to.match(/^<{7} .*\nother\n={7}\ntask\n>{7} /);
    expect(await git("show", "-s", "--format=%s %ct", `${theirs}`)).to.equal(
      `Do t1 ${at_ms / 1000}`,
    );
    await git("checkout", "--quiet", "--detach", `${parked}^2`);
    const picked = await git("cherry-pick", "--no-commit", `${parked}^3`).catch(
      (error: unknown) => error,
    );
    expect(picked).to.be.instanceOf(Error);
    expect(await git("status", "--porcelain")).to.equal("UU a.txt\nA  new.txt");
  });

  it("is parked as the same commit when the step is done again", async () => {
    await using scene = await makeParked();
    const before = await scene.oid(parked);
    const next = scene.restart({ epoch: 2 });
    await next.prepare();
    await next.merge(request("t1", scene.work));
    expect(await scene.oid(parked)).to.equal(before);
  });
});

describe("a resolution", () => {
  it("is pinned and lands as one commit with the change from what the work had met", async () => {
    await using scene = await makeParked();
    const ours = await scene.oid("orchd/main");
    const { commit, looked } = await look(scene, { "a.txt": "both\n", "new.txt": "new\n" });
    const ref = "refs/orchd/resolutions/t1/r1";
    const touched = ["a.txt", "new.txt"];
    const saved = { commit, base: ours, ref, touched, touched_total: 2, descends: true };
    expect(looked).to.deep.equal({ kind: "ready", saved });
    expect(await scene.oid(ref)).to.equal(commit);
    await scene.land("later", { "b.txt": "later\n" });
    const landed = await scene.landWork("t1", { saved: commit, base: ours });
    expect(await scene.repository.git("show", `${landed}:a.txt`)).to.equal("both");
    expect(await scene.repository.git("show", `${landed}:b.txt`)).to.equal("later");
  });

  it("asked for twice at once has two refs, and unpinning the one leaves the other", async () => {
    await using scene = await makeParked();
    const { saved: one } = await scene.save({ "a.txt": "one\n" });
    const { saved: two } = await scene.save({ "a.txt": "two\n" });
    for (const [name, commit] of [
      ["r1", one],
      ["r2", two],
      ["r2", two],
    ] as const)
      expect((await scene.landing.resolution({ ...by(name), commit })).kind).to.equal("ready");
    const { parked: _, ...second } = { ...by("r2"), commit: two };
    const { parked: __, ...first } = { ...by("r1"), commit: one };
    expect(await scene.landing.pinnedResolutions()).to.deep.equal([first, second]);
    expect((await scene.landing.unpinResolutions([second])).kind).to.equal("done");
    expect(await pins(scene)).to.equal(`refs/orchd/resolutions/t1/r1 ${one}`);
    expect((await scene.landing.unpinResolutions([second])).kind).to.equal("problem");
  });

  it("made on what landed later counts from there, so that only the person's change is the task's", async () => {
    await using scene = await makeParked();
    await scene.land("later", { "b.txt": "later\n" });
    const tip = await scene.oid("orchd/main");
    const { looked } = await look(scene, { "a.txt": "both\n" }, tip);
    expect(looked).to.have.nested.property("saved.base", tip);
    expect(looked).to.have.nested.property("saved.touched").that.deep.equals(["a.txt"]);
  });

  it("on a commit that a person reset away since lands its change alone", async () => {
    await using scene = await makeParked();
    const ours = await scene.oid("orchd/main");
    const { git } = scene.repository;
    await scene.landing.follow({ from: null });
    await git("reset", "--quiet", "--hard", "HEAD~1");
    await scene.landing.settleRewind("accept");
    const { commit, looked } = await look(scene, { "b.txt": "mine\n" }, ours);
    expect(looked).to.have.nested.property("saved.base", ours);
    const landed = await scene.landWork("t1", { saved: commit, base: ours });
    expect(await git("show", `${landed}:b.txt`)).to.equal("mine");
    expect(await git("show", `${landed}:a.txt`)).to.equal("a");
  });

  it("is refused where it would take back what landed, resolves nothing, changes nothing or is no commit", async () => {
    await using scene = await makeParked();
    const tip = await scene.oid("orchd/main");
    const of = async (commit: Oid): Promise<string> => {
      const looked = await scene.landing.resolution({ ...by("r1"), commit });
      return looked.kind === "refused" ? looked.message : looked.kind;
    };
    const old = (await look(scene, { "a.txt": "mine\n" }, scene.work.base)).looked;
    expect(old)
      .to.have.property("message")
      .that.matches(/contains neither .* take back/);
    expect(await of(tip)).to.include("is on orchd/main already");
    expect(await of(scene.work.base)).to.include("is on orchd/main already");
    expect(await of("1".repeat(40) as Oid)).to.include("there is no commit");
    expect(await of(await scene.oid("orchd/main^{tree}"))).to.include("there is no commit");
    expect((await look(scene, {})).looked)
      .to.have.property("message")
      .that.includes("nothing");
    expect(await pins(scene)).to.equal("");
  });

  it("is refused with conflict markers left, and not for what only looks like them", async () => {
    await using scene = await makeParked();
    const text = await scene.repository.git("show", `${parked}:a.txt`);
    const { looked } = await look(scene, { "a.txt": `${text}\n`, "new.txt": "new\n" });
    expect(looked).to.deep.equal({
      kind: "refused",
      message: "conflict markers are left in a.txt",
    });
    const heading = "Title\n=======\n\n>>>>>>> quoted, seven deep\n";
    expect((await look(scene, { "a.txt": heading })).looked.kind).to.equal("ready");
  });

  it("may hold marks that one of the sides has, and those of files that did not conflict", async () => {
    await using scene = await makeScene();
    const about = (word: string) => `About ${word}\n<<<<<<< HEAD\n=======\n>>>>>>> ${word}\n`;
    const work = await scene.save({ "a.txt": about("task") });
    await scene.land("other", { "a.txt": about("other") });
    expect((await scene.landing.merge(request("t1", work))).kind).to.equal("conflict");
    const both = { "a.txt": `${about("task")}${about("other")}`, "new.txt": about("new") };
    expect((await look(scene, both)).looked.kind).to.equal("ready");
    const marked = await scene.repository.git("show", `${parked}:a.txt`);
    const half = marked.replace(/^<{7} (?!HEAD$).*\n/m, "");
    expect(half).to.not.equal(marked);
    const { looked } = await look(scene, { "a.txt": half });
    expect(looked).to.have.property("message", "conflict markers are left in a.txt");
  });

  it("is refused with longer marks, too, as git writes them where an attribute says so", async () => {
    await using scene = await makeParked();
    const long = ["<".repeat(12), "=".repeat(12), ">".repeat(12)];
    const text = `${long[0]} HEAD\nother\n${long[1]}\ntask\n${long[2]} 1234567 (Do t1)\n`;
    const { looked } = await look(scene, { "a.txt": text });
    expect(looked).to.have.property("message", "conflict markers are left in a.txt");
  });

  it("made where other work has landed since is looked at in every file: it may have met that, too", async () => {
    await using scene = await makeParked();
    await scene.land("later", { "b.txt": "later\n" });
    const tip = await scene.oid("orchd/main");
    const left = "<<<<<<< HEAD\nlater\n=======\nmine\n>>>>>>> mine\n";
    const { looked } = await look(scene, { "a.txt": "both\n", "b.txt": left }, tip);
    expect(looked).to.have.property("message", "conflict markers are left in b.txt");
  });
});
