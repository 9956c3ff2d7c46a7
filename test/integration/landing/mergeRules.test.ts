import { expect } from "chai";
import type { MergeRuleChanges } from "../../../ipc/mergeRules.ts";
import { mergeRulesMax } from "../../../ipc/mergeRules.ts";
import { makeScene, request } from "./scene.ts";
import type { Files, Saved, Scene } from "./scene.ts";

const root = ".gitattributes";

/** What merging the work tells about merging: `added a/.gitattributes * merge=union both_sides`. */
async function toldOf(scene: Scene, work: Saved, task = "t1"): Promise<string[] | null> {
  const { rules } = (await changesOf(scene, work, task)) ?? {};
  return (
    rules?.map(({ change, file, pattern, words, effect }) =>
      [change, file, pattern, words, effect].join(" "),
    ) ?? null
  );
}

async function changesOf(
  scene: Scene,
  work: Saved,
  task = "t1",
  more: Parameters<typeof request>[2] = {},
): Promise<MergeRuleChanges | null> {
  const merged = await scene.landing.merge(request(task, work, more));
  if (merged.kind !== "candidate") throw new Error(JSON.stringify(merged));
  return merged.mergeRules ?? null;
}

async function told(begun: Record<string, string>, files: Files): Promise<string[] | null> {
  await using scene = await makeScene({ "a.txt": "a\n", ...begun });
  return await toldOf(scene, await scene.save(files));
}

describe("work that changes how files merge", () => {
  it("is told with file, pattern and what it says", async () => {
    expect(await told({}, { [root]: "* text\n* merge=union\n", "a.txt": "b\n" })).to.deep.equal([
      "added .gitattributes * merge=union both_sides",
    ]);
  });

  it("tells what goes, and what is below the root by the macros of the root", async () => {
    const begun = { [root]: "[attr]mine -merge\nlock -merge\n", "é/.gitattributes": "x mine\n" };
    const files = { [root]: "[attr]mine -merge\n", "é/.gitattributes": "y mine\n" };
    expect(await told(begun, files)).to.deep.equal([
      "removed .gitattributes lock -merge conflict",
      "added é/.gitattributes y mine conflict",
      "removed é/.gitattributes x mine conflict",
    ]);
    expect(await told(begun, { [root]: null })).to.deep.equal([
      "removed .gitattributes [attr]mine -merge conflict",
      "removed .gitattributes lock -merge conflict",
    ]);
  });

  it("tells nothing of other work, nor of other attributes", async () => {
    const begun = { [root]: "* merge=union\n", "d/.gitattributes": "lock -merge\n" };
    expect(await told(begun, { "a.txt": "b\n" })).to.equal(null);
    expect(await told(begun, { [root]: "# said\n* merge=union\n*.c text\n" })).to.equal(null);
  });

  it("tells a pattern that makes git slow, and a file that is too large to be read, each time", async () => {
    await using scene = await makeScene({ "a.txt": "a\n" });
    const large = `${"#".repeat(1_000)}\n`.repeat(300);
    const slow = "a*b*c*d*e*f*g*h*i*j*k*l* text";
    const first = await scene.save({ [root]: `${slow}\n`, "d/.gitattributes": large });
    expect(await toldOf(scene, first)).to.deep.equal([
      "added .gitattributes a*b*c*d*e*f*g*h*i*j*k*l* text too_many_wildcards",
      "added d/.gitattributes   too_large",
    ]);
    await scene.landWork("t1", first);
    const again = await scene.save({ "d/.gitattributes": `${large}* merge=union\n` });
    expect(await toldOf(scene, again, "t2")).to.deep.equal(["added d/.gitattributes   too_large"]);
  });

  it("is told by what it is merged onto, also in a chain, and by a supervisor that has just begun", async () => {
    await using scene = await makeScene({ "a.txt": "a\n" });
    const rule = { [root]: "a.txt merge=union\n" };
    const [one, two] = [await scene.save(rule), await scene.save({ ...rule, "b.txt": "b\n" })];
    const ahead = await scene.landing.merge(request("t1", one));
    if (ahead.kind !== "candidate") throw new Error(ahead.kind);
    expect(ahead.mergeRules?.total).to.equal(1);
    const onto = { commit: ahead.candidate, tree: ahead.tree };
    expect(await changesOf(scene, two, "t2", { onto })).to.equal(null);
    expect((await changesOf(scene, two, "t2"))?.total).to.equal(1);
    const next = scene.restart({ epoch: 2 });
    await next.prepare();
    const merged = await next.merge(request("t2", two));
    expect(merged.kind === "candidate" && merged.mergeRules?.total).to.equal(1);
  });

  it("keeps merging by what it is merged onto after work that changes nothing, and then some", async () => {
    await using scene = await makeScene({ "a.txt": "a\n", [root]: "a.txt merge=union\n" });
    const [mine, yours] = [
      await scene.save({ "a.txt": "a\nmine\n" }),
      await scene.save({ "a.txt": "a\nyours\n" }),
    ];
    await scene.landWork("t1", mine);
    expect((await scene.landing.merge(request("t2", yours))).kind).to.equal("candidate");
    await scene.land("t3", { [root]: null });
    expect((await scene.landing.merge(request("t2", yours))).kind).to.equal("conflict");
    await scene.land("t4", { "b.txt": "b2\n" });
    expect((await scene.landing.merge(request("t2", yours))).kind).to.equal("conflict");
    await scene.land("t5", { [root]: "* merge=union\n" });
    expect((await scene.landing.merge(request("t2", yours))).kind).to.equal("candidate");
  });

  it("names the first of many, and counts the rest", async () => {
    await using scene = await makeScene({ "a.txt": "a\n" });
    const lines = Array.from({ length: 250 }, (_, at) => `file${at} -merge\n`);
    const changes = await changesOf(scene, await scene.save({ [root]: lines.join("") }));
    expect(changes?.rules).to.have.length(mergeRulesMax);
    expect(changes?.total).to.equal(250);
  });
});
