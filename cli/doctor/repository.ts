import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { git } from "../../system/git.ts";
import { findOutsideContent } from "../../system/outsideContent.ts";
import { listPids } from "../../system/processTable.ts";
import type { Repository } from "../../system/repository.ts";
import { obstaclesTo } from "../init/obstacles.ts";
import { outsideNotes } from "../outsideNotes.ts";
import { listed } from "../render/text.ts";
import { span } from "../render/time.ts";
import { checkMerging } from "./merging.ts";
import { choice, fine, problem, typed, warning } from "./finding.ts";
import type { Finding } from "./finding.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether orchd can work in the repository, and what killed programs of git left in it. */
export async function checkRepository(
  repository: Repository,
  target: string | null,
  env: Environment,
): Promise<Finding[]> {
  const branch = target ?? repository.head.ref?.replace(/^refs\/heads\//, "") ?? null;
  const obstacles = await obstaclesTo(repository, branch, env);
  const fit = obstacles.map(({ message, hint }) =>
    problem("repository", {
      message: `The repository ${message}.`,
      meaning: "orchd cannot work in it.",
      choices: [choice(hint)],
    }),
  );
  const whole = fine("repository", `The repository is whole: ${repository.commonDir}`);
  const outside = fit.length > 0 ? [] : await outsideFindings(repository);
  const merging = fit.length > 0 ? [] : await checkMerging(repository, branch);
  const locks = await lockFindings(repository.commonDir);
  return [...(fit.length > 0 ? fit : [whole]), ...outside, ...merging, ...locks];
}

/** Nothing is wrong with them, but a task may miss what it does not find. */
async function outsideFindings({ commonDir, head }: Repository): Promise<Finding[]> {
  if (head.commit === null) return [];
  const notes = outsideNotes(await findOutsideContent(commonDir, head.commit));
  return notes.map((note) => fine("outside", note));
}

/** Git holds a lock for moments, except while it waits for an editor or a hook. */
const youngMs = 60_000;
const oursPattern = /^(refs\/heads\/orchd|refs\/orchd)\//;

async function lockFindings(gitDir: string): Promise<Finding[]> {
  const files = await lockFiles(gitDir);
  if (files.length === 0) return [fine("git_locks", "Git left no lock file behind")];
  const open = await openFiles(new Set(files));
  const findings: Finding[] = [];
  for (const file of files) {
    const found = await lstat(file).catch(() => null);
    if (found === null) continue;
    findings.push(lockFinding(file, Date.now() - found.mtimeMs, open.get(file) ?? null, gitDir));
  }
  return findings;
}

export function lockFinding(
  file: string,
  ageMs: number,
  user: number | null,
  gitDir: string,
): Finding {
  const age = span(ageMs);
  if (user !== null) return fine("git_locks", `${file} is in use by process ${user} (${age} old)`);
  const name = file.slice(gitDir.length + 1);
  if (oursPattern.test(name))
    return warning("git_locks", {
      message: `A git of orchd was killed and left ${file} (${age} old).`,
      meaning: "Nothing can land until it is gone. The next start removes it.",
      choices: [choice("Start again.", "orchd restart")],
    });
  const finding = ageMs < youngMs ? warning : problem;
  return finding("git_locks", {
    message: `${file} is ${age} old, and no process has it open.`,
    meaning: `${meaningOf(name)} orchd never removes a lock that may be yours.`,
    choices: [
      choice("Look whether a git of yours still runs.", "pgrep -a git"),
      choice("If none does, remove it.", `rm ${typed(file)}`),
    ],
  });
}

function meaningOf(name: string): string {
  if (name === "packed-refs.lock")
    return "A git that was killed leaves such a file; one that packs or deletes refs (`git gc`) has it for moments. While it is there no ref can be packed or deleted: no branch of yours, and none of orchd's old refs. Tasks land all the same.";
  return "A git that was killed leaves such a file; one that waits for an editor or a hook has it too. While it is there git refuses to work, and your branch does not follow.";
}

/** Beside HEAD and the index of each working tree, and throughout `refs`. */
async function lockFiles(gitDir: string): Promise<string[]> {
  const linked = await readdir(join(gitDir, "worktrees")).catch(() => []);
  const flat = [gitDir, ...linked.map((name) => join(gitDir, "worktrees", name))];
  const found = await Promise.all([
    ...flat.map((folder) => locksIn(folder, false)),
    locksIn(join(gitDir, "refs"), true),
  ]);
  return found.flat();
}

async function locksIn(folder: string, recursive: boolean): Promise<string[]> {
  const entries = await readdir(folder, { recursive, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".lock"))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Which of the files some process that may be looked into has open. */
async function openFiles(wanted: ReadonlySet<string>): Promise<Map<string, number>> {
  const users = new Map<string, number>();
  for (const pid of listPids())
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const path = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
      if (wanted.has(path)) users.set(path, pid);
    }
  return users;
}

/** Tasks that refs of orchd name: `refs/orchd/{attempts,conflicts,resolutions}/<task>…`. */
export async function tasksOfRefs(gitDir: string): Promise<string[]> {
  const args = [
    "for-each-ref",
    "--format=%(refname)",
    "refs/orchd/attempts",
    "refs/orchd/conflicts",
    "refs/orchd/resolutions",
  ];
  const { stdout } = await git({ gitDir }, args);
  const tasks = stdout.split("\n").map((ref) => ref.split("/")[3] ?? "");
  return [...new Set(tasks.filter((task) => task !== ""))];
}

export function refsFinding(unknown: readonly string[]): Finding {
  if (unknown.length === 0) return fine("refs", "Every ref of orchd belongs to a task");
  const shown = listed(unknown, 5);
  return warning("refs", {
    message: `Refs under refs/orchd name tasks that the journal does not know: ${shown}.`,
    meaning:
      "They hold work of a journal that was moved away or restored from a backup. orchd keeps them.",
    choices: [
      choice("Look at what they hold.", "git for-each-ref refs/orchd"),
      choice(
        "Take over one that you want with `git merge <ref>`; delete what nobody wants with `git update-ref -d <ref>`.",
      ),
    ],
  });
}
