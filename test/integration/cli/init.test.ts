import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { parseConfig } from "../../../ipc/config.ts";
import type { Config } from "../../../ipc/configSpec.ts";
import { makeRepository } from "../../helpers/repository.ts";
import type { TestRepository } from "../../helpers/repository.ts";
import { orchdWords } from "../../unit/cli/recording.ts";
import type { Recording } from "../../unit/cli/recording.ts";

const run = promisify(execFile);

async function init(repository: TestRepository, ...words: string[]): Promise<Recording> {
  return await orchdWords(["init", ...words], { cwd: repository.dir, env: repository.env });
}

async function written(repository: TestRepository): Promise<Config> {
  const text = await readFile(join(repository.dir, "orchd.yaml"), "utf8");
  const parsed = parseConfig(text, { name: "orchd.yaml", env: {}, flags: {} });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.failure));
  return parsed.value;
}

/** A clone or a bare copy beside the repository, removed with it. */
async function copyOf(repository: TestRepository, ...flags: string[]): Promise<TestRepository> {
  const dir = join(repository.dir, "../copy");
  const from = `file://${repository.dir}`;
  await run("git", ["clone", "--quiet", ...flags, from, dir], { env: repository.env });
  return { ...repository, dir };
}

describe("orchd init", () => {
  it("says what workspaces have of submodules and of files in Git LFS, and so does doctor", async () => {
    await using repository = await makeRepository({
      files: { "media/.gitattributes": "*.png filter=lfs\n", "a.txt": "filter=lfs\n" },
    });
    const head = await repository.git("rev-parse", "HEAD");
    await repository.git("update-index", "--add", "--cacheinfo", `160000,${head},libs/sub`);
    await repository.git("commit", "--quiet", "--message", "A submodule");
    await repository.write(".git/info/attributes", "*.iso filter=lfs\n");
    const notes = [
      "1 submodule (libs/sub): empty in workspaces; a task that needs them runs `git submodule update --init` itself. One that a task moves lands if your own checkout of it has that commit.",
      "Git LFS (by media/.gitattributes, info/attributes): workspaces have the pointers, not the contents. A task that leaves content where a pointer belongs fails.",
    ];
    const told = await init(repository, "--json");
    expect((JSON.parse(told.out) as { notes: string[] }).notes).to.deep.equal(notes);
    expect((await init(repository, "--force")).out).to.include(notes.join("\n"));
    const looked = await orchdWords(["doctor"], { cwd: repository.dir, env: repository.env });
    for (const note of notes) expect(looked.out).to.include(note);
  });

  it("writes a file that is valid and proposes what fits the repository", async () => {
    await using repository = await makeRepository({
      files: {
        "package.json": '{"scripts":{"test":"mocha"}}',
        "package-lock.json": "{}",
        ".gitignore": ".env*\nnode_modules/\n",
      },
    });
    await repository.write(".env", "A=1");
    await repository.write("packages/api/.env.local", "B=2");
    await repository.write("node_modules/.env", "no");
    const done = await init(repository);
    expect(done.err).to.equal("");
    expect(done.code).to.equal(0);
    const config = await written(repository);
    expect(config.target).to.equal("main");
    expect(config.max_parallel).to.be.within(2, 8);
    expect(config.follow).to.equal("auto");
    expect(config.verify).to.deep.equal([]);
    expect(config.workspace).to.deep.include({
      setup: [["npm", "ci"]],
      setup_inputs: ["package-lock.json", "package.json"],
      copy: [".env", "packages/api/.env.local"],
    });
    const text = await readFile(join(repository.dir, "orchd.yaml"), "utf8");
    expect(text).to.include('# verify:\n#   - ["npm", "test"]\n');
    expect(done.out).to.include("orchd start").and.to.include("git add orchd.yaml");
  });

  it("writes a valid file also where nothing is known, and each of its comments uncommented is valid", async () => {
    await using repository = await makeRepository();
    expect((await init(repository)).code).to.equal(0);
    expect((await written(repository)).workspace.setup).to.deep.equal([]);
    const file = join(repository.dir, "orchd.yaml");
    const text = await readFile(file, "utf8");
    const uncommented = text.replaceAll(/^# (?=verify:|workspace:| {2})/gm, "");
    expect(uncommented).not.to.equal(text);
    await writeFile(file, uncommented);
    const config = await written(repository);
    expect(config.verify).to.deep.equal([["make", "test"]]);
    expect(config.workspace).to.deep.include({ setup: [["make", "deps"]], copy: [".env"] });
  });

  it("keeps .aibrain out of git, once, and leaves the exclude file's other lines alone", async () => {
    await using repository = await makeRepository();
    const file = join(repository.dir, ".git/info/exclude");
    await writeFile(file, "*.swp");
    await init(repository);
    await init(repository, "--force");
    expect(await readFile(file, "utf8")).to.equal("*.swp\n/.aibrain/\n");
  });

  it("does not replace an orchd.yaml unless told to", async () => {
    await using repository = await makeRepository({ config: { max_parallel: 7 } });
    const refused = await init(repository);
    expect(refused.code).to.equal(5);
    expect(refused.err).to.include("has an orchd.yaml already").and.to.include("--force");
    expect((await written(repository)).max_parallel).to.equal(7);
    expect((await init(repository, "--force")).code).to.equal(0);
    expect((await written(repository)).target).to.equal("main");
  });

  it("prints what it wrote as JSON", async () => {
    await using repository = await makeRepository();
    const result: unknown = JSON.parse((await init(repository, "--json")).out);
    expect(result).to.deep.include({ file: join(repository.dir, "orchd.yaml"), target: "main" });
  });

  it("works from a linked worktree, for the main one", async () => {
    await using repository = await makeRepository();
    const linked = join(repository.dir, "../linked");
    await repository.git("worktree", "add", "--quiet", "-b", "side", linked);
    const done = await init({ ...repository, dir: linked });
    expect(done.code).to.equal(0);
    expect((await written(repository)).target).to.equal("main");
  });

  it("knows a branch whose name YAML would read as something else", async () => {
    await using repository = await makeRepository();
    await repository.git("branch", "-m", "main", "on");
    expect((await init(repository)).code).to.equal(0);
    expect((await written(repository)).target).to.equal("on");
  });
});

describe("orchd init refuses", () => {
  const expectRefusal = (done: Recording, ...says: string[]): void => {
    expect(done.code).to.equal(5);
    expect(done.out).to.equal("");
    for (const text of says) expect(done.err).to.include(text);
  };

  it("a folder that is no repository, with exit code 2", async () => {
    await using repository = await makeRepository();
    const done = await orchdWords(["init", "--repo", join(repository.dir, "..")], {
      env: repository.env,
    });
    expect(done.code).to.equal(2);
    expect(done.err).to.include("is not inside a git repository");
  });

  it("a repository without a commit", async () => {
    await using repository = await makeRepository();
    await repository.git("checkout", "--quiet", "--orphan", "empty");
    expectRefusal(await init(repository), "has no commit yet", "Make a first commit.");
  });

  it("a bare repository", async () => {
    await using repository = await makeRepository();
    expectRefusal(await init(await copyOf(repository, "--bare")), "is bare", "working tree");
  });

  it("a shallow clone", async () => {
    await using repository = await makeRepository();
    await repository.commit("Second");
    const clone = await copyOf(repository, "--depth=1");
    expectRefusal(await init(clone), "is a shallow clone", "git fetch --unshallow");
  });

  it("a partial clone", async () => {
    await using repository = await makeRepository();
    await repository.git("config", "uploadpack.allowFilter", "true");
    const clone = await copyOf(repository, "--filter=blob:none");
    expectRefusal(await init(clone), "is a partial clone", "--filter");
  });

  it("a branch named orchd, and names the way out", async () => {
    await using repository = await makeRepository();
    await repository.git("branch", "orchd");
    expectRefusal(await init(repository), "has a branch named orchd", "git branch -m orchd");
  });

  it("a person without a git identity", async () => {
    await using repository = await makeRepository();
    await writeFile(join(repository.env["HOME"] ?? "", ".gitconfig"), "");
    expectRefusal(await init(repository), "has no git identity", "user.email");
  });

  it("a detached HEAD, unless the target is named", async () => {
    await using repository = await makeRepository();
    await repository.git("checkout", "--quiet", "--detach");
    expectRefusal(await init(repository), "HEAD is detached", "--target");
    expect((await init(repository, "--target", "main")).code).to.equal(0);
  });

  it("a target that does not exist, and orchd's own branch", async () => {
    await using repository = await makeRepository();
    expectRefusal(await init(repository, "--target", "nope"), "has no branch nope");
    expectRefusal(await init(repository, "--target", "orchd/main"), "orchd's own branch");
  });

  it("everything at once, when there is more than one reason", async () => {
    await using repository = await makeRepository();
    await repository.git("branch", "orchd");
    await repository.git("checkout", "--quiet", "--detach");
    const done = await init(repository);
    expectRefusal(
      done,
      "orchd cannot work in",
      "  it has a branch named orchd",
      "  it has no branch checked out",
    );
    expect(await readFile(join(repository.dir, ".git/info/exclude"), "utf8")).not.to.include(
      "aibrain",
    );
  });
});
