import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, open, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { onFailpoint } from "../../../system/failpoint.ts";
import { until } from "../../helpers/until.ts";
import { makeScene } from "./scene.ts";
import type { Scene } from "./scene.ts";

const follow = (scene: Scene) => scene.landing.follow({ from: null });

/** A `git commit` of the person's whose editor stays open until `close`. */
async function openEditor(scene: Scene, ...args: string[]) {
  const { dir, env } = scene.repository;
  const [opened, closed] = ["editor.opened", "editor.closed"].map((name) =>
    join(dir, "..", name),
  ) as [string, string];
  const editor = `sh -c 'echo mine >"$1"; : >"${opened}"; until test -e "${closed}"; do sleep 0.02; done' --`;
  const ended = new Promise<{ code: number | string | null; stderr: string }>((resolve) =>
    execFile(
      "git",
      ["commit", ...args],
      { cwd: dir, env: { ...env, GIT_EDITOR: editor } },
      (error, _stdout, stderr) => resolve({ code: error?.code ?? 0, stderr }),
    ),
  );
  await until(() => existsSync(opened), { what: "the editor" });
  return {
    close: async () => {
      await writeFile(closed, "");
      return await ended;
    },
  };
}

describe("a commit whose editor is open while the target could follow", () => {
  it("of everything keeps the branch waiting until it is done", async () => {
    await using scene = await makeScene();
    await scene.repository.write("b.txt", "mine\n");
    await scene.land("t1", { "a.txt": "new\n" });
    const editor = await openEditor(scene, "-a");
    const waits = await follow(scene);
    expect(waits.kind === "waiting" && waits.reason).to.match(/index\.lock exists/);
    expect((await editor.close()).code).to.equal(0);
    expect((await follow(scene)).kind).to.equal("followed");
    const { git } = scene.repository;
    expect(await git("log", "-1", "--format=%s", "main^2")).to.equal("mine");
    expect(await git("status", "--porcelain")).to.equal("");
  });

  it("of what is staged is refused at its end, with change and message kept, and can be given again", async () => {
    await using scene = await makeScene();
    const { git, write } = scene.repository;
    await write("b.txt", "mine\n");
    await git("add", "b.txt");
    await scene.land("t1", { "a.txt": "new\n" });
    const editor = await openEditor(scene);
    expect((await follow(scene)).kind).to.equal("followed");
    const ended = await editor.close();
    expect(ended.code).to.not.equal(0);
    expect(ended.stderr).to.include("cannot lock ref 'HEAD'");
    expect(await git("status", "--porcelain")).to.equal("M  b.txt");
    await git("commit", "--quiet", "-F", ".git/COMMIT_EDITMSG");
    expect(await git("show", "--format=%s", "--name-only", "HEAD")).to.equal("mine\n\nb.txt");
    expect(await git("show", "HEAD:a.txt")).to.equal("new");
  });
});

describe("a file that is edited while a follow is taken back", () => {
  for (const point of [
    "recover.compare:after",
    "recover.writeTree:after",
    "recover.exchange:before",
  ])
    it(`keeps the edit made at ${point}, and the others go back`, async () => {
      await using scene = await makeScene();
      const { git, write, dir } = scene.repository;
      await write("b.txt", "mine\n");
      await git("commit", "--quiet", "-a", "-m", "Mine");
      await scene.land("t1", { "a.txt": "new\n", "dir/c.txt": "new\n", "n.txt": "new\n" });
      using _ = onFailpoint(async (passed) => {
        if (passed === "follow.target:before") await git("reset", "--quiet", "--soft", "HEAD~1");
        if (passed === point) await writeFile(join(dir, "a.txt"), "edited\n");
      });
      expect((await follow(scene)).kind).to.equal("waiting");
      expect(readFileSync(join(dir, "a.txt"), "utf8")).to.equal("edited\n");
      expect(readFileSync(join(dir, "dir/c.txt"), "utf8")).to.equal("c\n");
      expect(await git("status", "--porcelain")).to.equal(" M a.txt\nM  b.txt");
    });

  it("stays removed when it is removed at that moment", async () => {
    await using scene = await makeScene();
    const { git, write, dir } = scene.repository;
    await write("b.txt", "mine\n");
    await git("commit", "--quiet", "-a", "-m", "Mine");
    await scene.land("t1", { "a.txt": "new\n", "dir/c.txt": "new\n" });
    using _ = onFailpoint(async (passed) => {
      if (passed === "follow.target:before") await git("reset", "--quiet", "--soft", "HEAD~1");
      if (passed === "recover.exchange:before") await rm(join(dir, "a.txt"), { force: true });
    });
    await follow(scene);
    expect(await git("status", "--porcelain")).to.equal(" D a.txt\nM  b.txt");
  });
});

/** git looks at every file, then writes one after the other: a filter for `a.txt` runs between the two for those after it. */
async function whileWriting(scene: Scene, shell: string): Promise<void> {
  const { git, write } = scene.repository;
  await write(".gitattributes", "a.txt filter=slow\n");
  await git("add", ".gitattributes");
  await git("commit", "--quiet", "-m", "A filter");
  await git("config", "filter.slow.smudge", `sh -c '${shell}; cat'`);
}

describe("a file that is written to after git has looked at it and before git replaces it", () => {
  it("keeps what was written, and the branch waits", async () => {
    await using scene = await makeScene();
    const { git, dir } = scene.repository;
    await whileWriting(scene, "echo mine >dir/c.txt");
    await scene.land("t1", { "a.txt": "new\n", "b.txt": "new\n", "dir/c.txt": "new\n" });
    const main = await scene.oid("main");
    const waits = await follow(scene);
    expect(waits.kind === "waiting" && waits.reason).to.match(/changed at this moment/);
    expect(readFileSync(join(dir, "dir/c.txt"), "utf8")).to.equal("mine\n");
    expect(await git("status", "--porcelain")).to.equal(" M dir/c.txt");
    expect(await scene.oid("main")).to.equal(main);
  });

  it("keeps what was written while a follow is taken back", async () => {
    await using scene = await makeScene();
    const { git, write, dir } = scene.repository;
    const back = join(dir, "..", "back");
    await whileWriting(scene, `if [ -e "${back}" ]; then echo mine >dir/c.txt; fi`);
    await write("b.txt", "mine\n");
    await git("commit", "--quiet", "-a", "-m", "Mine");
    await scene.land("t1", { "a.txt": "new\n", "dir/c.txt": "new\n" });
    using _ = onFailpoint(async (passed) => {
      if (passed === "follow.target:before") await git("reset", "--quiet", "--soft", "HEAD~1");
      if (passed === "recover.exchange:before") await writeFile(back, "");
    });
    expect((await follow(scene)).kind).to.equal("waiting");
    expect(readFileSync(join(dir, "dir/c.txt"), "utf8")).to.equal("mine\n");
    expect(readFileSync(join(dir, "a.txt"), "utf8")).to.equal("a\n");
  });

  it("gets what a program writes that had it open, when the branch has moved", async () => {
    await using scene = await makeScene();
    const { git, dir } = scene.repository;
    await scene.land("t1", { "a.txt": "new\n", "dir/c.txt": "new\n" });
    await using opened = await open(join(dir, "dir/c.txt"), "r+");
    using _ = onFailpoint(async (passed) => {
      if (passed === "follow.place:before") await opened.write("mine\n");
    });
    expect((await follow(scene)).kind).to.equal("followed");
    expect(readFileSync(join(dir, "dir/c.txt"), "utf8")).to.equal("mine\n");
    expect(await git("status", "--porcelain")).to.equal(" M dir/c.txt");
  });

  it("is given back although another has become a folder", async () => {
    await using scene = await makeScene();
    const { git, dir } = scene.repository;
    await scene.land("t1", { "a.txt": null, "a.txt/n.txt": "new\n", "b.txt": "new\n" });
    await using folder = await open(join(dir, "a.txt"), "r+");
    await using file = await open(join(dir, "b.txt"), "r+");
    using _ = onFailpoint(async (passed) => {
      if (passed !== "follow.place:before") return;
      await folder.write("mine\n");
      await file.write("mine\n");
    });
    expect((await follow(scene)).kind).to.equal("followed");
    expect(readFileSync(join(dir, "b.txt"), "utf8")).to.equal("mine\n");
    expect(await git("status", "--porcelain")).to.equal(" M b.txt");
  });

  it("keeps what was written when somebody takes the index lock from the follow", async () => {
    await using scene = await makeScene();
    const { dir } = scene.repository;
    const lock = join(dir, ".git/index.lock");
    await whileWriting(scene, "echo mine >dir/c.txt");
    await scene.land("t1", { "a.txt": "new\n", "dir/c.txt": "new\n" });
    using _ = onFailpoint(async (passed) => {
      if (passed !== "follow.tree:after") return;
      await rm(lock);
      await writeFile(lock, "");
    });
    expect((await follow(scene)).kind).to.equal("waiting");
    expect(readFileSync(join(dir, "dir/c.txt"), "utf8")).to.equal("mine\n");
    await rm(lock);
    await follow(scene);
    expect(readFileSync(join(dir, "dir/c.txt"), "utf8")).to.equal("mine\n");
  });

  it("is not written through a link that a folder has become", async () => {
    await using scene = await makeScene();
    const { dir } = scene.repository;
    const aside = join(dir, "..", "aside");
    await scene.land("t1", { "a.txt": "new\n", "dir/c.txt": null });
    await using opened = await open(join(dir, "dir/c.txt"), "r+");
    using _ = onFailpoint(async (passed) => {
      if (passed !== "follow.place:before") return;
      await opened.write("mine\n");
      await mkdir(aside);
      await symlink(aside, join(dir, "dir"));
    });
    expect((await follow(scene)).kind).to.equal("followed");
    expect(existsSync(join(aside, "c.txt"))).to.equal(false);
  });
});

describe("a person who merges orchd's branch and begins a rebase when a follow is about to begin", () => {
  it("finds the rebase as they began it", async () => {
    await using scene = await makeScene();
    const { git, dir } = scene.repository;
    await scene.land("t1", { "b.txt": "first\n" });
    expect((await follow(scene)).kind).to.equal("followed");
    await scene.land("t2", { "a.txt": "new\n", "n.txt": "new\n" });
    using _ = onFailpoint(async (passed) => {
      if (passed !== "follow.intent:before") return;
      await git("merge", "--quiet", "orchd/main");
      await git("-c", "sequence.editor=sed -i 1ibreak", "rebase", "--quiet", "-i", "HEAD~1");
    });
    const waits = await follow(scene);
    expect(waits.kind === "waiting" && waits.reason).to.match(/rebase is in progress/);
    expect(await git("status", "--porcelain")).to.equal("");
    expect(readFileSync(join(dir, "a.txt"), "utf8")).to.equal("a\n");
  });
});

describe("a person whose files come to be those of the new commit when a follow is about to begin", () => {
  /** `merge` and `reset` of what just landed; throws where `dies` is passed. */
  const meet = (scene: Scene, dies = ""): Disposable =>
    onFailpoint(async (passed) => {
      const { git } = scene.repository;
      if (passed === "follow.intent:before") {
        await git("merge", "--quiet", "orchd/main");
        await git("reset", "--quiet", "--mixed", "HEAD~1");
      }
      if (passed === dies) throw new Error("died");
    });
  const edited = " M a.txt\n D b.txt";

  it("keeps them, as they merged it and took that back", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "new\n", "b.txt": null });
    using _ = meet(scene);
    expect((await follow(scene)).kind).to.equal("waiting");
    expect(await scene.repository.git("status", "--porcelain")).to.equal(edited);
  });

  it("keeps them also when the follow is cut off", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "new\n", "b.txt": null });
    {
      using _ = meet(scene, "follow.tree:before");
      await follow(scene).catch(() => {});
    }
    await scene.landing.recoverFollow();
    expect(await scene.repository.git("status", "--porcelain")).to.equal(edited);
  });

  it("keeps a file removed that they removed, and the follow is refused for another", async () => {
    await using scene = await makeScene();
    const { git, dir } = scene.repository;
    await scene.land("t1", { "a.txt": "new\n", "b.txt": null, "dir/c.txt": "new\n" });
    using _ = onFailpoint(async (passed) => {
      if (passed !== "follow.intent:before") return;
      await rm(join(dir, "b.txt"));
      await writeFile(join(dir, "a.txt"), "edited\n");
    });
    expect((await follow(scene)).kind).to.equal("waiting");
    expect(await git("status", "--porcelain")).to.equal(edited);
  });
});

describe("following with the person's own settings", () => {
  it("cleans and smudges what it writes and what it compares with their filters", async () => {
    await using scene = await makeScene({ ".gitattributes": "*.up filter=up\n", "a.up": "a\n" });
    const { git, write, dir } = scene.repository;
    await git("config", "filter.up.clean", "tr A-Z a-z");
    await git("config", "filter.up.smudge", "tr a-z A-Z");
    await rm(join(dir, "a.up"));
    await git("checkout", "--quiet", "--", "a.up");
    await scene.land("t1", { "a.up": "new\n", "b.up": "more\n" });
    expect((await follow(scene)).kind).to.equal("followed");
    expect(readFileSync(join(dir, "a.up"), "utf8")).to.equal("NEW\n");
    expect(readFileSync(join(dir, "b.up"), "utf8")).to.equal("MORE\n");
    expect(await git("status", "--porcelain")).to.equal("");
    await write("a.up", "EDITED\n");
    await scene.land("t2", { "a.up": "newer\n" });
    expect(await follow(scene)).to.deep.include({ kind: "waiting", paths: ["a.up"] });
    expect(readFileSync(join(dir, "a.up"), "utf8")).to.equal("EDITED\n");
  });

  it("waits while two working trees have the target checked out, and touches neither", async () => {
    await using scene = await makeScene();
    const { git, dir } = scene.repository;
    const linked = join(dir, "..", "linked");
    await git("worktree", "add", "--quiet", "--force", linked, "main");
    await scene.land("t1", { "a.txt": "new\n" });
    const result = await follow(scene);
    expect(result.kind === "waiting" && result.reason).to.match(/several working trees/);
    expect(await git("status", "--porcelain")).to.equal("");
    expect(await git("-C", linked, "status", "--porcelain")).to.equal("");
    await git("-C", linked, "checkout", "--quiet", "--detach");
    expect((await follow(scene)).kind).to.equal("followed");
    expect(readFileSync(join(linked, "a.txt"), "utf8")).to.equal("a\n");
  });

  it("updates the one of three linked working trees that has the target, with its own sparse checkout", async () => {
    await using scene = await makeScene();
    const { git, dir } = scene.repository;
    await git("checkout", "--quiet", "-b", "feature");
    const [one, two] = ["one", "two"].map((name) => join(dir, "..", name)) as [string, string];
    await git("worktree", "add", "--quiet", "--detach", two);
    await git("worktree", "add", "--quiet", one, "main");
    await git("-C", one, "sparse-checkout", "set", "--no-cone", "/*.txt");
    await scene.land("t1", { "a.txt": "new\n", "dir/c.txt": "new\n" });
    expect((await follow(scene)).kind).to.equal("followed");
    expect(readFileSync(join(one, "a.txt"), "utf8")).to.equal("new\n");
    expect(existsSync(join(one, "dir"))).to.equal(false);
    for (const tree of [dir, one, two])
      expect(await git("-C", tree, "status", "--porcelain"), tree).to.equal("");
  });

  it("waits when the target was force-moved to a branch of its own, and goes on when it is back", async () => {
    await using scene = await makeScene();
    const { git } = scene.repository;
    await scene.land("t1", { "a.txt": "new\n" });
    await follow(scene);
    await git("checkout", "--quiet", "--orphan", "fresh");
    await git("commit", "--quiet", "-m", "Fresh");
    const was = await scene.oid("main");
    await git("branch", "--force", "main", "fresh");
    expect((await follow(scene)).kind).to.equal("rewound");
    await git("branch", "--force", "main", was);
    const to = await scene.land("t2", { "b.txt": "new\n" });
    expect(await follow(scene)).to.deep.include({ kind: "followed", to });
  });

  it("says in the log of each branch why it moved", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "new\n" });
    await follow(scene);
    const log = (branch: string) => scene.repository.git("log", "-g", "-1", "--format=%gs", branch);
    expect(await log("orchd/main")).to.match(/^orchd: land/);
    expect(await log("main")).to.equal("orchd: follow orchd/main");
  });
});
