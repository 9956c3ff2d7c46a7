import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isOid } from "../../ipc/ids.ts";
import type { Oid } from "../../ipc/ids.ts";
import { GitError } from "../../system/git.ts";
import type { GitOptions, GitPlace } from "../../system/git.ts";
import { KeptGit } from "../../system/keptGit.ts";
import type { KeptOptions } from "../../system/keptGit.ts";
import { KeptMerges, askMerge, merging } from "./keptMerges.ts";
import { Lineage } from "./lineage.ts";
import { RefFiles } from "./refFiles.ts";

/**
 * The gits that the writer keeps, so that a landing waits for none to start:
 *
 *     moves      update-ref --stdin           one transaction a question
 *     commits    hash-object --stdin-paths    the text of a commit lies in `orchd/commit.text`
 *     merges     merge-tree --stdin           git 2.49 and newer; older ones answer at the end of input
 *                                             only: the next one is started when a landing is over.
 *                                             Another one where other attributes count (treeAttributes.ts)
 *
 * Each is asked what a git started for it would be asked, and git writes and syncs every object and
 * ref as it always does. Where one fails or cannot do something, a git is started instead.
 */
export type WriterGit = {
  readonly moves: KeptGit;
  readonly commits: KeptGit;
  readonly merges: KeptMerges;
  readonly refs: RefFiles;
  readonly lineage: Lineage;
  readonly textFile: string;
  readonly close: () => Promise<void>;
};

/** As [major, minor]. */
export type GitVersion = readonly [number, number];

/** With it came the end of a deadlock in `merge-tree --stdin`; before, nothing is printed until the end. */
const answeringMergesSince = [2, 49] as const;
/** With it came `merge-tree --stdin`. */
const mergesByInputSince = [2, 39] as const;
const probeMsMax = 500;

/** Syncing and committer, as for any git of the writer. */
type WriterOptions = Pick<GitOptions, "config" | "env">;

/** `version`: of git; `sample`: some commit, to try merging on. */
export function openWriterGit(
  place: GitPlace,
  options: WriterOptions,
  version: GitVersion,
  sample: Oid,
): WriterGit {
  const moves = new KeptGit(place, ["update-ref", "-m", "orchd: land", "--stdin"], options);
  const hashing = ["hash-object", "-t", "commit", "-w", "--no-filters", "--stdin-paths"];
  const commits = new KeptGit(place, hashing, options);
  const merges = new KeptMerges(mergeOptions(place, options, version, sample));
  return {
    moves,
    commits,
    merges,
    refs: new RefFiles(place.gitDir),
    lineage: new Lineage(),
    textFile: join(place.gitDir, textPath),
    close: async () => {
      await Promise.all([moves.close(), commits.close(), merges.close()]);
    },
  };
}

export function isAtLeast([major, minor]: GitVersion, least: GitVersion): boolean {
  return major > least[0] || (major === least[0] && minor >= least[1]);
}

/** `null`: this git takes no merges from its input. */
async function mergeOptions(
  place: GitPlace,
  options: WriterOptions,
  version: GitVersion,
  sample: Oid,
): Promise<KeptOptions | null> {
  if (!isAtLeast(version, mergesByInputSince)) return null;
  const answersAtEnd =
    !isAtLeast(version, answeringMergesSince) || !(await doesAnswer(place, options, sample));
  return { ...options, answerMsMax: mergeMsMax, ageMsMax: mergingAgeMsMax, answersAtEnd };
}

/** Believed only when it has answered once. */
async function doesAnswer(place: GitPlace, options: WriterOptions, sample: Oid): Promise<boolean> {
  const probe = new KeptGit(place, merging, { ...options, answerMsMax: probeMsMax });
  try {
    await askMerge(probe, sample, sample);
    await probe.close();
    return true;
  } catch {
    return false;
  }
}

/** A merge of very large trees may take minutes; the landings behind it wait. */
const mergeMsMax = 30 * 60 * 1000;

/** A person's `info/attributes` and configuration count for merges no later than that. */
const mergingAgeMsMax = 5_000;

/** One transaction: all or none. Throws a `GitError` when it was refused. */
export async function moveRefs({ moves }: WriterGit, lines: readonly string[]): Promise<void> {
  await moves.ask(`start\n${lines.join("\n")}\ncommit\n`, (text) =>
    text === transactionDone ? text.length : null,
  );
}

const transactionDone = "start: ok\ncommit: ok\n";

/** Relative to the common directory, where these gits run. */
const textPath = "orchd/commit.text";

/** Writes a commit object with exactly this content, synced. Throws a `GitError`. */
export async function hashCommit(git: WriterGit, content: string): Promise<Oid> {
  const bytes = Buffer.from(content, "utf8");
  writeText(git.textFile, bytes);
  const answer = await git.commits.ask(`${textPath}\n`, (text) =>
    text.endsWith("\n") ? text.length : null,
  );
  const name = answer.trimEnd();
  if (isOid(name) && name === nameOf(bytes, name.length)) return name;
  throw notWritten(`git answered ${answer}`);
}

/** The folder is there but for a person who removed it. */
function writeText(path: string, bytes: Buffer): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, bytes, { mode: 0o600 });
  } catch (error) {
    throw notWritten(error instanceof Error ? error.message : String(error));
  }
}

/** The name that git has to give it: what was written is what was meant. */
function nameOf(bytes: Buffer, length: number): string {
  const hash = createHash(length === 40 ? "sha1" : "sha256");
  return hash.update(`commit ${bytes.length}\0`).update(bytes).digest("hex");
}

function notWritten(problem: string): GitError {
  const result = { code: null, signal: null, stdout: "", stderr: "", problem };
  return new GitError(["hash-object"], result);
}
