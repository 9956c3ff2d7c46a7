import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { isOid } from "../../ipc/ids.ts";
import type { Oid } from "../../ipc/ids.ts";

/**
 * A generated repository of many files (fifty a folder, 0.3 to 4 kB each, in one pack) and commits
 * that each change one line of one file of its own, all from the same base: what attempts leave that
 * ran at the same time.
 */
export type LargeRepository = {
  readonly folder: string;
  readonly dir: string;
  readonly gitDir: string;
  readonly base: Oid;
  readonly works: readonly Oid[];
  /** Runs git in `dir`, or in another working tree, with no configuration but the repository's. */
  readonly git: (args: readonly string[], cwd?: string) => Promise<string>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

const filesPerFolder = 50;
const run = promisify(execFile);
const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
});

export async function makeLargeRepository(
  files: number,
  works: number,
  changesPerWork = 1,
): Promise<LargeRepository> {
  const folder = await mkdtemp(join(tmpdir(), "orchd-bench-"));
  const dir = join(folder, "repo");
  await mkdir(dir);
  const git = async (args: readonly string[], cwd = dir): Promise<string> => {
    const { stdout } = await run("git", args, {
      cwd,
      env: environment(),
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout.trimEnd();
  };
  await git(["init", "--quiet", "--initial-branch=main"]);
  await git(["config", "user.name", "Bench"]);
  await git(["config", "user.email", "bench@example.org"]);
  await fastImport(dir, importStream(files, works, changesPerWork));
  const refs = await git([
    "for-each-ref",
    "--sort=version:refname",
    "--format=%(objectname)",
    "refs/bench",
  ]);
  const base = await git(["rev-parse", "main"]);
  if (!isOid(base)) throw new Error(base);
  return {
    folder,
    dir,
    gitDir: join(dir, ".git"),
    base,
    works: refs.split("\n").filter(isOid),
    git,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

export function pathAt(at: number): string {
  const folder = Math.floor(at / filesPerFolder);
  return `src/part${folder % 40}/module${folder}/file${at}.ts`;
}

function textAt(at: number, changed: boolean): string {
  const lines = Array.from(
    { length: 10 + ((at * 7) % 100) },
    (_, line) => `line ${line} of ${at};`,
  );
  return `${(changed ? lines.with(5, "changed") : lines).join("\n")}\n`;
}

function* importStream(files: number, works: number, changes: number): Generator<string> {
  const head = (ref: string, text: string): string =>
    `commit ${ref}\ncommitter Bench <bench@example.org> 1700000000 +0000\ndata ${text.length}\n${text}\n`;
  const file = (at: number, changed: boolean): string => {
    const text = textAt(at, changed);
    return `M 100644 inline ${pathAt(at)}\ndata ${text.length}\n${text}\n`;
  };
  yield head("refs/heads/main", "begin");
  for (let at = 0; at < files; at += 1) yield file(at, false);
  const step = Math.floor(files / (works * changes));
  for (let work = 0; work < works; work += 1) {
    yield `${head(`refs/bench/${work}`, `work ${work}`)}from refs/heads/main\n`;
    for (let change = 0; change < changes; change += 1)
      yield file((work * changes + change) * step, true);
  }
}

async function fastImport(cwd: string, stream: Iterable<string>): Promise<void> {
  const child = spawn("git", ["fast-import", "--quiet"], {
    cwd,
    env: environment(),
    stdio: ["pipe", "ignore", "inherit"],
  });
  const ended = once(child, "exit");
  for (const part of stream) if (!child.stdin.write(part)) await once(child.stdin, "drain");
  child.stdin.end();
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
}
