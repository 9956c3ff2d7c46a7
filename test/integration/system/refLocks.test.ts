import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { GitError, git } from "../../../system/git.ts";
import { clearDeadLocks, pastDeadLocks } from "../../../system/refLocks.ts";
import { makeRepository } from "../../helpers/repository.ts";
import type { TestRepository } from "../../helpers/repository.ts";

const epoch = "refs/orchd/epoch";
const branch = "refs/heads/orchd/main";
const attempt = "refs/orchd/attempts/t1/1";

async function lock({ dir }: TestRepository, ref: string): Promise<string> {
  const path = join(dir, ".git", `${ref}.lock`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, "");
  return path;
}

/** A process with these arguments, which waits until it is told to end. */
async function waiting(
  repository: TestRepository,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd = repository.dir,
): Promise<ChildProcess> {
  const script = ["-c", "read -r line", "git", ...args];
  const child = spawn("/bin/sh", script, {
    argv0: "git",
    cwd,
    env: { ...repository.env, ...env },
    stdio: ["pipe", "ignore", "ignore"],
  });
  await once(child, "spawn");
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  child.stdin?.end();
  await once(child, "exit");
}

describe("locks of gits that are gone", () => {
  it("are taken from our refs, and from no other", async () => {
    await using repository = await makeRepository();
    const gitDir = join(repository.dir, ".git");
    const ours = [epoch, branch, attempt];
    const paths = [];
    for (const ref of ours) paths.push(await lock(repository, ref));
    const theirs = ["refs/heads/main", "refs/tags/v1", "refs/orchdlike/x", "refs/heads/orchard"];
    const foreign = [];
    for (const ref of theirs) foreign.push(await lock(repository, ref));
    expect(await clearDeadLocks(gitDir, [...ours, ...theirs])).to.have.members(paths);
    expect(foreign.every((path) => existsSync(path))).to.equal(true);
  });

  it("stay while a git lives that may hold them: ours on that ref, or one that packs refs", async function () {
    if (process.platform !== "linux") this.skip();
    await using repository = await makeRepository();
    const gitDir = join(repository.dir, ".git");
    const refs = [epoch, attempt];
    const [atEpoch, atAttempt] = [await lock(repository, epoch), await lock(repository, attempt)];
    const marker = { ORCHD_WRITER: `${process.pid}` };
    const at = `--git-dir=${gitDir}`;

    const linked = join(repository.dir, "../linked");
    await repository.git("worktree", "add", "--quiet", "--detach", linked);
    const folders = [repository.dir, join(gitDir, "refs"), linked];
    for (const cwd of folders) {
      const packing = await waiting(repository, ["pack-refs", "--all"], {}, cwd);
      expect(await clearDeadLocks(gitDir, refs), cwd).to.deep.equal([]);
      await end(packing);
    }
    const named = { GIT_DIR: gitDir };
    const fromAnywhere = await waiting(repository, ["pack-refs", "--all"], named, "/");
    expect(await clearDeadLocks(gitDir, refs)).to.deep.equal([]);
    await end(fromAnywhere);

    await using other = await makeRepository();
    const elsewherePacking = await waiting(repository, ["gc"], {}, other.dir);
    expect(await clearDeadLocks(gitDir, [epoch])).to.deep.equal([atEpoch]);
    await end(elsewherePacking);
    await lock(repository, epoch);

    const worker = await waiting(repository, [at, "update-ref", attempt, "HEAD"], marker);
    expect(await clearDeadLocks(gitDir, refs)).to.deep.equal([atEpoch]);
    await end(worker);

    await lock(repository, epoch);
    const writer = await waiting(repository, [at, "update-ref", "--stdin"], marker);
    expect(await clearDeadLocks(gitDir, refs)).to.deep.equal([atAttempt]);
    await end(writer);

    const elsewhere = await waiting(
      repository,
      ["--git-dir=/other", "update-ref", "--stdin"],
      marker,
    );
    expect(await clearDeadLocks(gitDir, refs)).to.deep.equal([atEpoch]);
    await end(elsewhere);
  });

  it("let a ref be moved that they were in the way of", async () => {
    await using repository = await makeRepository();
    const gitDir = join(repository.dir, ".git");
    const [tip, path] = [
      await repository.git("rev-parse", "HEAD"),
      await lock(repository, attempt),
    ];
    const move = (ref: string) => git({ gitDir }, ["update-ref", ref, tip]);
    await pastDeadLocks(gitDir, [attempt], () => move(attempt));
    expect(await repository.git("rev-parse", attempt)).to.equal(tip);
    expect(existsSync(path)).to.equal(false);
  });

  it("stay where nobody can look whether their git is gone", async () => {
    await using repository = await makeRepository();
    const gitDir = join(repository.dir, ".git");
    const path = await lock(repository, attempt);
    const move = () => git({ gitDir }, ["update-ref", attempt, "HEAD"]);
    const moved = pastDeadLocks(gitDir, [attempt], move, false);
    expect(await moved.catch((error: unknown) => error)).to.be.instanceOf(GitError);
    expect(existsSync(path)).to.equal(true);
  });

  it("leave what else is in the way as it is, and the refusal stands", async () => {
    await using repository = await makeRepository();
    const gitDir = join(repository.dir, ".git");
    await lock(repository, epoch);
    const locked = await lock(repository, "refs/tags/v1");
    let tries = 0;
    const moved = pastDeadLocks(gitDir, [epoch, "refs/tags/v1"], () => {
      tries += 1;
      return git({ gitDir }, ["update-ref", "refs/tags/v1", "HEAD"]);
    });
    expect(await moved.catch((error: unknown) => error)).to.be.instanceOf(GitError);
    expect([tries, existsSync(locked)]).to.deep.equal([2, true]);
  });
});
