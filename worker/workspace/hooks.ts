import { accessSync, closeSync, constants, openSync, readSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { Argv } from "../../ipc/taskSpec.ts";
import { git } from "../../system/git.ts";
import type { Place, Repository } from "./place.ts";

/** The person's hooks that concern a commit before it is made. */
export type HookName = "pre-commit" | "commit-msg";

/** Those that can be executed; their files. */
export type Hooks = Readonly<Record<HookName, string | null>>;

/**
 * The hooks as git would find them for the person: in `core.hooksPath` of their configuration,
 * else in the repository's own `hooks`. A relative folder (`.husky/_`) is one of the working tree: that of
 * the workspace, and where it has none, because git ignores what an installer has put there, the person's.
 * Throws a `GitError`.
 */
export async function findHooks(place: Place, repository: Repository): Promise<Hooks> {
  const configured = await hooksPath(repository);
  const folders =
    configured === null
      ? [join(repository.gitDir, "hooks")]
      : isAbsolute(configured)
        ? [configured]
        : [join(place.workTree, configured), join(repository.workTree, configured)];
  const find = (name: HookName): string | null =>
    folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
  return { "pre-commit": find("pre-commit"), "commit-msg": find("commit-msg") };
}

/** How it is started: a script without a first line that names its program is one for `sh`, as for git. */
export function hookArgv(path: string, args: readonly string[]): Argv {
  return namesProgram(path) ? [path, ...args] : ["/bin/sh", path, ...args];
}

/** What we set ourselves for every git comes last, and does not count. */
async function hooksPath({ gitDir }: Repository): Promise<string | null> {
  const asked = ["--show-scope", "--null", "--type=path", "--get-all", "core.hooksPath"];
  const { stdout } = await git({ gitDir, configuration: "person" }, ["config", ...asked], {
    accept: [0, 1],
  });
  const fields = stdout.split("\0");
  let found: string | null = null;
  for (let at = 0; at + 1 < fields.length; at += 2)
    if (fields[at] !== "command") found = fields[at + 1] ?? null;
  return found === "" ? null : found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** `#!`, or not a text at all. */
function namesProgram(path: string): boolean {
  const start = Buffer.alloc(2);
  try {
    const file = openSync(path, "r");
    readSync(file, start, 0, start.length, 0);
    closeSync(file);
  } catch {
    return true;
  }
  const [first = 0] = start;
  return start.toString("latin1") === "#!" || first === 0x7f || first > 0x7e;
}
