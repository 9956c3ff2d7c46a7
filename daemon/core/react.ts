import { currentAttempt, holdingOf } from "./state.ts";
import { gateCommands } from "./landing.ts";
import { unreachable } from "./unreachable.ts";
import type { Effect } from "./effects.ts";
import type { Event, LandingEnded } from "./events.ts";
import type { State, Task } from "./state.ts";
import type { TaskId, WorkerId } from "../../ipc/ids.ts";

/**
 * What an event makes necessary, read off the state after its whole batch. A later event of the same
 * batch may have made it unnecessary again: the state tells, so nothing outdated is asked for.
 */
export function react(state: State, event: Event): Effect[] {
  switch (event.type) {
    case "AttemptStarted":
      return attemptEffects(state, event.task);
    case "CancelRequested":
      return cancelEffects(state, event.task);
    case "WorkerReady":
      return [
        ...dispatchesTo(state, event.worker, event.holding),
        ...(isGateWorker(event.worker) ? landingEffects(state) : []),
      ];
    case "AttemptEnded":
      return event.next.to === "landing" ? [] : [{ kind: "removeLock", task: event.task }];
    case "LandingEnded":
      return landingEnded(state, event);
    case "LandingStarted":
    case "CandidateMade":
    case "BaseSuspected":
    case "GatePassed":
    case "CandidateDropped":
      return state.landing.current === event.task ? landingEffects(state) : [];
    case "LandingReleased":
      return [...landingEffects(state), ...followEffects(state)];
    case "SettingsChanged":
    case "BranchPrepared":
    case "SupervisorStarted":
    case "TaskSubmitted":
    case "TaskRetried":
    case "TaskPaused":
    case "TaskResumed":
    case "AllPaused":
    case "AllResumed":
    case "TaskCancelled":
    case "DependencyFailed":
    case "AttemptSalvaged":
    case "WorkerGone":
    case "BaseRed":
    case "LandingHeld":
    case "TargetFollowed":
    case "FollowWaiting":
      return [];
    default:
      return unreachable(event);
  }
}

/** Everything that must be asked (again) when a supervisor takes over: no effect is lost by a crash. */
export function pending(state: State): Effect[] {
  const locks = [...state.tasks.values()].flatMap((task) =>
    task.life.status === "running" || task.life.status === "landing" ? lockEffects(task) : [],
  );
  const cancellations = [...state.tasks.values()].flatMap((task) =>
    task.cancelRequested ? cancelEffects(state, task.id) : [],
  );
  return [...locks, ...cancellations, ...landingEffects(state), ...followEffects(state)];
}

function attemptEffects(state: State, id: TaskId): Effect[] {
  const task = state.tasks.get(id);
  if (task?.life.status !== "running") return [];
  return [...lockEffects(task), ...dispatchEffects(task)];
}

function lockEffects(task: Task): Effect[] {
  const attempt = currentAttempt(task);
  const holding = holdingOf(task);
  const empty =
    !holding.optimistic &&
    holding.writes.length === 0 &&
    holding.reads.length === 0 &&
    Object.keys(holding.resources).length === 0;
  if (attempt === undefined || empty) return [];
  return [
    {
      kind: "placeLock",
      task: task.id,
      attempt: attempt.number,
      fence: attempt.fence,
      worker: attempt.worker,
      holding,
      grantedAt: attempt.startedAt,
    },
  ];
}

function dispatchEffects(task: Task): Effect[] {
  const attempt = currentAttempt(task);
  if (task.life.status !== "running" || attempt === undefined) return [];
  const { worker, fence } = task.life;
  return [
    { kind: "dispatch", worker, task: task.id, attempt: attempt.number, fence, spec: task.spec },
  ];
}

/** An assignment that never arrived is sent again as the same attempt. */
function dispatchesTo(state: State, worker: WorkerId, holding: readonly number[]): Effect[] {
  const held = new Set(holding);
  return [...state.tasks.values()].flatMap((task) => {
    if (task.life.status !== "running" || task.life.worker !== worker) return [];
    if (held.has(task.life.fence)) return task.cancelRequested ? cancelEffects(state, task.id) : [];
    return dispatchEffects(task);
  });
}

function cancelEffects(state: State, id: TaskId): Effect[] {
  const task = state.tasks.get(id);
  const attempt = task === undefined ? undefined : currentAttempt(task);
  if (task?.life.status !== "running" || attempt === undefined) return [];
  const { worker, fence } = task.life;
  return [{ kind: "cancelAttempt", worker, task: id, attempt: attempt.number, fence }];
}

function landingEnded(state: State, event: LandingEnded): Effect[] {
  const { task, openGate } = event;
  const attempt = state.tasks.get(task)?.attempts.at(-1)?.number ?? 0;
  return [
    { kind: "removeLock", task },
    ...(openGate === null ? [] : [{ kind: "cancelGate", task, attempt, fence: openGate } as const]),
    ...(event.next.to === "succeeded" ? followEffects(state) : []),
  ];
}

function followEffects(state: State): Effect[] {
  return state.settings.follow === "auto" ? [{ kind: "follow", from: state.landing.followed }] : [];
}

/** The step that the current landing is at; asked again after a pause when it could not be carried out. */
export function landingEffects(state: State): Effect[] {
  const { current } = state.landing;
  const task = current === null ? undefined : state.tasks.get(current);
  const attempt = task === undefined ? undefined : currentAttempt(task);
  if (task?.life.status !== "landing" || attempt === undefined) return [];
  const { step, saved, fence } = task.life;
  const key = { task: task.id, fence };
  switch (step.at) {
    case "waiting":
      return [];
    case "merging":
      return [
        { kind: "merge", ...key, attempt: attempt.number, spec: task.spec, saved, at: step.since },
      ];
    case "gate":
      return [
        {
          kind: "gate",
          task: task.id,
          attempt: attempt.number,
          fence: step.fence,
          commit: step.suspected === null ? step.candidate.commit : step.candidate.onto,
          commands: step.suspected === null ? gateCommands(state, task) : state.settings.verify,
          timeoutMs: state.settings.verifyTimeoutMs,
        },
      ];
    case "moving":
      return [{ kind: "move", ...key, candidate: step.candidate }];
    default:
      return unreachable(step);
  }
}

function isGateWorker(worker: WorkerId): boolean {
  return worker.startsWith("gate-");
}
