import { existsSync } from "node:fs";
import { chmod, mkdir, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import type { Saved } from "../../../ipc/workerMessages.ts";
import { makeWorkspaceRig } from "./workspaceRig.ts";
import type { WorkspaceRig } from "./workspaceRig.ts";

const files = { "a.txt": "a\n", "b.txt": "b\n", "dir/c.txt": "c\n", ".gitignore": "ignored/\n" };

async function savedBy(rig: WorkspaceRig): Promise<Saved> {
  const saved = await rig.save();
  if (saved === null) throw new Error("nothing was saved");
  expect(await rig.person.git("rev-parse", saved.ref)).to.equal(saved.commit);
  await rig.person.git("fsck", "--strict", "--connectivity-only");
  return saved;
}

describe("saving a workspace", () => {
  it("saves nothing when nothing changed", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await rig.edit("ignored/x", "not part of the repository");
    expect(await rig.save()).to.equal(null);
    expect(await rig.person.git("for-each-ref", "refs/orchd/attempts")).to.equal("");
  });

  it("saves edited, new, staged, committed and deleted files as one commit on the agent's own", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await rig.edit("a.txt", "committed\n");
    await rig.agentGit("commit", "-qam", "the agent's commit");
    const head = await rig.agentGit("rev-parse", "HEAD");
    await rig.edit("staged.txt", "staged\n");
    await rig.agentGit("add", "staged.txt");
    await rig.edit("dir/new.txt", "new\n");
    await unlink(join(rig.place.workTree, "b.txt"));
    const saved = await savedBy(rig);
    expect(saved.descends).to.equal(true);
    expect(saved.touched).to.deep.equal(["a.txt", "b.txt", "dir/new.txt", "staged.txt"]);
    expect(saved.touched_total).to.equal(4);
    expect(await rig.person.git("rev-parse", `${saved.commit}^`)).to.equal(head);
    expect(await rig.contentOf(saved.commit)).to.deep.equal({
      ".gitignore": "ignored/",
      "a.txt": "committed",
      "dir/c.txt": "c",
      "dir/new.txt": "new",
      "staged.txt": "staged",
    });
  });

  it("gives the same commit when it is done twice", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await rig.edit("a.txt", "changed\n");
    const first = await savedBy(rig);
    expect(await savedBy(rig)).to.deep.equal(first);
  });

  it("keeps stashes and other branches of the agent under a ref of their own", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await rig.edit("a.txt", "first stash\n");
    await rig.agentGit("stash");
    await rig.edit("a.txt", "second stash\n");
    await rig.agentGit("stash");
    await rig.agentGit("checkout", "-qb", "other");
    await rig.edit("b.txt", "on a branch\n");
    await rig.agentGit("commit", "-qam", "on a branch");
    await rig.agentGit("checkout", "-q", "work");
    expect(await rig.save()).to.equal(null);
    const parents = await rig.person.git("rev-list", "--parents", "-1", "refs/orchd/strays/t1/1");
    const [, ...strays] = parents.split(" ");
    const texts = await Promise.all(
      strays.map(async (stray) => [
        await rig.person.git("cat-file", "-p", `${stray}:a.txt`),
        await rig.person.git("cat-file", "-p", `${stray}:b.txt`),
      ]),
    );
    expect(texts).to.have.deep.members([
      ["first stash", "b"],
      ["second stash", "b"],
      ["a", "on a branch"],
    ]);
  });

  it("saves the work of an agent that tagged a file, a tree and a commit, and keeps the commit", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await rig.edit("a.txt", "tagged\n");
    await rig.agentGit("commit", "-qam", "tagged");
    await rig.agentGit("tag", "-am", "of a commit", "commit");
    await rig.agentGit("tag", "tree", "HEAD^{tree}");
    await rig.agentGit("tag", "-am", "of a file", "file", "HEAD:a.txt");
    const commit = await rig.agentGit("rev-parse", "HEAD");
    await rig.agentGit("reset", "-q", "--hard", "HEAD~1");
    await rig.edit("b.txt", "changed\n");
    expect((await savedBy(rig)).touched).to.deep.equal(["b.txt"]);
    const parents = await rig.person.git("rev-parse", "refs/orchd/strays/t1/1^@");
    expect(parents).to.equal(commit);
  });

  it("saves the files on top of the base when the agent removed its git directory", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await rig.edit("a.txt", "changed\n");
    await rm(join(rig.place.workTree, ".git"), { recursive: true });
    const saved = await savedBy(rig);
    expect(saved.descends).to.equal(true);
    expect(saved.touched).to.deep.equal(["a.txt"]);
  });

  for (const [what, forge] of [
    ["a file that points elsewhere", (git: string) => writeFile(git, "gitdir: /nowhere\n")],
    ["a link to another repository", (git: string) => symlink("/tmp", git)],
    [
      "a folder full of rubbish",
      async (git: string) => {
        await mkdir(git);
        await writeFile(join(git, "HEAD"), "ref: refs/../../../etc/passwd\n");
      },
    ],
  ] as const) {
    it(`saves the files when the git directory was replaced by ${what}, and resets after it`, async () => {
      await using rig = await makeWorkspaceRig({ files });
      const git = join(rig.place.workTree, ".git");
      await rig.edit("a.txt", "changed\n");
      await rename(git, `${rig.place.folder}/gone`);
      await forge(git);
      expect((await savedBy(rig)).touched).to.deep.equal(["a.txt"]);
      expect(await rig.reset()).to.deep.equal({ fresh: false });
      expect(await rig.agentGit("status", "--porcelain")).to.equal("");
      expect(await rig.agentGit("log", "-1", "--format=%s")).to.equal("Begin");
    });
  }

  it("says that rewritten history does not descend from the base, and saves it all the same", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await rig.person.write("later.txt", "later\n");
    await rig.person.commit("Later");
    await rig.reset();
    await rig.agentGit("reset", "-q", "--hard", "HEAD~1");
    await rig.edit("a.txt", "changed\n");
    const saved = await savedBy(rig);
    expect(saved.descends).to.equal(false);
    expect(saved.touched).to.deep.equal(["a.txt", "later.txt"]);
  });

  it("saves an orphan branch with its own history", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await rig.agentGit("checkout", "-q", "--orphan", "fresh");
    await rig.agentGit("commit", "-qm", "from nothing");
    const saved = await savedBy(rig);
    expect(saved.descends).to.equal(false);
    expect(saved.touched_total).to.equal(0);
  });

  it("saves the files on the base when the agent's objects are damaged", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await rig.edit("a.txt", "committed\n");
    await rig.agentGit("commit", "-qam", "soon broken");
    await rm(join(rig.place.workTree, ".git/objects"), { recursive: true });
    const saved = await savedBy(rig);
    expect(saved.touched).to.deep.equal(["a.txt"]);
    expect(await rig.person.git("rev-parse", `${saved.commit}^`)).to.equal(rig.base().commit);
  });

  it("keeps names that are hard to write down", async () => {
    await using rig = await makeWorkspaceRig({ files });
    const names = ["-rf", "new\nline", 'qu"ote', "tab\tback\\slash", "ü", " lead", ":(top)x", "*"];
    for (const name of names) await rig.edit(name, "x\n");
    const bytes = Buffer.concat([
      Buffer.from(`${rig.place.workTree}/`),
      Buffer.from([0x66, 0xff, 0xfe]),
    ]);
    await writeFile(bytes, "x\n");
    const saved = await savedBy(rig);
    expect(saved.touched).to.have.members([...names, "f\ufffd\ufffd"]);
    const listed = execFileSync("git", ["ls-tree", "-z", "--name-only", saved.commit], {
      cwd: rig.person.dir,
      encoding: "latin1",
    });
    expect(listed.split("\0")).to.include("f\u00ff\u00fe");
    await rig.reset();
    expect(await rig.agentGit("status", "--porcelain")).to.equal("");
  });

  it("saves the files of embedded repositories as ordinary files and puts their history aside", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await rig.edit("lib/inner/deep.txt", "deep\n");
    await rig.edit("lib/x.txt", "x\n");
    await rig.edit("empty/y.txt", "y\n");
    for (const folder of ["lib/inner", "lib"]) {
      await rig.agentGit("init", "-q", folder);
      await rig.agentGit("-C", folder, "add", ".");
      await rig.agentGit("-C", folder, "commit", "-qm", "inner");
    }
    await rig.agentGit("init", "-q", "empty");
    await rig.agentGit("init", "-q", "dir");
    await rig.edit("dir/d.txt", "d\n");
    const saved = await savedBy(rig);
    expect(saved.touched).to.deep.equal([
      "dir/d.txt",
      "empty/y.txt",
      "lib/inner/deep.txt",
      "lib/x.txt",
    ]);
    expect(await rig.person.git("ls-tree", "-r", saved.commit)).not.to.contain("160000");
    expect(existsSync(join(rig.place.setAside, "t1.1", "1", "HEAD"))).to.equal(true);
  });

  it("saves a repository that took the place of a file", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await unlink(join(rig.place.workTree, "a.txt"));
    await rig.edit("a.txt/inside", "x\n");
    await rig.agentGit("init", "-q", "a.txt");
    await rig.agentGit("-C", "a.txt", "add", ".");
    await rig.agentGit("-C", "a.txt", "commit", "-qm", "inner");
    expect((await savedBy(rig)).touched).to.deep.equal(["a.txt", "a.txt/inside"]);
  });

  it("runs nothing that was planted in the workspace's git directory or attributes", async () => {
    await using rig = await makeWorkspaceRig({ files });
    const trap = join(rig.place.folder, "trapped");
    const script = join(rig.place.folder, "trap.sh");
    await writeFile(script, `#!/bin/sh\necho "$0 $*" >> ${trap}\ncat\n`);
    await chmod(script, 0o755);
    const git = join(rig.place.workTree, ".git");
    await mkdir(join(git, "hooks"), { recursive: true });
    for (const hook of [
      "post-index-change",
      "pre-commit",
      "post-checkout",
      "reference-transaction",
    ]) {
      await writeFile(join(git, "hooks", hook), `#!/bin/sh\nexec ${script}\n`);
      await chmod(join(git, "hooks", hook), 0o755);
    }
    for (const [key, value] of [
      ["core.fsmonitor", script],
      ["filter.evil.clean", script],
      ["filter.evil.smudge", script],
      ["filter.evil.required", "true"],
      ["diff.evil.textconv", script],
      ["diff.external", script],
      ["core.sshCommand", script],
      ["protocol.ext.allow", "always"],
      ["extensions.partialClone", "evil"],
      ["remote.evil.promisor", "true"],
      ["remote.evil.url", `ext::${script}`],
      ["core.alternateRefsCommand", script],
    ] as const)
      await rig.agentGit("-c", "core.fsmonitor=false", "config", key, value);
    await writeFile(join(git, "refs/heads/work"), `${"1".repeat(40)}\n`);
    await rig.edit(".gitattributes", "* filter=evil diff=evil\n");
    await rig.edit("a.txt", "changed\n");
    await rm(trap, { force: true });
    const saved = await savedBy(rig);
    expect(saved.touched).to.deep.equal([".gitattributes", "a.txt"]);
    await rig.reset();
    expect(existsSync(trap)).to.equal(false);
    expect(
      await rig.agentGit("config", "--get-regexp", "filter|remote|fsmonitor").catch(() => ""),
    ).to.equal("");
  });

  it("saves content that its own attributes make impossible to convert", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await rig.edit(".gitattributes", "*.utf16 working-tree-encoding=UTF-16\n");
    await rig.edit("odd.utf16", "odd");
    const saved = await savedBy(rig);
    expect(await rig.contentOf(saved.commit)).to.include({ "odd.utf16": "odd" });
  });

  it("refuses to save through a link that took the workspace's place", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await rename(rig.place.workTree, `${rig.place.workTree}.moved`);
    await symlink(rig.person.dir, rig.place.workTree);
    const problem = await rig.save().catch((error: unknown) => error);
    expect(String(problem)).to.contain("is not a folder any more");
    await rig.reset();
    expect(existsSync(join(rig.person.dir, "a.txt"))).to.equal(true);
    expect(await rig.agentGit("status", "--porcelain")).to.equal("");
  });

  it("ignores what an agent excluded in its own git directory", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await writeFile(join(rig.place.workTree, ".git/info/exclude"), "*\n");
    await rig.edit("hidden.txt", "x\n");
    expect((await savedBy(rig)).touched).to.deep.equal(["hidden.txt"]);
  });
});
