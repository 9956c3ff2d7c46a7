import { currentAttempt, taskOf } from "./state.ts";
import { touchedBy } from "./holding.ts";
import { enter, proceed } from "./life.ts";
import { give, takeUp } from "./workerEvents.ts";
import { holdTouched, overtake } from "./claimWaits.ts";
import { withoutGenerated } from "./generated.ts";
import type {
  AttemptAdopted,
  AttemptEnded,
  AttemptFenced,
  AttemptSalvaged,
  AttemptStarted,
} from "./attemptFacts.ts";
import type { Attempt, State, Task } from "./state.ts";

export function attemptStarted(state: State, event: AttemptStarted, at: number, seq: number): void {
  const task = taskOf(state, event.task);
  for (const passed of event.overtook) overtake(state, passed);
  const attempt = (currentAttempt(task)?.number ?? 0) + 1;
  beginAttempt(state, task, { worker: event.worker, attempt, fence: seq }, at);
}

export function beginAttempt(state: State, task: Task, granted: Granted, at: number): void {
  task.attempts.push(newAttempt(granted, at));
  const worker = state.workers.get(granted.worker);
  if (worker !== undefined) takeUp(worker, task);
  const { fence } = granted;
  enter(state, task, { status: "running", since: at, worker: granted.worker, fence }, at);
}

/** One that nobody knew is written down as lost: its number, and with it its saved work, stays its own. */
export function attemptFenced(state: State, event: AttemptFenced, at: number): void {
  const task = state.tasks.get(event.task);
  if (task?.life.status !== "queued" || event.because !== "unknown") return;
  if (event.attempt <= (currentAttempt(task)?.number ?? 0)) return;
  task.attempts.push({ ...newAttempt(event, at), endedAt: at, result: "lost" });
}

export function attemptEnded(state: State, event: AttemptEnded, at: number): void {
  const task = taskOf(state, event.task);
  const attempt = currentAttempt(task);
  if (attempt === undefined || task.life.status !== "running")
    throw new Error(`${event.task} is not running`);
  attempt.endedAt = at;
  attempt.result = event.result;
  attempt.failure = event.failure;
  attempt.savedRef = event.saved?.ref ?? null;
  attempt.savedCommit = event.saved?.commit ?? null;
  if (event.saved !== null)
    task.touched = mergePaths(task.touched, withoutGenerated(state, touchedBy(event.saved)));
  const worker = state.workers.get(task.life.worker);
  if (worker !== undefined) give(worker, task);
  if (event.next.to === "landing") {
    if (event.saved === null) throw new Error(`${event.task} has nothing to land`);
    const { fence } = task.life;
    const waiting = { at: "waiting", redBase: null } as const;
    enter(
      state,
      task,
      { status: "landing", since: at, fence, saved: event.saved, step: waiting },
      at,
    );
    holdTouched(state, task);
    state.landing.waiting.add(task);
    return;
  }
  proceed(state, task, event.next, at);
}

export function attemptSalvaged(state: State, event: AttemptSalvaged): void {
  const task = state.tasks.get(event.task);
  const attempt = task?.attempts.find(({ number }) => number === event.attempt);
  if (attempt === undefined || event.saved === null) return;
  attempt.savedRef = event.saved.ref;
  attempt.savedCommit = event.saved.commit;
}

type Granted = Pick<AttemptAdopted, "worker" | "attempt" | "fence">;

function newAttempt({ worker, attempt, fence }: Granted, at: number): Attempt {
  return {
    number: attempt,
    worker,
    fence,
    startedAt: at,
    endedAt: null,
    result: null,
    failure: null,
    savedRef: null,
    savedCommit: null,
  };
}

function mergePaths(before: readonly string[], more: readonly string[]): readonly string[] {
  return before.length === 0 ? more : [...new Set([...before, ...more])];
}
