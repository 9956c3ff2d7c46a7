import { inheritedUmask } from "./umask.ts";
import { capture } from "./spawn.ts";
import { failure } from "../ipc/errors.ts";
import type { Failure } from "../ipc/errors.ts";
import type { Finished } from "./spawn.ts";

/**
 * Every call of git goes through here: explicit directories, no hooks, no file system monitor, no
 * external transports, none of the caller's `GIT_*` variables, and none of the person's
 * configuration unless it is asked for (following the person's branch needs their line endings).
 */
export type GitPlace = {
  /** Absolute. */
  readonly gitDir: string;
  /** Absolute; absent for work on objects and refs alone. */
  readonly workTree?: string;
  /** An index of our own instead of `<gitDir>/index`. */
  readonly indexFile?: string;
  /** Object stores to read from besides the git directory's own. */
  readonly alternates?: readonly string[];
  /** `person`: reads the person's and the machine's configuration. */
  readonly configuration?: "none" | "person";
};

export type GitOptions = {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly config?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly bytes?: boolean;
  /** With less priority than the rest of the machine. */
  readonly nice?: boolean;
  /** Exit codes that are an answer. Any other is a `GitError`. Default `[0]`. */
  readonly accept?: readonly number[];
};

/** git refused or broke: a condition of the repository, shown to people with git's own words. */
export class GitError extends Error {
  readonly args: readonly string[];
  readonly result: Finished;

  constructor(args: readonly string[], result: Finished) {
    const said = (result.stderr.trim() || result.stdout.trim()).slice(0, 2000);
    super(`git ${args[0] ?? ""}: ${result.problem ?? (said || `exit code ${result.code}`)}`);
    this.name = "GitError";
    this.args = args;
    this.result = result;
  }
}

/** `null`: git ran. Otherwise what to do about a git that cannot be started. */
export function gitAbsence({ result, message }: GitError): Failure | null {
  if (result.code !== null || result.signal !== null) return null;
  const hint = "Install git 2.38 or newer, and make sure that PATH leads to it.";
  return failure("refused", message, { hint });
}

const fixedConfig = {
  "core.hooksPath": "/dev/null",
  "core.fsmonitor": "false",
  "core.sshCommand": "false",
  "protocol.allow": "never",
  "gc.auto": "0",
  "maintenance.auto": "false",
  "commit.gpgSign": "false",
  "core.quotePath": "true",
  "advice.detachedHead": "false",
} as const;

const inheritedVariables = [
  "PATH",
  "HOME",
  "TMPDIR",
  "USER",
  "LOGNAME",
  "XDG_CONFIG_HOME",
] as const;

/** Runs git and returns standard output and exit code. Throws a `GitError` for a code not accepted. */
export async function git(
  place: GitPlace,
  args: readonly string[],
  options: GitOptions = {},
): Promise<Finished> {
  const command = gitCommand(place, args, options);
  const [program, wrapped] =
    options.nice === true ? nicely(command.args) : started(place, command.args);
  const result = await capture(program, wrapped, {
    env: command.env,
    cwd: command.cwd,
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    ...(options.bytes === undefined ? {} : { bytes: options.bytes }),
  });
  const accepted = result.code !== null && (options.accept ?? [0]).includes(result.code);
  if (!accepted) throw new GitError(args, result);
  return result;
}

function nicely(args: readonly string[]): readonly [string, readonly string[]] {
  return ["nice", ["-n", "10", "git", ...args]];
}

/** Files of the person's working tree get the permissions that their own git would give them. */
function started(
  { workTree, configuration }: GitPlace,
  args: readonly string[],
): readonly [string, readonly string[]] {
  const mask = inheritedUmask();
  if (workTree === undefined || configuration !== "person" || mask === null) return ["git", args];
  const script = `umask ${mask.toString(8).padStart(4, "0")}; exec git "$@"`;
  return ["/bin/sh", ["-c", script, "git", ...args]];
}

/** What a git of ours is started with, whoever starts it. */
export function gitCommand(
  place: GitPlace,
  args: readonly string[],
  { config, env }: Pick<GitOptions, "config" | "env">,
): {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
} {
  const settings = { ...fixedConfig, ...config };
  const flags = Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
  const directories = [
    `--git-dir=${place.gitDir}`,
    ...(place.workTree === undefined ? [] : [`--work-tree=${place.workTree}`]),
  ];
  return {
    args: [...flags, ...directories, ...args],
    env: { ...gitEnvironment(place), ...env },
    cwd: place.workTree ?? place.gitDir,
  };
}

/** Standard output without the final newline, of a git that must succeed. */
export async function gitLine(
  place: GitPlace,
  args: readonly string[],
  options: GitOptions = {},
): Promise<string> {
  const { stdout } = await git(place, args, options);
  return stdout.replace(/\n$/, "");
}

/** The environment of a git of ours; `ORCHD_WRITER` lets the next supervisor find one that was left running. */
function gitEnvironment(place: GitPlace): Record<string, string> {
  const inherited = Object.fromEntries(
    inheritedVariables.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return {
    ...inherited,
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_ALLOW_PROTOCOL: "none",
    GIT_NO_LAZY_FETCH: "1",
    ORCHD_WRITER: `${process.pid}`,
    ...(place.configuration === "person"
      ? {}
      : { GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_ATTR_NOSYSTEM: "1" }),
    ...(place.indexFile === undefined ? {} : { GIT_INDEX_FILE: place.indexFile }),
    ...(place.alternates === undefined || place.alternates.length === 0
      ? {}
      : { GIT_ALTERNATE_OBJECT_DIRECTORIES: place.alternates.map(quoted).join(":") }),
  };
}

/** As git(1) wants it in a list that is separated by colons. */
function quoted(path: string): string {
  return `"${path.replaceAll(/[\\"]/g, "\\$&")}"`;
}
