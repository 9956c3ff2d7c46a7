import {
  attemptEnded,
  attemptFenced,
  attemptSalvaged,
  attemptStarted,
  beginAttempt,
} from "./attemptEvents.ts";
import {
  baseRed,
  baseSuspected,
  candidateDropped,
  candidateMade,
  gatePassed,
  gateLost,
  gateRed,
  gateStarted,
  generationStarted,
  landingStarted,
  putBack,
  regenerated,
  setupSuspected,
  tipSeen,
} from "./chainEvents.ts";
import { enter } from "./life.ts";
import { holdEnded, holdGranted, holdRequested, lockBroken } from "./holdEvents.ts";
import { landingEnded } from "./landingEvents.ts";
import { leaveWaiting } from "./claimWaits.ts";
import { mergeRulesChanged } from "./mergeRules.ts";
import { place, queuedTasksWith } from "./queue.ts";
import { pushFailed, pushSucceeded } from "./push.ts";
import { settingsChanged, supervisorStarted } from "./supervisorEvents.ts";
import { taskOf } from "./state.ts";
import { taskResolved, taskRetried, taskSubmitted } from "./taskEvents.ts";
import { unreachable } from "./unreachable.ts";
import { workerReady } from "./workerEvents.ts";
import type { Event, Recorded } from "./events.ts";
import type { State } from "./state.ts";

/**
 * Applies what happened to the state, in place. It decides nothing and cannot fail on an event that
 * `decide` produced; an event that does not fit its state is a bug and throws.
 */
export function evolve(state: State, recorded: Recorded): void {
  const { seq, at, event } = recorded;
  if (seq !== state.seq + 1) throw new Error(`event ${seq} does not follow ${state.seq}`);
  state.seq = seq;
  apply(state, event, at, seq);
}

function apply(state: State, event: Event, at: number, seq: number): void {
  switch (event.type) {
    case "SupervisorStarted":
      return supervisorStarted(state, event, at);
    case "SettingsChanged":
      return settingsChanged(state, event.settings, at);
    case "BranchPrepared":
      tipSeen(state, event.tip);
      state.landing.followed ??= event.targetTip;
      return;
    case "TaskSubmitted":
      return taskSubmitted(state, event, at, seq);
    case "TaskRetried":
      return taskRetried(state, event, at);
    case "TaskResolved":
      return taskResolved(state, event, at, seq);
    case "TaskPaused":
      taskOf(state, event.task).paused = true;
      return leaveWaiting(state, event.task, at);
    case "TaskResumed": {
      const task = taskOf(state, event.task);
      task.paused = false;
      return place(state, task, at);
    }
    case "LabelPaused":
      state.pausedLabels.add(event.label);
      for (const { id } of queuedTasksWith(state, event.label)) leaveWaiting(state, id, at);
      return;
    case "LabelResumed":
      state.pausedLabels.delete(event.label);
      for (const task of queuedTasksWith(state, event.label)) place(state, task, at);
      return;
    case "AllPaused":
      state.paused = true;
      return;
    case "AllResumed":
      state.paused = false;
      return;
    case "CancelRequested":
      taskOf(state, event.task).cancelRequested = true;
      return;
    case "TaskCancelled":
      return enter(state, taskOf(state, event.task), { status: "cancelled", since: at }, at);
    case "DependencyFailed": {
      const reason = { kind: "dependency", task: event.dependency, status: event.status } as const;
      return enter(state, taskOf(state, event.task), { status: "failed", since: at, reason }, at);
    }
    case "AttemptStarted":
      return attemptStarted(state, event, at, seq);
    case "AttemptAdopted":
      return beginAttempt(state, taskOf(state, event.task), event, at);
    case "AttemptFenced":
      return attemptFenced(state, event, at);
    case "AttemptEnded":
      return attemptEnded(state, event, at);
    case "AttemptSalvaged":
      return attemptSalvaged(state, event);
    case "WorkerReady":
      return workerReady(state, event.worker, at);
    case "WorkerGone":
      state.workers.delete(event.worker);
      return;
    case "ConflictForeseen":
    case "ConflictAverted":
      return;
    case "LandingStarted":
      return landingStarted(state, event.task, at);
    case "MergeRulesChanged":
      return mergeRulesChanged(state, event);
    case "CandidateMade":
      return candidateMade(state, event, at, seq);
    case "GateStarted":
      return gateStarted(state, event.task, at, seq);
    case "GateRed":
      return gateRed(state, event, at);
    case "BaseSuspected":
      return baseSuspected(state, event, at, seq);
    case "BaseRed":
      return baseRed(state, event);
    case "GatePassed":
      return gatePassed(state, event.task, event.tree, at);
    case "GateLost":
      return gateLost(state, event, at);
    case "SetupSuspected":
      return setupSuspected(state, event, at, seq);
    case "CandidateDropped":
      return candidateDropped(state, event, at);
    case "LandingPutBack":
      return putBack(state, event);
    case "ChainShortened":
      state.landing.window = event.length;
      return;
    case "GenerationStarted":
      return generationStarted(state, event, at, seq);
    case "Regenerated":
      return regenerated(state, event, at);
    case "LandingEnded":
      return landingEnded(state, event, at);
    case "LandingHeld":
      state.landing.held = event.reason;
      return;
    case "LandingReleased":
      if (state.landing.redBase !== null) state.landing.red.clear();
      state.landing.held = null;
      state.landing.redBase = null;
      if (event.tip !== null) {
        state.landing.tip = event.tip;
        state.landing.followed = event.followed ?? event.tip;
      }
      return;
    case "HoldRequested":
      return holdRequested(state, event, at, seq);
    case "HoldGranted":
      return holdGranted(state, event, at, seq);
    case "HoldEnded":
      return holdEnded(state, event, at);
    case "LockBroken":
      return lockBroken(state, event);
    case "TargetFollowed":
      tipSeen(state, event.to);
      state.landing.followed = event.to;
      state.landing.followProblem = null;
      return;
    case "FollowWaiting":
      state.landing.followProblem = { reason: event.reason, paths: event.paths };
      return;
    case "PushSucceeded":
      return pushSucceeded(state, event);
    case "PushFailed":
      return pushFailed(state, event);
    default:
      return unreachable(event);
  }
}
