import type { HistoryQuery } from "../../ipc/historyViews.ts";
import type { Failpoint } from "../../system/failpoint.ts";
import type { HistoryStep } from "./history.ts";
import type { FinalTask, JournalProblem, JournalRow, SnapshotTask } from "./records.ts";

/**
 * What crosses between the main thread and the journal's thread. Rows travel as columns, or as the
 * canonical texts that were hashed: cloning one array of strings costs a fraction of cloning objects.
 *
 *     main → thread   append …, part …, snapshot, task, events, close        each call has an `id`
 *     thread → main   recovered*, opened     once, after the start
 *                     done                   for one or many ids: what was merged shares a commit
 *                     read                   for one id
 */
export type ThreadSettings = {
  readonly path: string;
  readonly epoch: number;
  readonly failpoint?: Failpoint | undefined;
};

export type AppendRequest = {
  readonly op: "append";
  readonly id: number;
  readonly first: number;
  readonly at: readonly number[];
  readonly type: readonly string[];
  readonly version: readonly number[];
  readonly task: readonly (string | null)[];
  readonly body: readonly string[];
};

/** One chunk of the snapshot `of`. The next is sent when this one is done. */
export type SnapshotPart = {
  readonly op: "part";
  readonly id: number;
  readonly of: number;
  readonly texts: readonly string[];
  readonly bodies: readonly string[];
};

export type SnapshotRequest = {
  readonly op: "snapshot";
  readonly id: number;
  readonly of: number;
  readonly seq: number;
  readonly state: string;
};

export type Request =
  | AppendRequest
  | SnapshotPart
  | SnapshotRequest
  | { readonly op: "task"; readonly id: number; readonly task: string }
  | { readonly op: "events"; readonly id: number; readonly from: number; readonly max: number }
  | HistoryRequest
  | { readonly op: "close"; readonly id: number };

/** A step through the finished tasks (history.ts), and the last events of the tasks `ids`. */
export type HistoryRequest = {
  readonly op: "history";
  readonly id: number;
  readonly query: HistoryQuery;
  readonly ids: readonly string[];
};

/**
 * `live`: texts of tasks, with `bodies` beside them. `events`: texts of rows. `final`: one text that
 * holds many tasks, four lines each: of 100,000 short strings only few are worth their own memory.
 */
export type RecoveredPart = {
  readonly op: "recovered";
  readonly table: "live" | "final" | "events";
  readonly texts: readonly string[];
  readonly bodies: readonly string[];
};

export type Reply =
  | RecoveredPart
  | {
      readonly op: "opened";
      readonly problem: JournalProblem | null;
      readonly snapshot: { readonly seq: number; readonly state: string } | null;
    }
  | {
      readonly op: "done";
      readonly ids: readonly number[];
      readonly problem: JournalProblem | null;
    }
  | {
      readonly op: "read";
      readonly id: number;
      readonly body: string | null;
      readonly texts: readonly string[];
    }
  | { readonly op: "history"; readonly id: number; readonly step: HistoryStep }
  /** A rule of this interface was broken by the caller, or the journal has a bug. Without ids: in what nobody asked for. */
  | { readonly op: "bug"; readonly ids: readonly number[]; readonly message: string };

export function packRows(id: number, rows: readonly JournalRow[]): AppendRequest {
  return {
    op: "append",
    id,
    first: rows[0]?.seq ?? 0,
    at: rows.map((row) => row.at),
    type: rows.map((row) => row.type),
    version: rows.map((row) => row.version),
    task: rows.map((row) => row.task),
    body: rows.map((row) => row.body),
  };
}

/** A task without its body: what finds it, and what stays of it when it is final. */
export type TaskLine = Omit<SnapshotTask, "body">;

/** The text that `tasks.checksum` covers; `bodyChecksum` is put behind it by the thread. */
export function taskText(task: TaskLine): string {
  return `${task.id}\n${task.final ? 1 : 0}\n${task.status}\n${task.digest}\n${task.commit ?? ""}`;
}

export function parseTaskText(text: string): TaskLine {
  const [id = "", final, status = "", digest = "", commit = ""] = text.split("\n");
  return { id, final: final === "1", status, digest, commit: commit === "" ? null : commit };
}

/** What a final task keeps in memory. */
export function finalText(taskText: string): string {
  const { id, status, digest, commit } = parseTaskText(taskText);
  return `${id}\n${status}\n${digest}\n${commit ?? ""}`;
}

export function parseFinalTexts(joined: string): FinalTask[] {
  const lines = joined.split("\n");
  const tasks: FinalTask[] = [];
  for (let at = 0; at < lines.length; at += 4) {
    const [id = "", status = "", digest = "", commit = ""] = lines.slice(at, at + 4);
    tasks.push({
      id: alone(id),
      status: shared(status),
      digest,
      commit: commit === "" ? null : commit,
    });
  }
  return tasks;
}

/** A piece of a long text would keep all of that in memory. An id is ASCII. */
function alone(id: string): string {
  return Buffer.from(id, "latin1").toString("latin1");
}

const statuses = new Map<string, string>();

/** There are few statuses and many tasks. */
function shared(status: string): string {
  const known = statuses.get(status);
  if (known === undefined) statuses.set(status, status);
  return known ?? status;
}
