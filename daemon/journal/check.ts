import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

import { unreachable } from "../../ipc/errors.ts";
import type { JournalCheck, JournalVerdict } from "../../ipc/journalCheck.ts";
import { proveHistory } from "./deepCheck.ts";
import { refuseForeignFile } from "./fileHeader.ts";
import { markPath, readMark } from "./mark.ts";
import { openUnchanged } from "./openUnchanged.ts";
import { classify, unwrap } from "./problems.ts";
import type { JournalProblem } from "./records.ts";
import { configure } from "./schema.ts";
import { refuseDamagedWal, verifyDatabase } from "./verify.ts";
import type { Verified } from "./verify.ts";

/** How a journal is looked at from outside, without the lock, without changing anything. */
export type CheckOptions = {
  /** All events and tasks, not only those that a start reads. */
  readonly deep: boolean;
  /**
   * A supervisor has it open. Its log is being written then, and the mark may be ahead of what this
   * process sees: both were proven by that supervisor when it started, and are left out.
   */
  readonly live: boolean;
  /** Whether these tasks are known. */
  readonly tasks: readonly string[];
};

export function checkJournal(path: string, options: CheckOptions): JournalCheck {
  const before = fingerprint(path);
  const found = look(path, options);
  const isTrue = options.live || fingerprint(path) === before || found.verdict.kind === "good";
  return isTrue ? found : { verdict: { kind: "changing" }, unknown: [] };
}

function look(path: string, options: CheckOptions): JournalCheck {
  try {
    const mark = readMark(markPath(path));
    const isAbsent = sizeOf(path) === 0 && sizeOf(`${path}-wal`) === 0;
    if (isAbsent && (mark?.seq ?? 0) === 0)
      return { verdict: { kind: "absent" }, unknown: options.tasks };
    if (sizeOf(path) === 0)
      return damaged("file", "journal.db is missing, and other files say that there was one");
    refuseForeignFile(path);
    if (!options.live) refuseDamagedWal(`${path}-wal`);
    const { db, close } = openUnchanged(path, options);
    try {
      configure(db);
      // One moment for all that is read: a living supervisor writes in between.
      db.exec("BEGIN");
      const verified = verifyDatabase(db, Infinity, options.live ? null : mark, () => {});
      const proven = options.deep ? proveHistory(db) : verified.last.seq - verified.meta.seq;
      const { last, meta, unfolded } = verified;
      const added = withoutRow(db, [...unfolded.keys()]).length;
      return {
        verdict: { kind: "good", events: last.seq, tasks: meta.rows + added, proven },
        unknown: unknownOf(db, verified, options.tasks),
      };
    } finally {
      close();
    }
  } catch (error) {
    const problem = unwrap(classify(error));
    if (problem === null) throw error;
    return { verdict: verdictOf(problem), unknown: [] };
  }
}

/** A task is known by a row of the snapshot, by a chunk on its way there, or by events behind it. */
function unknownOf(
  db: DatabaseSync,
  { heads, unfolded }: Verified,
  tasks: readonly string[],
): string[] {
  return withoutRow(db, tasks).filter((id) => !heads.has(id) && !unfolded.has(id));
}

function withoutRow(db: DatabaseSync, tasks: readonly string[]): string[] {
  const find = db.prepare("SELECT row FROM tasks WHERE id = ?");
  return tasks.filter((id) => find.get(id) === undefined);
}

function verdictOf(problem: JournalProblem): JournalVerdict {
  switch (problem.kind) {
    case "damaged": {
      const { where, message, goodUntil } = problem.report;
      return { kind: "damaged", where, message, good_until: goodUntil };
    }
    case "format":
      return problem;
    case "full":
    case "io":
      return { kind: "unreadable", message: problem.message };
    case "fenced":
      return { kind: "unreadable", message: `epoch ${problem.epoch} cannot be` };
    default:
      return unreachable(problem);
  }
}

function damaged(where: string, message: string): JournalCheck {
  return { verdict: { kind: "damaged", where, message, good_until: null }, unknown: [] };
}

function fingerprint(path: string): string {
  return [path, `${path}-wal`, markPath(path)]
    .map((file) => {
      const found = statSync(file, { throwIfNoEntry: false });
      return `${found?.size} ${found?.mtimeMs}`;
    })
    .join();
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
