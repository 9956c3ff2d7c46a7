import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { FailpointPlan } from "../../system/failpoint.ts";
import { gitDirOf, lookAt } from "../person/look.ts";

/**
 * What a supervisor has made of the repository when it has recovered and done nothing else: before its
 * journal commits for the first time it has settled what was cut off, and lands and follows nothing
 * yet. At that point it runs this file and waits for it:
 *
 *     node recovered.ts <working tree> <file>      appends one line of JSON, a `Recovered`, to the file
 *
 * The person has `mine.txt` staged and edited where there is such a file.
 */
export type Recovered = {
  readonly main: string | null;
  readonly tip: string | null;
  /** Tasks that are on the chain twice. */
  readonly duplicates: readonly string[];
  readonly fsck: string;
  /** Paths of index and files that are not as the commit has them. */
  readonly torn: readonly string[];
  /** What orchd should have removed. */
  readonly ownLocks: readonly string[];
  /** Every other lock file of git below `.git`. */
  readonly otherLocks: readonly string[];
};

export const theirsPath = "mine.txt";

/** For a plan of failpoints: every supervisor that is started with it looks. */
export function lookWhenRecovered(
  dir: string,
  file: string,
): NonNullable<FailpointPlan["run"]>[number] {
  const command = [process.execPath, import.meta.filename, dir, file] as const;
  return { role: "supervisor", at: "journal.commit:before", command };
}

/** What was seen, oldest first. */
export function readRecovered(file: string): Recovered[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Recovered);
}

/** In words. */
export function brokenRecovery(found: Recovered): string[] {
  const { duplicates, fsck, torn, ownLocks } = found;
  return [
    ...duplicates.map((task) => `after recovery: ${task} landed twice`),
    ...(fsck === "" ? [] : [`after recovery: fsck: ${fsck}`]),
    ...torn.map((path) => `after recovery: ${path} is neither old nor new`),
    ...ownLocks.map((path) => `after recovery: ${path} is left`),
  ];
}

async function look(dir: string): Promise<Recovered> {
  const env = process.env as Record<string, string>;
  const git = (...args: readonly string[]): string => {
    try {
      return execFileSync("git", args, { cwd: dir, env, encoding: "utf8", stdio: "pipe" }).trim();
    } catch (error) {
      const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
      return `${stdout}${stderr}`.trim();
    }
  };
  const seen = await lookAt({ dir, env });
  const ignored = new Set(
    git("ls-files", "--others", "--ignored", "--exclude-standard").split("\n"),
  );
  const files = new Map([...seen.files].filter(([path]) => !ignored.has(path)));
  const tip = git("rev-parse", "--quiet", "--verify", "refs/heads/orchd/main");
  const gitDir = gitDirOf(dir);
  const commonDir = resolve(dir, git("rev-parse", "--git-common-dir"));
  const locks = gitLocks(commonDir);
  const own = locks.filter(isOwn);
  const other = locks.filter((path) => !isOwn(path));
  // A follow waits for somebody who holds the index.
  const unsettled = existsSync(join(commonDir, "orchd/follow.json"));
  const waits = unsettled && other.includes(relative(commonDir, join(gitDir, "index.lock")));
  return {
    main: seen.main,
    tip: tip === "" ? null : tip,
    duplicates: tip === "" ? [] : duplicatesIn(git("log", "--first-parent", trailers, tip)),
    fsck: fsckTwice(() => git("fsck", "--strict", "--no-dangling", "--no-progress")),
    torn: waits ? [] : [...differing(files, seen.tree), ...differing(seen.index, seen.tree)],
    ownLocks: unsettled && !waits ? [...own, "orchd/follow.json"] : own,
    otherLocks: other,
  };
}

const trailers = "--format=%(trailers:key=Orchd-Task,valueonly,separator=%x2C)";

function duplicatesIn(log: string): string[] {
  const tasks = log.split("\n").filter(Boolean);
  return [...new Set(tasks.filter((task, at) => tasks.indexOf(task) !== at))];
}

/** Workers go on saving: what comes while fsck runs is missing for it. */
function fsckTwice(fsck: () => string): string {
  return fsck() === "" ? "" : fsck();
}

function gitLocks(gitDir: string): string[] {
  const names = readdirSync(gitDir, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".lock") && !name.startsWith("orchd/"));
}

/** A living worker may be pinning its work. */
function isOwn(path: string): boolean {
  if (path.startsWith("refs/orchd/attempts/")) return false;
  return /^(?:refs\/heads\/orchd\/|refs\/orchd\/|(?:worktrees\/[^/]+\/)?orchd-follow)/.test(path);
}

function differing(
  found: ReadonlyMap<string, string>,
  tree: ReadonlyMap<string, string>,
): string[] {
  return [...new Set([...found.keys(), ...tree.keys()])].filter(
    (path) => path !== theirsPath && found.get(path) !== tree.get(path),
  );
}

if (import.meta.main) {
  const [dir = "", file = ""] = process.argv.slice(2);
  appendFileSync(file, `${JSON.stringify(await look(dir))}\n`);
}
