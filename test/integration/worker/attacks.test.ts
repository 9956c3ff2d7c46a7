import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, realpath, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import type { TestRepository } from "../../helpers/repository.ts";
import type { FakeSupervisor } from "./fakeSupervisor.ts";
import { shellTask } from "./fakeSupervisor.ts";
import { makeRig } from "./rig.ts";

const run = promisify(execFile);

/**
 * What an agent may do in its workspace, on purpose or by accident, and what it did to the person's
 * repository: nothing. Where it helps, the same is done in a linked working tree of git, to show that
 * the script would do harm there.
 *
 * In the scripts `$person` is the person's repository, `$outside` a folder beside it and `$trap` a
 * program that must not be run by anybody but the agent: it leaves `$outside/trapped` behind.
 */
type Attack = {
  readonly what: string;
  readonly script: string;
  /** The same harms the person's repository in a linked working tree. */
  readonly harmsLinked?: boolean;
  /** What the attempt changed, as it was saved. Default: nothing. */
  readonly touched?: readonly string[];
};

const plant = (hooks: string): string =>
  ["pre-commit", "post-checkout", "post-commit", "reference-transaction", "post-index-change"]
    .map((hook) => `mkdir -p "${hooks}"; cp "$trap" "${hooks}/${hook}"`)
    .join("; ");

const attacks: readonly Attack[] = [
  {
    what: "git push, with and without a place to push to",
    script: `git commit -q --allow-empty -m x
      git push; git push origin work; git push "$person" HEAD:refs/heads/pushed
      git push --force "file://$person" HEAD:refs/heads/main; git push --mirror "$person/.git"
      git remote add origin "$person"; git push origin HEAD:refs/heads/pushed; true`,
    harmsLinked: true,
  },
  {
    what: "moving branches and tags, with everything pruned after it",
    script: `git branch -f main HEAD~0; git tag v1; git update-ref refs/heads/stolen HEAD
      git stash list; git reflog expire --expire=now --all; git gc -q --prune=now; git pack-refs --all`,
    harmsLinked: true,
  },
  {
    what: "git config, with a file system monitor, filters and an include",
    script: `git config core.fsmonitor "$trap"; git config filter.evil.clean "$trap"
      git config filter.evil.smudge "$trap"; git config include.path "$outside/evil.config"
      git config core.worktree /; git config alias.status "!$trap"; true`,
    harmsLinked: true,
  },
  {
    what: "hooks",
    script: `hooks=$(git rev-parse --git-path hooks); ${plant("$hooks")}`,
    harmsLinked: true,
  },
  {
    what: "filters in .gitattributes and the configuration",
    script: `git config filter.evil.clean "$trap"; git config filter.evil.required true
      git config filter.evil.smudge "$trap"; git config filter.evil.process "$trap"
      echo '* filter=evil diff=evil merge=evil' > .gitattributes; echo changed > a.txt`,
    touched: [".gitattributes", "a.txt"],
  },
  {
    what: "rm -rf .git, then git commands that look for a repository",
    script: `rm -rf .git; git add -A; git commit -qm stolen; git reset -q --hard; git clean -fdxq
      git config core.fsmonitor "$trap"; git checkout -q -b stolen; echo changed > a.txt`,
    touched: ["a.txt"],
  },
  {
    what: "a .git file that names the person's repository",
    script: `rm -rf .git; echo "gitdir: $person/.git" > .git; echo changed > a.txt`,
    touched: ["a.txt"],
  },
  {
    what: "a link .git to the person's repository",
    script: `rm -rf .git; ln -s "$person/.git" .git; echo changed > a.txt`,
    touched: ["a.txt"],
  },
  {
    what: "folders of .git that are links to those of the person",
    script: `for part in objects refs hooks; do rm -rf .git/$part; ln -s "$person/.git/$part" .git/$part; done
      echo changed > a.txt`,
    touched: ["a.txt"],
  },
  {
    what: "alternates that name a folder of rubbish, and none",
    script: `echo "$outside" > .git/objects/info/alternates; echo changed > a.txt; git commit -qam x; true`,
    touched: ["a.txt"],
  },
  {
    what: "a forged git directory of the worker",
    script: `own=$(pwd)/../own.git; ${plant("$own/hooks")}
      printf '[filter "evil"]\\n\\tclean = %s\\n\\tsmudge = %s\\n[core]\\n\\tworktree = %s\\n' "$trap" "$trap" "$person" >> $own/config
      mkdir -p $own/info; echo '* filter=evil' > $own/info/attributes; echo "$person/.git" > $own/commondir
      echo /nowhere > $own/objects/info/alternates; echo changed > a.txt; echo new > new.txt`,
    touched: ["a.txt", "new.txt"],
  },
  {
    what: "variables of git, exported",
    script: `export GIT_DIR="$person/.git" GIT_WORK_TREE="$person" GIT_INDEX_FILE="$person/.git/index"
      export GIT_OBJECT_DIRECTORY="$outside" GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.fsmonitor GIT_CONFIG_VALUE_0="$trap"
      echo changed > a.txt`,
    touched: ["a.txt"],
  },
  {
    what: "links in place of folders, that lead outside",
    script: `rm -rf dir; ln -s "$outside" dir; ln -s "$person" everything; ln -s / root
      mkdir ignored; ln -s "$outside" ignored/out; ln -s "$outside/secret" read.txt`,
    touched: ["dir", "dir/c.txt", "everything", "read.txt", "root"],
  },
  {
    what: "repositories in the workspace, one that shares the person's objects and one that links to it",
    script: `git clone -q --shared "$person" nested; git init -q other; rm -rf other/.git
      echo "gitdir: $person/.git" > other/.git; echo x > other/x; echo y > nested/y`,
    touched: ["nested/.gitignore", "nested/a.txt", "nested/dir/c.txt", "nested/y", "other/x"],
  },
];

describe("an agent in its workspace", () => {
  for (const { what, script, harmsLinked, touched } of attacks) {
    it(`cannot reach the person's repository: ${what}`, async function () {
      this.timeout(30_000);
      await using scene = await makeScene();
      const before = await stateOf(scene.rig.person);
      const first = shellTask("t1", scene.preamble + script);
      scene.rig.assign(first);
      const { outcome } = await scene.rig.reportOf(first);
      expect(outcome.result, JSON.stringify(outcome)).to.be.oneOf(["done", "failed"]);
      const saved = "saved" in outcome ? outcome.saved : null;
      expect(saved?.touched ?? []).to.deep.equal(touched ?? []);
      expect(scene.sprung(), "the trap was run while it was saved").to.equal(false);
      const second = shellTask("t2", "git status --porcelain --ignored; cat a.txt dir/c.txt");
      scene.rig.assign(second);
      await scene.rig.reportOf(second);
      expect((await scene.rig.readAttempt(second, "stdout.log")).split("\n")).to.deep.equal([
        ...(script.includes("ignored") ? ["!! ignored/"] : []),
        "a",
        "c",
        "",
      ]);
      expect(await scene.rig.readAttempt(second, "stderr.log")).to.equal("");
      expect(scene.sprung(), "the trap was run while it was reset").to.equal(false);
      expect(await stateOf(scene.rig.person)).to.deep.equal(before);
      expect(await readFile(join(scene.outside, "secret"), "utf8")).to.equal("secret\n");
      expect(await readdir(scene.outside)).to.have.members(["secret", "trap", "evil.config"]);
    });
    if (harmsLinked !== true) continue;
    it(`would reach it from a linked working tree: ${what}`, async () => {
      await using scene = await makeScene();
      const { person } = scene.rig;
      await person.git("worktree", "add", "-q", "--detach", "../linked");
      const before = await stateOf(person);
      const linked = join(dirname(person.dir), "linked");
      await run("/bin/sh", ["-c", scene.preamble + script], { cwd: linked, env: person.env }).catch(
        () => {},
      );
      expect(await stateOf(person)).not.to.deep.equal(before);
    });
  }

  it("finds no repository above a workspace whose own was removed, even inside of another one", async () => {
    await using scene = await makeScene();
    const { rig } = scene;
    // The folder of everything in this test is a repository as well, as some homes are.
    const outer = dirname(rig.person.dir);
    await run("git", ["init", "-q", outer], { env: rig.person.env });
    const script = "rm -rf .git; git add -A; git commit -qm stolen; git rev-parse --git-dir";
    const task = shellTask("t1", script);
    rig.assign(task);
    const { outcome } = await rig.reportOf(task);
    expect(outcome).to.deep.include({
      result: "failed",
      failure: { kind: "exit", exit_code: 128 },
    });
    const count = ["-C", outer, "rev-list", "--all", "--count"];
    expect((await run("git", count, { env: rig.person.env })).stdout).to.equal("0\n");
    // Without the guard it would be found.
    const inside = join(outer, "state", "workspaces", "worker-1", "tmp");
    const found = await run("git", ["rev-parse", "--git-dir"], {
      cwd: inside,
      env: rig.person.env,
    });
    expect(found.stdout.trim()).to.equal(join(outer, ".git"));
  });

  it("gets nothing of git's variables that its supervisor was started with", async () => {
    await using scene = await makeScene({
      GIT_DIR: "/nowhere",
      GIT_WORK_TREE: "/nowhere",
      GIT_INDEX_FILE: "/nowhere/index",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "core.bare",
      GIT_CONFIG_VALUE_0: "true",
      GIT_CEILING_DIRECTORIES: "",
    });
    const task = shellTask("t1", "env | grep ^GIT_; echo changed > a.txt; git commit -qam mine");
    scene.rig.assign(task);
    const { outcome } = await scene.rig.reportOf(task);
    expect(outcome).to.deep.include({ result: "done" });
    const printed = await scene.rig.readAttempt(task, "stdout.log");
    expect(printed).to.match(/^GIT_CEILING_DIRECTORIES=\/.*worker-1\n$/);
  });
});

type Scene = AsyncDisposable & {
  readonly rig: FakeSupervisor;
  readonly outside: string;
  readonly preamble: string;
  readonly sprung: () => boolean;
};

async function makeScene(env: Readonly<Record<string, string>> = {}): Promise<Scene> {
  const rig = await makeRig();
  await rig.person.write("dir/c.txt", "c\n");
  await rig.person.git("rm", "-q", "dir/b.txt");
  await rig.person.write(".gitignore", "ignored/\n.aibrain/\n");
  await rig.person.commit("The scene");
  const outside = join(await realpath(dirname(rig.person.dir)), "outside");
  await mkdir(outside);
  const trap = join(outside, "trap");
  await writeFile(trap, `#!/bin/sh\ntouch ${outside}/trapped\n`);
  await chmod(trap, 0o755);
  await writeFile(join(outside, "secret"), "secret\n");
  await writeFile(join(outside, "evil.config"), `[core]\n\tfsmonitor = ${trap}\n`);
  rig.start(env);
  await rig.hello();
  const preamble = `person='${rig.person.dir}' outside='${outside}' trap='${trap}'\n`;
  return {
    rig,
    outside,
    preamble,
    sprung: () => existsSync(join(outside, "trapped")),
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

/** All that belongs to the person: refs but orchd's own, configuration, hooks, index and files. */
async function stateOf({ dir, git }: TestRepository): Promise<object> {
  const refs = await git("for-each-ref", "--format=%(refname) %(objectname)");
  const config = await readFile(join(dir, ".git/config"), "utf8");
  const hooks = await readdir(join(dir, ".git/hooks")).catch(() => []);
  const staged = await git("-c", "core.fsmonitor=false", "ls-files", "--stage", "--debug");
  const fsck = await git("fsck", "--strict", "--no-dangling", "--no-progress");
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const outside = entries.filter(({ parentPath }) => !/\/\.(git|aibrain)(\/|$)/.test(parentPath));
  const files = outside.filter((entry) => entry.isFile());
  const contents = await Promise.all(
    files.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path, await readFile(path, "utf8")] as const;
    }),
  );
  return {
    refs: refs.split("\n").filter((line) => !line.startsWith("refs/orchd/")),
    head: await readFile(join(dir, ".git/HEAD"), "utf8"),
    config,
    hooks: hooks.toSorted((a, b) => (a < b ? -1 : 1)),
    staged,
    fsck,
    contents: contents.toSorted(([a], [b]) => (a < b ? -1 : 1)),
  };
}
