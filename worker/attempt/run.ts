import { unreachable } from "../../ipc/errors.ts";
import type { Assignment, AttemptKey, Outcome, Report } from "../../ipc/workerMessages.ts";
import { realClock } from "../../system/clock.ts";
import { ownIdentity } from "../../system/processIdentity.ts";
import { prepareToStart } from "../child.ts";
import { clearHeld, readHeld } from "../workspace/held.ts";
import { onceThereIsSpace } from "../workspace/space.ts";
import { failed, messageOf } from "./desk.ts";
import type { Course, Desk } from "./desk.ts";
import { waitingInWorkspace } from "./ground.ts";
import { runGate } from "./gate.ts";
import { runGenerate } from "./generate.ts";
import { attemptFolder, beginRecord, writeOutcome } from "./records.ts";
import type { AttemptRecord } from "./records.ts";
import { runTask } from "./task.ts";

export type Attempt = Exclude<Assignment, { kind: "instant" }>;

/**
 * One attempt from assignment to a report that is on disk:
 *
 *     "begun" in attempts.log ──► stages (task.ts, gate.ts, generate.ts) ──► "ended" there ──► held.json removed
 *
 * in this order, so that a kill at any moment leaves either nothing that ran, or a record of what has
 * to be saved, or the outcome.
 */
export async function runAttempt(desk: Desk, course: Course, attempt: Attempt): Promise<Report> {
  const start = realClock.monotonicMs();
  // Loads while the workspace is prepared; a failure comes back where the program is started.
  prepareToStart().catch(() => {});
  const folder = attemptFolder(desk.stateFolder, course.key);
  const { outcome, settled } = await outcomeOf(desk, course, attempt, folder);
  const elapsed_ms = Math.round(realClock.monotonicMs() - start);
  const report: Report = { ...course.key, outcome, elapsed_ms };
  try {
    desk.attempts.end(report);
    writeOutcome(folder, report);
    if (settled && usesWorkspace(attempt)) await forgetHeld(desk, course.key);
  } catch (error) {
    // It is still reported from memory; after a crash the attempt would be found cut short.
    desk.log("the outcome cannot be written", { ...course.key, error: messageOf(error) });
  }
  return report;
}

/** `settled`: there is nothing in the workspace that would have to be saved later. */
type Settled = { readonly outcome: Outcome; readonly settled: boolean };

async function outcomeOf(
  desk: Desk,
  course: Course,
  attempt: Attempt,
  folder: string,
): Promise<Settled> {
  const record: AttemptRecord = {
    version: 1,
    kind: attempt.kind,
    ...course.key,
    worker: desk.worker,
    process: ownIdentity(),
    started_at: realClock.wallMs(),
    base: null,
    spec: attempt.kind === "task" ? attempt.spec : null,
  };
  try {
    const begin = (): void => {
      desk.attempts.begin(course.key);
      beginRecord(folder, record);
    };
    await onceThereIsSpace(begin, waitingInWorkspace(desk, course, null));
    switch (attempt.kind) {
      case "task":
        return settledBy(course, await runTask(desk, course, attempt, record, folder));
      case "gate":
        return settledBy(course, await runGate(desk, course, attempt, folder));
      case "generate":
        return settledBy(course, await runGenerate(desk, course, attempt, record, folder));
      default:
        return unreachable(attempt);
    }
  } catch (error) {
    desk.log("the attempt broke", { ...course.key, error: String(error) });
    if (course.signal.aborted) return { outcome: ended, settled: false };
    const failure = { kind: "not_started", message: messageOf(error) } as const;
    return { outcome: failed(failure), settled: false };
  }
}

const ended: Outcome = { result: "ended", saved: null };

/** Told to end while it waited for space is no failure of the task; its work stays held. */
function settledBy(course: Course, outcome: Outcome): Settled {
  const kind = outcome.result === "failed" ? outcome.failure.kind : null;
  const waited = course.signal.aborted && (kind === "save" || kind === "workspace");
  return { outcome: waited ? ended : outcome, settled: kind !== "save" };
}

function usesWorkspace(attempt: Attempt): boolean {
  return attempt.kind !== "task" || attempt.spec.workspace === "clone";
}

/** Only the record of this very attempt: one of an earlier attempt stands for work that is not saved yet. */
async function forgetHeld(desk: Desk, key: AttemptKey): Promise<void> {
  const place = await desk.place();
  const held = await readHeld(place);
  if (held?.task === key.task && held.attempt === key.attempt) await clearHeld(place);
}
