import { readdir, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../helpers/until.ts";
import { writeAttributes } from "../../../daemon/landing/attributeFiles.ts";
import type { MergeResult } from "../../../daemon/landing/merge.ts";
import { Random } from "../../sim/random.ts";
import { makeScene, request } from "./scene.ts";
import type { Files, Saved, Scene } from "./scene.ts";

/** What merging two changes of the same place comes to: a text, or a conflict. */
const conflict = "a conflict";
const bothLines = "begin\nmine\nyours\n";

/** A file and the attributes around it; two changes of it, of which one lands first. */
async function sceneOf(path: string, attributes: Files): Promise<Scene> {
  return await makeScene({
    [path]: "begin\n",
    "a.txt": "a\n",
    ...(attributes as Record<string, string>),
  });
}

async function twoChanges(scene: Scene, path: string): Promise<readonly [Saved, Saved]> {
  const mine = await scene.save({ [path]: "begin\nmine\n" });
  return [mine, await scene.save({ [path]: "begin\nyours\n" })];
}

/** The file after the second of them was merged too. */
async function met(scene: Scene, path: string, works: readonly [Saved, Saved]): Promise<string> {
  await scene.landWork("t1", works[0]);
  return await mergedText(scene, path, works[1]);
}

async function mergedText(scene: Scene, path: string, work: Saved): Promise<string> {
  const merged = await scene.landing.merge(request("t2", work));
  if (merged.kind === "conflict") return conflict;
  if (merged.kind !== "candidate") throw new Error(JSON.stringify(merged));
  return `${await scene.repository.git("show", `${merged.candidate}:${path}`)}\n`;
}

async function outcome(path: string, attributes: Files): Promise<string> {
  await using scene = await sceneOf(path, attributes);
  return await met(scene, path, await twoChanges(scene, path));
}

describe("merging by the attributes that are tracked", () => {
  it("takes both sides of a file that is marked for union", async () => {
    const attributes = { ".gitattributes": "CHANGES merge=union\n" };
    expect(await outcome("CHANGES", attributes)).to.equal(bothLines);
  });

  for (const mark of ["-merge", "binary", "merge=binary"])
    it(`does not merge a file as text that is marked ${mark}`, async () => {
      await using scene = await makeScene({
        lock: "1\n2\n3\n4\n5\n",
        ".gitattributes": `lock ${mark}\n`,
      });
      const first = await scene.save({ lock: "one\n2\n3\n4\n5\n" });
      const second = await scene.save({ lock: "1\n2\n3\n4\nfive\n" });
      expect(await met(scene, "lock", [first, second])).to.equal(conflict);
    });

  const union = "* merge=union\n";
  const macro = "[attr]both merge=union\n";
  const nested: readonly (readonly [string, Files, string])[] = [
    ["goes by a file above", { "a/.gitattributes": union }, bothLines],
    ["does not go by one elsewhere", { "c/.gitattributes": union }, conflict],
    [
      "goes by the deeper one first",
      { "a/.gitattributes": union, "a/b/.gitattributes": "notes !merge\n" },
      conflict,
    ],
    [
      "knows macros of the root",
      { ".gitattributes": macro, "a/.gitattributes": "notes both\n" },
      bothLines,
    ],
  ];
  for (const [name, attributes, expected] of nested)
    it(`${name}, in nested folders`, async () => {
      expect(await outcome("a/b/notes", attributes)).to.equal(expected);
    });

  it("goes by info/attributes before them", async () => {
    await using scene = await sceneOf("CHANGES", { ".gitattributes": "CHANGES merge=union\n" });
    await scene.repository.write(".git/info/attributes", "CHANGES -merge\n");
    expect(await met(scene, "CHANGES", await twoChanges(scene, "CHANGES"))).to.equal(conflict);
  });

  it("goes by info/attributes soon, though merging never rests", async function () {
    this.timeout(60_000);
    await using scene = await sceneOf("CHANGES", { ".gitattributes": "CHANGES merge=union\n" });
    const works = await twoChanges(scene, "CHANGES");
    expect(await met(scene, "CHANGES", works)).to.equal(bothLines);
    await scene.repository.write(".git/info/attributes", "CHANGES -merge\n");
    await until(async () => (await mergedText(scene, "CHANGES", works[1])) === conflict, {
      timeoutMs: 30_000,
    });
  });

  it("goes by what the landing just before has made of them, and by less when they are removed", async () => {
    await using scene = await sceneOf("CHANGES", {});
    const works = await twoChanges(scene, "CHANGES");
    await scene.landWork("t1", works[0]);
    expect(await mergedText(scene, "CHANGES", works[1])).to.equal(conflict);
    await scene.land("t3", { ".gitattributes": "CHANGES merge=union\n" });
    expect(await mergedText(scene, "CHANGES", works[1])).to.equal(bothLines);
    await scene.land("t4", { ".gitattributes": null });
    expect(await mergedText(scene, "CHANGES", works[1])).to.equal(conflict);
  });

  it("goes by those of the candidate that work is merged onto, in a chain", async () => {
    await using scene = await sceneOf("CHANGES", {});
    const works = await twoChanges(scene, "CHANGES");
    await scene.landWork("t1", works[0]);
    const marking = await scene.save({ ".gitattributes": "CHANGES merge=union\n" });
    const ahead = await scene.landing.merge(request("t3", marking));
    if (ahead.kind !== "candidate") throw new Error(ahead.kind);
    const onto = { commit: ahead.candidate, tree: ahead.tree };
    const behind = await scene.landing.merge(request("t2", works[1], { onto }));
    expect(behind.kind).to.equal("candidate");
    expect(await mergedText(scene, "CHANGES", works[1])).to.equal(conflict);
  });

  it("looks ahead by them", async () => {
    await using scene = await sceneOf("CHANGES", { ".gitattributes": "CHANGES merge=union\n" });
    const works = await twoChanges(scene, "CHANGES");
    await scene.landWork("t1", works[0]);
    const tip = await scene.oid("orchd/main");
    expect(await scene.landing.foresee(works[1].saved, tip, null)).to.deep.equal([]);
  });

  it("runs no driver that they name, however it is written", async () => {
    const lines = ["one merge=mine", '"two"merge=mine', "[attr]x merge=mine", "three x"];
    const files = ["one", "two", "three"];
    const all = (text: string): Record<string, string> =>
      Object.fromEntries(files.map((file) => [file, text]));
    const begun = { ...all("begin\n"), ".gitattributes": `${lines.join("\n")}\n` };
    await using scene = await makeScene(begun);
    const ran = join(scene.repository.dir, "ran");
    await scene.repository.git("config", "merge.mine.driver", `touch ${ran}; true`);
    const theirs = await scene.save(all("begin\nyours\n"));
    await scene.land("t1", all("begin\nmine\n"));
    const merged = await scene.landing.merge(request("t2", theirs));
    const conflicts = merged.kind === "conflict" ? merged.paths : [];
    expect(conflicts).to.have.members(files);
    expect(existsSync(ran)).to.equal(false);
  });

  it("leaves out a file that is too large, says so, and goes by the others", async () => {
    const many = `${"#".repeat(1000)}\n`.repeat(300);
    await using scene = await sceneOf("d/CHANGES", {
      ".gitattributes": `${many}* -merge\n`,
      "d/.gitattributes": "CHANGES merge=union\n",
    });
    const told: string[] = [];
    scene.landing.tellLeftOut((paths) => told.push(...paths));
    expect(await met(scene, "d/CHANGES", await twoChanges(scene, "d/CHANGES"))).to.equal(bothLines);
    expect(told).to.deep.equal([".gitattributes"]);
    expect(scene.landing.leftOutAttributes()).to.deep.equal([".gitattributes"]);
    await scene.land("t3", { ".gitattributes": null });
    await mergedText(scene, "d/CHANGES", await scene.save({ "d/CHANGES": "new\n" }));
    expect(scene.landing.leftOutAttributes()).to.deep.equal([]);
  });

  const sevenOf = "*a*b*c*d*e*f*g";
  const tooMuch: readonly (readonly [string, Files])[] = [
    ["a file that is too large", { "d/.gitattributes": `${"#".repeat(1000)}\n`.repeat(300) }],
    ["more lines than are matched", { "d/.gitattributes": "x merge\n".repeat(5_001) }],
    ["a pattern with too many wildcards", { "d/.gitattributes": `${sevenOf} -merge\n` }],
  ];
  for (const [what, attributes] of tooMuch)
    it(`has changes of a file conflict that are below ${what}, and no others`, async () => {
      const union = { ".gitattributes": "* merge=union\n", ...attributes };
      expect(await outcome("d/e/notes", union)).to.equal(conflict);
      expect(await outcome("e/notes", union)).to.equal(bothLines);
    });

  it("is not led astray by thousands of lines about anything else", async () => {
    const lines = `${"*.bin filter=lfs diff=lfs -text\n".repeat(5_100)}notes merge=union\n`;
    const told: string[] = [];
    await using scene = await sceneOf("notes", { ".gitattributes": lines });
    scene.landing.tellLeftOut((left) => told.push(...left));
    expect(await met(scene, "notes", await twoChanges(scene, "notes"))).to.equal(bothLines);
    expect(told).to.deep.equal([]);
  });

  it("writes nothing where a name leads out of the folder, or into a git directory", async () => {
    await using scene = await sceneOf("a.txt", { ".gitattributes": "CHANGES merge=union\n" });
    const blob = await scene.oid("HEAD:.gitattributes");
    const odd = ["../.gitattributes", "d/../../x/.gitattributes", "d/.Git/.gitattributes"];
    const files = new Map([...odd, "d/.gitattributes"].map((path) => [path, blob] as const));
    const folder = join(scene.gitDir, "orchd", "apart", "odd");
    const leftOut = await writeAttributes({ gitDir: scene.gitDir }, folder, files);
    expect(leftOut.toSorted()).to.deep.equal(odd);
    expect((await readdir(join(folder, ".."), { recursive: true })).toSorted()).to.deep.equal([
      "odd",
      "odd/d",
      "odd/d/.gitattributes",
    ]);
  });

  for (const seed of [1, 2, 3, Math.floor(Math.random() * 2 ** 31)])
    it(`merges as git does where the branch is checked out (seed ${seed})`, async () => {
      const random = new Random(seed);
      const begun = Object.fromEntries(paths.map((path) => [path, "begin\n"]));
      await using scene = await makeScene({ ...begun, ...randomAttributes(random) });
      const change = (who: string): Files =>
        Object.fromEntries(paths.map((path) => [path, `begin\n${who}\n`]));
      const theirs = await scene.save({ ...change("yours"), ...randomAttributes(random) });
      await scene.land("t1", change("mine"));
      const merged = await scene.landing.merge(request("t2", theirs));
      expect(await madeOf(scene, merged)).to.deep.equal(await asGitMerges(scene, theirs));
    });

  it("writes them again where a person removed them", async () => {
    await using scene = await sceneOf("CHANGES", { ".gitattributes": "CHANGES merge=union\n" });
    const works = await twoChanges(scene, "CHANGES");
    await scene.landWork("t1", works[0]);
    // The writer may be writing there, for the next merge.
    await until(() => rm(join(scene.gitDir, "orchd"), { recursive: true }).then(() => true));
    expect(await mergedText(scene, "CHANGES", works[1])).to.equal(bothLines);
  });

  it("does not merge as if there were none where they cannot be written", async () => {
    await using scene = await sceneOf("CHANGES", {});
    const works = await twoChanges(scene, "CHANGES");
    await scene.landWork("t1", works[0]);
    await scene.repository.write(".git/orchd/attributes", "in the way");
    await scene.land("t3", { ".gitattributes": "CHANGES merge=union\n" });
    const refused = await scene.landing.merge(request("t2", works[1]));
    expect(refused.kind).to.equal("problem");
  });

  it("keeps no folder where there are none, and clears what a supervisor before has left", async () => {
    await using scene = await sceneOf("CHANGES", { ".gitattributes": "CHANGES merge=union\n" });
    await met(scene, "CHANGES", await twoChanges(scene, "CHANGES"));
    const folder = join(scene.gitDir, "orchd", "attributes");
    expect(await readdir(folder)).to.deep.equal(["1"]);
    await scene.land("t3", { ".gitattributes": null });
    await scene.repository.git("merge", "--quiet", "orchd/main");
    const next = scene.restart({ epoch: 2 });
    await next.prepare();
    await next.close();
    expect(existsSync(folder)).to.equal(false);
  });
});

const folders = ["", "a/", "a/b/", "c d/"];
const names = ["x.txt", "y.lock", "z z.md"];
const paths = folders.flatMap((folder) => names.map((name) => folder + name));
const patterns = [
  "*",
  "*.txt",
  "/y.lock",
  "b/*.md",
  "a/**/*.lock",
  "**/b/*",
  '"z z.md"',
  "c?d/*",
  "[a-x].*",
  "\\x.txt",
  "b/",
];
const statements = [
  "text",
  "mine",
  "-text merge=union",
  "merge=union",
  "-merge",
  "!merge",
  "merge",
  "binary",
  "merge=text",
  "merge=none",
];

function randomAttributes(random: Random): Record<string, string> {
  const line = (): string => `${random.pick(patterns)} ${random.pick(statements)}\n`;
  const files = folders.filter(() => random.chance(0.6));
  return Object.fromEntries(
    files.map((folder) => [`${folder}.gitattributes`, `# some\n\n${line()}${line()}${line()}`]),
  );
}

/** Paths that conflict, and what is at the others. */
type Made = { readonly conflicts: readonly string[]; readonly clean: readonly string[] };

function made(conflicts: readonly string[], entries: string): Made {
  const apart = new Set(conflicts);
  const clean = entries
    .split("\0")
    .filter((row) => row !== "" && !apart.has(row.split("\t")[1] ?? ""));
  return { conflicts: conflicts.toSorted(), clean: clean.toSorted() };
}

async function madeOf(scene: Scene, merged: MergeResult): Promise<Made> {
  if (merged.kind !== "candidate" && merged.kind !== "conflict") throw new Error(merged.kind);
  const commit = merged.kind === "candidate" ? merged.candidate : merged.ref;
  const format = "--format=%(objectmode) %(objectname) 0%x09%(path)";
  const entries = await scene.repository.git("ls-tree", "-r", "-z", format, commit);
  return made(merged.kind === "conflict" ? merged.paths : [], entries);
}

async function asGitMerges({ repository }: Scene, { saved }: Saved): Promise<Made> {
  await repository.git("checkout", "--quiet", "--detach", "orchd/main");
  await repository.git("merge", "--no-commit", "--no-ff", saved).catch(() => {});
  const unmerged = await repository.git("diff", "--name-only", "-z", "--diff-filter=U");
  const entries = await repository.git("ls-files", "--stage", "-z");
  return made(unmerged.split("\0").filter(Boolean), entries);
}
