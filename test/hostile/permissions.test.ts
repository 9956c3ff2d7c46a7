import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { chown, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { execa } from "execa";
import { entry, runOrchd, supervise } from "../helpers/supervised.ts";
import { makeRepository } from "../helpers/repository.ts";
import type { Ran } from "../helpers/commandLine.ts";
import type { TestRepository } from "../helpers/repository.ts";

/**
 * What the file system forbids. Root ignores modes, so the command line runs as another user here.
 */
const nobody = 65534;

describe("something in the way", () => {
  for (const name of [".aibrain", ".aibrain/inbox", ".aibrain/locks", ".aibrain/logs"])
    it(`of the folder ${name} is refused, and named`, async () => {
      await using repository = await makeRepository();
      await repository.write(name, "a file\n");
      const started = await runOrchd(repository, ["start"]);
      expect(started.code, started.stderr).to.equal(5);
      expect(started.stderr).to.contain(`${join(repository.dir, name)} is in the way`);
      expect((await runOrchd(repository, ["status"])).code).to.equal(3);
      rmSync(join(repository.dir, name));
      await using supervised = await supervise({ ...repository, [Symbol.asyncDispose]: nothing });
      expect((await supervised.orchd("status")).code).to.equal(0);
    });
});

describe("a read-only file system", function () {
  this.timeout(30_000);

  before(function () {
    if (process.getuid?.() === 0) return;
    console.log("SKIPPED: what a read-only file system does: mounting one takes root");
    this.skip();
  });

  it("is named by whatever would write to it, and by orchd doctor", async () => {
    await using repository = await makeRepository();
    const { dir } = repository;
    await run("mount", "--bind", dir, dir);
    try {
      await run("mount", "-o", "remount,ro,bind", dir);
      for (const words of [["start"], ["init"]]) {
        const { code, stderr } = await runOrchd(repository, words);
        expect(stderr).to.include("lies on a read-only file system");
        expect(code).to.equal(5);
      }
      const { code, stdout } = await runOrchd(repository, ["doctor"]);
      expect(stdout).to.include(`${join(dir, ".git")} lies on a read-only file system`);
      expect(code).to.equal(1);
    } finally {
      await run("umount", dir);
    }
  });
});

describe("a user who is not root", function () {
  before(function () {
    // The temporary folder of the run lets nobody else in.
    if (process.getuid?.() === 0) return chmodSync(tmpdir(), 0o711);
    console.log("SKIPPED: what permissions forbid: switching to another user takes root");
    this.skip();
  });

  after(() => chmodSync(tmpdir(), 0o700));

  it("cannot start with an orchd.yaml that may not be read", async () => {
    await using repository = await makeRepository({ config: { max_parallel: 1 } });
    chmodSync(join(repository.dir, "orchd.yaml"), 0o000);
    await refused(repository, "cannot read orchd.yaml: permission denied", 2);
  });

  it("cannot start where .git may not be written", async () => {
    await using repository = await makeRepository();
    await giveAway(dirname(repository.dir));
    chmodSync(join(repository.dir, ".git"), 0o500);
    await refused(repository, ".git/orchd: permission denied");
    chmodSync(join(repository.dir, ".git"), 0o700);
  });

  it("cannot start where .aibrain may not be written", async () => {
    await using repository = await makeRepository();
    mkdirSync(join(repository.dir, ".aibrain"));
    await giveAway(dirname(repository.dir));
    chmodSync(join(repository.dir, ".aibrain"), 0o500);
    await refused(repository, ".aibrain/logs: permission denied");
    chmodSync(join(repository.dir, ".aibrain"), 0o700);
  });

  it("gets what an attempt leaves in read-only folders saved, kept back or put aside, and goes on", async () => {
    await using repository = await makeRepository();
    await giveAway(dirname(repository.dir));
    const attempt = (shell: string): Promise<Ran> =>
      asNobody(repository, ["run", "--", "/bin/sh", "-c", shell]);
    expect((await asNobody(repository, ["start", "--max-parallel", "1"])).code).to.equal(0);
    try {
      const embedded = await attempt(
        "mkdir kept; git init -q kept/e; echo 1 >kept/e/f; chmod -R a-w kept",
      );
      expect(embedded.code, embedded.stderr).to.equal(0);
      const secret = await attempt("mkdir ro; echo A=1 >ro/.env; chmod 555 ro .");
      expect(secret.stdout).to.include("new files that do not belong in git: ro/.env");
      expect((await attempt("echo x >x.txt")).code).to.equal(0);
    } finally {
      await asNobody(repository, ["stop"]);
    }
  }).timeout(30_000);

  it("is not let in by the socket of somebody else, and finds nothing of the state readable", async () => {
    const repository = await makeRepository();
    await using supervised = await supervise(repository);
    await supervised.wait(await supervised.submit({ id: "one", run: ["true"] }));
    chmodSync(dirname(repository.dir), 0o755);
    const asked = await asNobody(repository, ["status"]);
    expect(asked.code).to.not.equal(0);
    expect(asked.stdout).to.equal("");
    for (const folder of [".git/orchd", ".aibrain"])
      expect(openTo(join(repository.dir, folder)), folder).to.deep.equal([]);
  });
});

async function run(program: string, ...args: readonly string[]): Promise<void> {
  await execa(program, args);
}

async function refused(repository: TestRepository, words: string, code = 5): Promise<void> {
  await giveAway(dirname(repository.dir));
  const started = await asNobody(repository, ["start"]);
  expect(started.code, started.stderr).to.equal(code);
  expect(started.stderr).to.contain(words);
  expect(started.stderr).to.not.contain("    at ");
}

/** Everything below, links excluded. */
async function giveAway(folder: string): Promise<void> {
  await chown(folder, nobody, nobody);
  for (const name of await readdir(folder, { recursive: true }))
    await chown(join(folder, name), nobody, nobody);
}

async function asNobody(repository: TestRepository, args: readonly string[]): Promise<Ran> {
  const result = await execa(process.execPath, [entry, ...args], {
    cwd: repository.dir,
    env: { ...repository.env, NODE_DISABLE_COMPILE_CACHE: "1" },
    extendEnv: false,
    reject: false,
    stdin: "ignore",
    uid: nobody,
    gid: nobody,
  });
  return { code: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}

/** What others could read or enter, if the folder itself let them in. */
function openTo(folder: string): string[] {
  const inside = readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)));
  return [folder, ...inside].filter(
    (path) => existsSync(path) && (statSync(path).mode & 0o077) > 0,
  );
}

async function nothing(): Promise<void> {}
