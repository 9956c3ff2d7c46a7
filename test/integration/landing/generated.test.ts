import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { MergeRequest, MergeResult } from "../../../daemon/landing/merge.ts";
import type { Oid } from "../../../ipc/ids.ts";
import { candidateOf, makeScene, request } from "./scene.ts";
import type { Files, Scene } from "./scene.ts";

const globs = ["lock.json", "dist/**"];
const begin = {
  "a.txt": "a\n",
  "lock.json": "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
  "dist/old.js": "old\n",
};

/** Both sides begin at the same tip; `ours` lands, then `theirs` is merged. */
async function meet(
  scene: Scene,
  ours: Files,
  theirs: Files,
): Promise<{ readonly asked: MergeRequest; readonly merged: MergeResult }> {
  const work = await scene.save(theirs);
  await scene.land("first", ours);
  const asked = { ...request("second", work), generated: { globs } };
  return { asked, merged: await scene.landing.merge(asked) };
}

function generateOf(merged: MergeResult): Extract<MergeResult, { kind: "generate" }> {
  if (merged.kind !== "generate") throw new Error(JSON.stringify(merged));
  return merged;
}

const show = (scene: Scene, tree: Oid, path: string): Promise<string> =>
  scene.repository.git("show", `${tree}:${path}`);

describe("merging where generated files meet", () => {
  it("takes the branch's side for them and asks for them to be made, on a commit that is pinned", async () => {
    await using scene = await makeScene(begin);
    const { merged } = await meet(
      scene,
      { "lock.json": "ours\n", "a.txt": "a\nours\n" },
      { "lock.json": "theirs\n", "b.txt": "theirs\n" },
    );
    const { commit, tree, ...rest } = generateOf(merged);
    expect(rest).to.deep.equal({ kind: "generate", globs: ["lock.json"], paths: ["lock.json"] });
    expect(await scene.oid(`${commit}^{tree}`)).to.equal(tree);
    expect(await scene.oid("refs/orchd/candidates/second")).to.equal(commit);
    expect(await show(scene, tree, "lock.json")).to.equal("ours");
    expect(await show(scene, tree, "a.txt")).to.equal("a\nours");
    expect(await show(scene, tree, "b.txt")).to.equal("theirs");
  });

  it("also where git could merge the text, since that is a file which no command has made", async () => {
    await using scene = await makeScene(begin);
    const { asked, merged } = await meet(
      scene,
      { "lock.json": "one\n2\n3\n4\n5\n6\n7\n8\n9\n" },
      { "lock.json": "1\n2\n3\n4\n5\n6\n7\n8\nnine\n" },
    );
    expect(generateOf(merged).paths).to.deep.equal(["lock.json"]);
    const { generated: _generated, ...plain } = asked;
    expect((await scene.landing.merge(plain)).kind).to.equal("candidate");
  });

  it("lands what they came to, as one commit like any other; the same again when it is asked again", async () => {
    await using scene = await makeScene(begin);
    const { asked, merged } = await meet(
      scene,
      { "lock.json": "ours\n" },
      { "lock.json": "theirs\n" },
    );
    const { tree: from, commit } = generateOf(merged);
    const { saved } = await scene.save({ "lock.json": "made\n" }, commit);
    const tree = await scene.oid(`${saved}^{tree}`);
    const again = { ...asked, generated: { globs, regenerated: { from, tree } } };
    const landed = await scene.landing.merge(again);
    const candidate = candidateOf(landed);
    expect(landed).to.deep.include({ tree, onto: await scene.oid("orchd/main") });
    expect(await scene.repository.git("rev-parse", `${candidate}^@`)).to.equal(
      await scene.oid("orchd/main"),
    );
    const next = scene.restart({ epoch: 2 });
    await next.prepare();
    expect(await next.merge(again)).to.deep.equal(landed);
  });

  it("asks for them again when what they came to is gone, or is of another merge", async () => {
    await using scene = await makeScene(begin);
    const { asked, merged } = await meet(
      scene,
      { "lock.json": "ours\n" },
      { "lock.json": "theirs\n" },
    );
    const { tree: from } = generateOf(merged);
    const gone = "1".repeat(40) as Oid;
    const other = await scene.oid("orchd/main^{tree}");
    for (const regenerated of [
      { from, tree: gone },
      { from: gone, tree: other },
    ])
      expect(
        await scene.landing.merge({ ...asked, generated: { globs, regenerated } }),
      ).to.deep.equal(merged);
  });

  it("is a merge like any other where one side alone changed them, or both did the same", async () => {
    await using scene = await makeScene(begin);
    const { merged } = await meet(
      scene,
      { "lock.json": "same\n", "dist/new.js": "ours\n", "a.txt": "ours\n" },
      { "lock.json": "same\n", "dist/old.js": "theirs\n" },
    );
    const tree = await scene.oid(`${candidateOf(merged)}^{tree}`);
    expect(await show(scene, tree, "dist/old.js")).to.equal("theirs");
    expect(await show(scene, tree, "dist/new.js")).to.equal("ours");
  });

  it("is a conflict where another file conflicts as well, and names all", async () => {
    await using scene = await makeScene(begin);
    const { merged } = await meet(
      scene,
      { "lock.json": "ours\n", "a.txt": "ours\n" },
      { "lock.json": "theirs\n", "a.txt": "theirs\n" },
    );
    expect(merged).to.deep.include({ kind: "conflict", paths: ["a.txt", "lock.json"] });
  });

  it("takes a deletion on the branch's side for what stands there, and a file that only they deleted", async () => {
    await using scene = await makeScene(begin);
    const { merged } = await meet(
      scene,
      { "lock.json": null, "dist/old.js": "ours\n" },
      { "lock.json": "theirs\n", "dist/old.js": null },
    );
    const { tree, globs: matched, paths } = generateOf(merged);
    expect(matched).to.deep.equal(globs);
    expect(paths).to.deep.equal(["dist/old.js", "lock.json"]);
    const names = await scene.repository.git("ls-tree", "-r", "--name-only", tree);
    expect(names.split("\n")).to.deep.equal(["a.txt", "dist/old.js"]);
    expect(await show(scene, tree, "dist/old.js")).to.equal("ours");
  });

  it("holds with names that are hard, and with what a step that was cut off left", async () => {
    const hard = 'dist/-q "\n\ttwo lines é.js';
    await using scene = await makeScene({ ...begin, [hard]: "old\n" });
    mkdirSync(join(scene.gitDir, "orchd"), { recursive: true });
    for (const name of ["generated.index", "generated.index.lock"])
      writeFileSync(join(scene.gitDir, "orchd", name), "rubbish");
    const { merged } = await meet(scene, { [hard]: "ours\n" }, { [hard]: "theirs\n" });
    const { tree, paths } = generateOf(merged);
    expect(paths).to.deep.equal([hard]);
    expect(await show(scene, tree, hard)).to.equal("ours");
  });

  it("is the same onto a candidate in front of it", async () => {
    await using scene = await makeScene(begin);
    const [one, two] = [
      await scene.save({ "lock.json": "one\n" }),
      await scene.save({ "lock.json": "two\n" }),
    ];
    const front = candidateOf(
      await scene.landing.merge({ ...request("one", one), generated: { globs } }),
    );
    const onto = { commit: front, tree: await scene.oid(`${front}^{tree}`) };
    const merged = await scene.landing.merge({
      ...request("two", two),
      onto,
      generated: { globs },
    });
    const { commit, tree } = generateOf(merged);
    expect(await show(scene, tree, "lock.json")).to.equal("one");
    expect(await scene.oid(`${commit}^`)).to.equal(front);
  });

  it("is not foreseen as a conflict; what else conflicts is, without them", async () => {
    await using scene = await makeScene(begin);
    const [one, two, three] = [
      await scene.save({ "lock.json": "one\n" }),
      await scene.save({ "lock.json": "two\n" }),
      await scene.save({ "lock.json": "three\n", "a.txt": "three\n" }),
    ].map(({ saved }) => saved);
    const four = (await scene.save({ "lock.json": "four\n", "a.txt": "four\n" })).saved;
    const leftOut = (path: string) => path === "lock.json";
    const foresee = async (
      other: Oid | undefined,
      ours: Oid | undefined,
      out: typeof leftOut | null,
    ) => await scene.landing.foresee(ours ?? four, other ?? four, out);
    expect(await foresee(two, one, null)).to.deep.equal(["lock.json"]);
    expect(await foresee(two, one, leftOut)).to.deep.equal([]);
    expect(await foresee(four, three, leftOut)).to.deep.equal(["a.txt"]);
  });
});
