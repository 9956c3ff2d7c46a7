import { execFile } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/**
 * A scratch git repository with one commit on `main`, and a home folder of its own, so that no test
 * reads or writes what belongs to the person who runs it:
 *
 *     <temp>/repo    the working tree         <temp>/home    HOME, with the git identity
 *     <temp>/state   XDG_STATE_HOME           <temp>/tmp     TMPDIR
 *
 * `await using repository = await makeRepository()` removes all four at the end of the test.
 */
export type TestRepository = {
  /** The working tree; absolute, without symbolic links. */
  readonly dir: string;
  /** What to start programs with: PATH of the test run, everything else isolated. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs git as the person would; standard output without the final newline. Rejects if git fails. */
  readonly git: (...args: readonly string[]) => Promise<string>;
  /** Writes a file below `dir` and the folders above it. */
  readonly write: (path: string, text: string) => Promise<void>;
  /** Commits everything in the working tree and returns the commit's object name. */
  readonly commit: (message: string) => Promise<string>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

export type RepositoryContent = {
  /** Path below the repository → text. Default: a README.md. */
  readonly files?: Readonly<Record<string, string>>;
  /** Written to `orchd.yaml` (JSON is YAML), with keys and values as a person would write them. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Where the four folders are made, for example another file system. Default: the temporary folder. */
  readonly below?: string;
};

const passedOn = ["PATH", "ORCHD_TEST_RUN", "NODE_V8_COVERAGE", "NODE_COMPILE_CACHE"] as const;
const gitOutputBytesMax = 64 * 1024 * 1024;
const run = promisify(execFile);

export async function makeRepository(content: RepositoryContent = {}): Promise<TestRepository> {
  const root = await realpath(await mkdtemp(join(content.below ?? tmpdir(), "repo-")));
  const dir = join(root, "repo");
  const env = await isolatedEnvironment(root);
  const git = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run("git", args, { cwd: dir, env, maxBuffer: gitOutputBytesMax });
    return stdout.replace(/\n$/, "");
  };
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  };
  const commit = async (message: string): Promise<string> => {
    await record(message);
    return await git("rev-parse", "HEAD");
  };
  const record = async (message: string): Promise<void> => {
    await git("add", "--all");
    // Each test begins with one: without the process that would find nothing to maintain.
    const alone = ["-c", "maintenance.auto=false"];
    await git(...alone, "commit", "--quiet", "--allow-empty", "--message", message);
  };
  const remove = (): Promise<void> =>
    rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });

  await mkdir(dir);
  await git("init", "--quiet", "--initial-branch=main");
  for (const [path, text] of Object.entries(filesOf(content))) await write(path, text);
  await record("Begin");
  return { dir, env, git, write, commit, [Symbol.asyncDispose]: remove };
}

function filesOf(content: RepositoryContent): Record<string, string> {
  const files = content.files ?? { "README.md": "# Scratch\n" };
  if (content.config === undefined) return { ...files };
  return { ...files, "orchd.yaml": `${JSON.stringify(content.config, null, 2)}\n` };
}

async function isolatedEnvironment(root: string): Promise<Record<string, string>> {
  const home = join(root, "home");
  const state = join(root, "state");
  const temporary = join(root, "tmp");
  for (const folder of [home, state, temporary]) await mkdir(folder, { mode: 0o700 });
  await writeFile(
    join(home, ".gitconfig"),
    "[user]\n\tname = Test Person\n\temail = person@example.com\n[commit]\n\tgpgSign = false\n",
  );
  const kept = passedOn.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    XDG_STATE_HOME: state,
    TMPDIR: temporary,
    LANG: "C.UTF-8",
    GIT_CONFIG_NOSYSTEM: "1",
  };
}
