import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { removeAll } from "../../../system/removeAll.ts";
import { makeWorkspaceRig } from "./workspaceRig.ts";
import type { WorkspaceRig } from "./workspaceRig.ts";

const files = { "a.txt": "a\n", "dir/c.txt": "c\n", ".gitignore": "ignored/\n" };
const clean = [".git", ".gitignore", "a.txt", "dir", "dir/c.txt"];

/** Deeper than a path can say: 60 folders with names of 200 bytes, and a file in the last one. */
function makeDeep(folder: string): void {
  const program = `
    for (let depth = 0; depth < 60; depth += 1) {
      require("fs").mkdirSync("d".repeat(200));
      process.chdir("d".repeat(200));
    }
    require("fs").writeFileSync("bottom", "deep");`;
  execFileSync(process.execPath, ["-e", program], { cwd: folder });
}

function shell(rig: WorkspaceRig, script: string): void {
  execFileSync("/bin/sh", ["-c", script], { cwd: rig.place.workTree });
}

function entriesOf(rig: WorkspaceRig): string[] {
  const all = readdirSync(rig.place.workTree, { recursive: true }).map(String);
  return all.filter((path) => !path.startsWith(".git/")).toSorted();
}

describe("a workspace that was left in a hostile state", () => {
  for (const between of ["reset at once", "saved before"] as const) {
    it(`has no FIFO, socket or link in the next attempt: ${between}`, async () => {
      await using rig = await makeWorkspaceRig({ files });
      shell(
        rig,
        "b=$(printf '\\377'); mkdir dir/$b; mkfifo dir/$b/pipe; mkfifo pipe dir/pipe; mkdir -p new/er; mkfifo new/er/pipe; rm a.txt; mkfifo a.txt; echo x > new/er/x",
      );
      const server = createServer().listen(join(rig.place.workTree, "dir", "s.sock"));
      symlinkSync("dir/s.sock", join(rig.place.workTree, "link"));
      try {
        if (between === "saved before")
          expect((await rig.save())?.touched).to.deep.equal(["a.txt", "link", "new/er/x"]);
        await rig.reset();
        expect(entriesOf(rig)).to.deep.equal(clean);
        expect(await rig.agentGit("status", "--porcelain")).to.equal("");
      } finally {
        server.close();
      }
    });

    it(`has no empty folders and no hidden leftovers in the next attempt: ${between}`, async () => {
      await using rig = await makeWorkspaceRig({ files });
      await mkdir(join(rig.place.workTree, "dir/empty/below"), { recursive: true });
      await rig.edit(".gitignore", "*\n");
      await rig.edit("hidden.txt", "ignored by the agent alone\n");
      await rig.edit("dir/hidden/x", "x\n");
      await rig.edit("ignored/kept", "ignored by the base\n");
      if (between === "saved before") await rig.save();
      await rig.reset();
      expect(entriesOf(rig)).to.deep.equal([...clean, "ignored", "ignored/kept"].toSorted());
      await rig.reset("all");
      expect(entriesOf(rig)).to.deep.equal(clean);
    });
  }

  it("is saved and reset although FIFOs have names that git reads, also where nobody looks for leftovers", async function () {
    this.timeout(30_000);
    await using rig = await makeWorkspaceRig({ files });
    const plant =
      "mkdir -p node_modules new; mkfifo .gitattributes dir/.gitattributes dir/.gitignore node_modules/.gitignore new/.gitignore";
    shell(rig, `${plant}; echo x > node_modules/x; echo x > dir/c.txt; echo x > new/x`);
    expect((await rig.save())?.touched).to.deep.equal(["dir/c.txt", "new/x", "node_modules/x"]);
    await rig.reset();
    shell(
      rig,
      "mkfifo .gitattributes dir/.gitattributes; mkdir new; mkfifo new/.gitignore; rm a.txt dir/c.txt",
    );
    await rig.reset();
    expect(entriesOf(rig)).to.deep.equal(clean);
  });

  const repositories: readonly (readonly [string, string])[] = [
    ["HEAD", "mkdir -p sub/.git/objects sub/.git/refs; mkfifo sub/.git/HEAD"],
    [
      "HEAD where its .git leads to",
      "mkdir -p away/objects away/refs sub; mkfifo away/HEAD; echo gitdir: ../away > sub/.git",
    ],
  ];
  for (const [what, script] of repositories)
    it(`is saved although an embedded repository has a FIFO for the ${what}`, async function () {
      this.timeout(60_000);
      await using rig = await makeWorkspaceRig({ files });
      shell(rig, `${script}; echo x > sub/f`);
      expect((await rig.save())?.touched).to.deep.equal(["sub/f"]);
    });

  it("is saved with its commits although a FIFO stands among its objects", async function () {
    this.timeout(30_000);
    await using rig = await makeWorkspaceRig({ files });
    shell(rig, "echo x > a.txt; git commit -qam own; mkfifo .git/objects/info/alternates.new");
    const own = await rig.agentGit("rev-parse", "HEAD");
    shell(rig, "mv .git/objects/info/alternates.new .git/objects/info/alternates");
    const saved = await rig.save();
    expect(await rig.person.git("rev-parse", `${saved?.commit}^`)).to.equal(own);
  });

  const elsewhere = "mkdir -p ../evil/info; mkfifo ../evil/info/alternates; cd .git/objects/info";
  const ways: readonly (readonly [string, string])[] = [
    [
      "alternates name a folder with one",
      `${elsewhere}; pwd -P | sed 's,workspace/.*,evil,' > alternates`,
    ],
    [
      "alternates are a link to one",
      `${elsewhere}; ln -sf ../../../../evil/info/alternates alternates`,
    ],
    [
      "objects begin with a link to one",
      `${elsewhere}; ln -s ../../../../evil/info/alternates commit-graph`,
    ],
    ["folder of packs is one", "rmdir .git/objects/pack; mkfifo .git/objects/pack"],
  ];
  for (const [what, script] of ways)
    it(`is saved with its commits although a FIFO waits elsewhere: its ${what}`, async function () {
      this.timeout(10_000);
      await using rig = await makeWorkspaceRig({ files });
      shell(rig, "echo x > a.txt; git commit -qam own");
      const own = await rig.agentGit("rev-parse", "HEAD");
      shell(rig, script);
      const saved = await rig.save();
      expect(await rig.person.git("rev-parse", `${saved?.commit}^`)).to.equal(own);
    });

  it("has none of a hundred leftovers, nor one whose name is not UTF-8", async () => {
    await using rig = await makeWorkspaceRig({ files });
    for (let at = 0; at < 100; at += 1) await rig.edit(`left/over${at}/x`, "x\n");
    for (let at = 0; at < 100; at += 1) await rig.edit(`dir/over${at}`, "x\n");
    await rig.reset();
    expect(entriesOf(rig)).to.deep.equal(clean);
    await writeFile(Buffer.from(`${rig.place.workTree}/dir/\xff\xfe`, "latin1"), "x\n");
    await rig.reset();
    expect(entriesOf(rig)).to.deep.equal(clean);
  });

  it("has no folder of a submodule that the next base does not have", async () => {
    await using rig = await makeWorkspaceRig({ files }, async (person) => {
      const head = await person.git("rev-parse", "HEAD");
      await person.git("update-index", "--add", "--cacheinfo", `160000,${head},sub`);
      await person.git("commit", "-qm", "A submodule");
    });
    await rig.edit("sub/left", "over\n");
    await rig.person.git("rm", "-q", "--cached", "sub");
    await rig.person.git("commit", "-qm", "No submodule");
    await rig.reset();
    expect(entriesOf(rig)).to.deep.equal(clean);
  });

  it("is reset although folders have no permissions", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await rig.edit("closed/in/x", "x\n");
    await chmod(join(rig.place.workTree, "closed/in"), 0);
    await chmod(join(rig.place.workTree, "closed"), 0);
    await chmod(join(rig.place.workTree, "dir"), 0);
    expect((await rig.save())?.touched).to.deep.equal(["closed/in/x"]);
    await chmod(join(rig.place.workTree, "dir"), 0);
    await rig.reset();
    expect(entriesOf(rig)).to.deep.equal(clean);
    expect(statSync(join(rig.place.workTree, "dir")).mode & 0o700).to.equal(0o700);
  });

  it("says that it cannot save folders that are nested too deep, and is made anew without them", async () => {
    await using rig = await makeWorkspaceRig({ files });
    makeDeep(rig.place.workTree);
    const problem = await rig.save().catch((error: unknown) => error);
    expect(String(problem)).to.contain("nested deeper than git can name them");
    await rig.reset();
    expect(entriesOf(rig)).to.deep.equal(clean);
    expect(readdirSync(rig.place.folder).filter((name) => name.includes("deep"))).to.deep.equal([]);
  });

  it("loses nothing through a link that an agent put in place of a folder", async () => {
    await using rig = await makeWorkspaceRig({ files });
    const outside = join(rig.place.folder, "outside");
    await mkdir(join(outside, "c.txt"), { recursive: true });
    await writeFile(join(outside, "precious"), "precious\n");
    await rm(join(rig.place.workTree, "dir"), { recursive: true });
    symlinkSync(outside, join(rig.place.workTree, "dir"));
    symlinkSync(outside, join(rig.place.workTree, "ignored"));
    const saved = await rig.save();
    expect(saved?.touched).to.deep.equal(["dir", "dir/c.txt", "ignored"]);
    expect(await rig.person.git("cat-file", "-p", `${saved?.commit}:dir`)).to.equal(outside);
    await rig.reset("all");
    expect(entriesOf(rig)).to.deep.equal(clean);
    expect(readdirSync(outside).toSorted()).to.deep.equal(["c.txt", "precious"]);
  });

  it("is reset when an attempt left files that differ in letter case alone", async () => {
    await using rig = await makeWorkspaceRig({ files });
    for (const name of ["A.txt", "DIR/c.txt", "Dir/C.txt"]) await rig.edit(name, "twin\n");
    expect((await rig.save())?.touched).to.deep.equal(["A.txt", "DIR/c.txt", "Dir/C.txt"]);
    await rig.reset();
    expect(entriesOf(rig)).to.deep.equal(clean);
  });
});

describe("removing a folder", () => {
  it("also takes one away that is nested deeper than a path can say", async () => {
    await using rig = await makeWorkspaceRig({ files });
    const folder = join(rig.place.folder, "deep");
    await mkdir(folder);
    makeDeep(folder);
    await removeAll(folder);
    expect(existsSync(folder)).to.equal(false);
    expect(readdirSync(rig.place.folder)).to.have.members(["own.git", "workspace"]);
  });
});
