import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { execa } from "execa";
import { assertAtRest, supervisorPid } from "../helpers/supervised.ts";
import { installPackage } from "../helpers/package.ts";
import { makeRepository } from "../helpers/repository.ts";
import type { EndView } from "../../ipc/taskViews.ts";
import type { InstalledPackage } from "../helpers/package.ts";
import type { Ran } from "../helpers/commandLine.ts";
import type { TestRepository } from "../helpers/repository.ts";

/** Found by PATH. */
const program = "orchd";
const installTimeoutMs = 180_000;
const checkout = join(import.meta.dirname, "../..");
const tsc = join(checkout, "node_modules/.bin/tsc");
const systemNode = "/usr/bin/node";

describe("the package, packed and installed into an empty prefix", () => {
  let installed: InstalledPackage;

  before(async function () {
    this.timeout(installTimeoutMs);
    const made = await installPackage();
    if (made !== "unreachable") {
      installed = made;
      return;
    }
    console.log(
      "    npm cannot reach its registry: the package's dependencies cannot be installed",
    );
    this.skip();
  });

  after(async () => {
    await installed?.[Symbol.asyncDispose]();
  });

  it("takes a fresh repository from init to a landed commit, without the checkout", async function () {
    this.timeout(60_000);
    await using repository = await makeRepository();
    const orchd = (...args: readonly string[]) => runInstalled(installed, repository, args);
    const done = async (...args: readonly string[]) => {
      const ran = await orchd(...args);
      expect(ran.code, `orchd ${args.join(" ")}: ${ran.stderr}`).to.equal(0);
      return ran.stdout;
    };
    await done("init");
    await repository.commit("Configure orchd");
    await done("start");
    try {
      await repository.write(
        "../tasks.yaml",
        "id: hello\nrun: [sh, -c, 'echo hello > hello.txt']\n",
      );
      await done("submit", "../tasks.yaml");
      const { tasks } = JSON.parse(await done("wait", "hello", "--json")) as { tasks: EndView[] };
      expect(tasks).to.have.length(1);
      expect(tasks[0]).to.include({ id: "hello", status: "succeeded", attempts: 1 });
      expect(await repository.git("show", `${tasks[0]?.commit}:hello.txt`)).to.equal("hello");
      const said = await runDocumented(installed, repository.dir);
      expect(said).to.match(
        /^\d+ of \d+ slots are free\ndocs\/ is free\nt\w+ succeeded [0-9a-f]{40}$/,
      );
      const words = await readFile(`/proc/${supervisorPid(repository)}/cmdline`, "utf8");
      expect(words, "the supervisor's command line").to.include(installed.prefix);
    } finally {
      await done("stop");
    }
    await assertAtRest(repository);
  });

  it("has a client whose answers are typed", async function () {
    this.timeout(30_000);
    const script = join(installed.prefix, "lib/typed.mts");
    await writeFile(
      script,
      `import { connect } from "orchd/client";
      await using client = await connect({ repo: "." });
      const { counts } = await client.call("status", { finished_max: 0, open_max: 0 });
      const { closed_because, open } = await client.slots();
      export const why: string[] = open ? [] : closed_because.map(({ because }) => because);
      const { conflicts } = await client.check({ writes: ["src/"] });
      export const who: string[] = conflicts.map(({ holder }) => holder);
      const { tasks } = await client.wait(who, { timeoutMs: 1_000 });
      export const ends: ("succeeded" | string)[] = tasks.map(({ status }) => status);
      // @ts-expect-error: a glob is a text
      await client.check({ writes: [1] });
      export const queued: number = counts.queued;
      // @ts-expect-error: no such count
      export const lost: number = counts.lost;`,
    );
    const settings = ["--ignoreConfig", "--noEmit", "--strict", "--module", "nodenext"];
    const library = ["--target", "es2024", "--lib", "es2024,esnext.disposable", "--types", "node"];
    const types = join(checkout, "node_modules/@types");
    const options = [...settings, ...library, "--typeRoots", types];
    const { exitCode, stdout } = await execa(tsc, [...options, script], { reject: false });
    expect(exitCode, stdout).to.equal(0);
  });

  it("refuses an old Node in one line, with exit code 2", async function () {
    const version = await versionOf(systemNode);
    if (version === null || !isTooOld(version)) {
      console.log(`      ${systemNode} is ${version ?? "not there"}: nothing to refuse`);
      return this.skip();
    }
    const entry = join(installed.prefix, "lib/node_modules/orchd/dist/cli/orchd.js");
    for (const args of [[], ["--version"], ["status", "--json"]]) {
      const { exitCode, stdout, stderr } = await execa(systemNode, [entry, ...args], {
        reject: false,
      });
      expect(stdout).to.equal("");
      expect(stderr.split("\n")).to.have.length(1);
      expect(stderr).to.include("orchd needs Node 22.22 or newer").and.include(version);
      expect(exitCode).to.equal(2);
    }
  });
});

/** `orchd` as a shell would find it, by PATH, with nothing of the checkout on it. */
async function runInstalled(
  { path }: InstalledPackage,
  repository: TestRepository,
  args: readonly string[],
): Promise<Ran> {
  const result = await execa(program, args, {
    cwd: repository.dir,
    env: { ...repository.env, PATH: path },
    extendEnv: false,
    reject: false,
    stdin: "ignore",
  });
  return { code: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}

/** The first example of the page about the client, as a program of somebody else beside the package. */
async function runDocumented({ prefix }: InstalledPackage, repo: string): Promise<string> {
  const page = join(prefix, "lib/node_modules/orchd/docs/reference/client.md");
  const [, example = ""] = /^```js\n([\s\S]*?)^```$/m.exec(await readFile(page, "utf8")) ?? [];
  const script = join(prefix, "lib/script.mjs");
  await writeFile(script, example);
  const { stdout } = await execa(process.execPath, [script, repo]);
  return stdout;
}

/** `null` if there is no such program. */
async function versionOf(node: string): Promise<string | null> {
  if (!existsSync(node)) return null;
  const { stdout } = await execa(node, ["--version"]);
  return stdout.replace(/^v/, "");
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < 22 || (major === 22 && minor < 22);
}
