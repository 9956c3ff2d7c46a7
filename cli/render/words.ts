import { bytesWords } from "../../ipc/byteSize.ts";
import { formatDuration } from "../../ipc/duration.ts";
import { isTaskId } from "../../ipc/ids.ts";
import { unreachable } from "../../ipc/errors.ts";
import type { FailureReason, TaskRow, TaskStatus, WaitReason } from "../../ipc/taskViews.ts";
import type { AttemptFailure, KeptBack } from "../../ipc/workerMessages.ts";
import { shortageWords } from "../../ipc/shortage.ts";
import type { TaskId } from "../../ipc/ids.ts";
import type { Style } from "./paint.ts";
import { listed, plain, plural } from "./text.ts";
import { span } from "./time.ts";

/** Reasons and states in words: one phrase each, without a final full stop. */

/** Looks up what is known of another task; `undefined` where the answer did not contain it. */
export type Rows = ReadonlyMap<TaskId, TaskRow>;

export function waitWords(reason: WaitReason, rows: Rows, now: number): string {
  switch (reason.on) {
    case "paused":
      if (reason.label !== undefined) return `everything labelled ${plain(reason.label)} is paused`;
      return reason.all ? "everything is paused" : "paused";
    case "after":
      return `waits for ${tasksWords(reason.tasks, rows, now)}`;
    case "time":
      return `${reason.backoff ? "retry" : "starts"} in ${span(reason.until - now)}`;
    case "claim":
      return claimWords(reason, rows, now);
    case "resource":
      return `${plain(reason.resource)} is used by ${listed(reason.holders, 2)}`;
    case "disk":
      return shortageWords(reason);
    case "slot":
      return "no free worker";
    case "workers":
      return "no worker is ready yet";
    default:
      return unreachable(reason);
  }
}

export function reasonWords(reason: FailureReason): string {
  switch (reason.kind) {
    case "attempt":
      return attemptWords(reason.failure);
    case "lost":
      return `its worker died (${plural(reason.attempts, "attempt")})`;
    case "gate":
      return `red at the gate: ${plain(reason.command.join(" "))}: ${attemptWords(reason.failure)}`;
    case "generation":
      return `generated files could not be made: ${plain(reason.command.join(" "))}: ${attemptWords(reason.failure)}`;
    case "conflict":
      return `conflict in ${listed(reason.paths, 2, reason.paths_total)}; kept as ${plain(reason.ref)}`;
    case "not_descended":
      return `its history lost its base; kept as ${plain(reason.ref)}`;
    case "outside_claims":
      return `changed outside its claims: ${listed(reason.paths, 2)}`;
    case "dependency":
      return `${reason.task} ${statusWords(reason.status)}`;
    case "landing":
      return `could not land: ${plain(reason.message)}`;
    default:
      return unreachable(reason);
  }
}

export function attemptWords(failure: AttemptFailure): string {
  switch (failure.kind) {
    case "exit":
      return `exit code ${failure.exit_code}`;
    case "signal":
      return `ended by ${plain(failure.signal)}`;
    case "timeout":
      return `timed out after ${formatDuration(failure.timeout_ms)}`;
    case "not_started":
      return `could not start: ${plain(failure.message)}`;
    case "setup":
      return `setup failed: ${plain(failure.message)}`;
    case "workspace":
      return `no workspace: ${plain(failure.message)}`;
    case "output_limit":
      return `more than ${bytesWords(failure.limit_bytes)} of output`;
    case "workspace_size":
      return `its workspace grew to ${bytesWords(failure.bytes)}, beyond the ${bytesWords(failure.limit_bytes)} of limits.workspace_size`;
    case "unlandable":
      return `its work is saved and cannot land: ${plain(failure.message)}`;
    case "kept_back":
      return keptBackWords(failure);
    case "save":
      return `its work could not be saved: ${plain(failure.message)}`;
    case "hook":
      return `${plain(failure.hook)} hook: ${plain(failure.message)}`;
    default:
      return unreachable(failure);
  }
}

function keptBackWords({ files, total, folder }: KeptBack): string {
  const named = files
    .slice(0, 3)
    .map(({ path, why, bytes, committed }) => {
      const reason = why === "large" ? bytesWords(bytes) : "looks like a secret";
      return `${plain(path)} (${reason}${committed === true ? ", in its commits" : ""})`;
    })
    .join(", ");
  const more = total > 3 ? ` and ${total - 3} more` : "";
  return `new files that do not belong in git: ${named}${more}; they are in ${plain(folder)}, the rest is saved; save.allow lets them through`;
}

/** As a verb phrase after an id: `t-abc failed`, `t-abc is running`. */
export function statusWords(status: TaskStatus): string {
  switch (status) {
    case "queued":
    case "running":
    case "landing":
      return `is ${status}`;
    case "succeeded":
    case "failed":
      return status;
    case "cancelled":
      return "was cancelled";
    default:
      return unreachable(status);
  }
}

export function statusStyle(status: TaskStatus): Style {
  switch (status) {
    case "queued":
      return "dim";
    case "running":
    case "landing":
      return "live";
    case "succeeded":
      return "good";
    case "failed":
      return "bad";
    case "cancelled":
      return "warn";
    default:
      return unreachable(status);
  }
}

function claimWords(reason: Extract<WaitReason, { on: "claim" }>, rows: Rows, now: number): string {
  const claim = plain(reason.claim);
  const theirs = plain(reason.their_claim);
  const { holder } = reason;
  const other = isTaskId(holder) ? taskWords(holder, rows, now) : plain(holder);
  if (isTaskId(holder) && rows.get(holder)?.status === "queued")
    return `${other} wants ${theirs} first`;
  return claim === theirs
    ? `${claim} is held by ${other}`
    : `${claim} is held by ${other} as ${theirs}`;
}

function tasksWords(tasks: readonly TaskId[], rows: Rows, now: number): string {
  const first = tasks[0];
  if (first === undefined) return "another task";
  const rest = tasks.length - 1;
  return taskWords(first, rows, now) + (rest > 0 ? ` and ${rest} more` : "");
}

function taskWords(id: TaskId, rows: Rows, now: number): string {
  const row = rows.get(id);
  if (row === undefined) return id;
  const where = row.status === "running" && row.worker !== null ? ` on ${row.worker}` : "";
  return `${id} (${row.status}${where}, ${span(now - row.since)})`;
}
