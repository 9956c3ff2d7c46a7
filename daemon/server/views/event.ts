import type { Event, EventType, Recorded } from "../../core/events.ts";
import type { EventView } from "../../../ipc/eventView.ts";

/** The public name of each event (`orchd events`); docs/reference/events.md lists them. */
export const eventNames: Readonly<Record<EventType, string>> = {
  SupervisorStarted: "supervisor:started",
  SettingsChanged: "config:changed",
  BranchPrepared: "branch:prepared",
  TaskSubmitted: "task:submitted",
  TaskRetried: "task:retried",
  TaskResolved: "task:resolved",
  TaskPaused: "task:paused",
  TaskResumed: "task:resumed",
  LabelPaused: "label:paused",
  LabelResumed: "label:resumed",
  AllPaused: "queue:paused",
  AllResumed: "queue:resumed",
  CancelRequested: "task:cancelling",
  TaskCancelled: "task:cancelled",
  DependencyFailed: "task:failed",
  AttemptStarted: "task:started",
  AttemptAdopted: "attempt:adopted",
  AttemptFenced: "attempt:fenced",
  AttemptEnded: "attempt:ended",
  AttemptSalvaged: "attempt:salvaged",
  WorkerReady: "worker:ready",
  WorkerGone: "worker:gone",
  ConflictForeseen: "conflict:foreseen",
  ConflictAverted: "conflict:averted",
  LandingStarted: "landing:started",
  MergeRulesChanged: "landing:merge_rules",
  CandidateMade: "landing:candidate",
  GateStarted: "landing:gate_started",
  GateRed: "landing:gate_red",
  BaseSuspected: "landing:base_suspected",
  BaseRed: "landing:base_red",
  GatePassed: "landing:gate_passed",
  GateLost: "landing:gate_lost",
  SetupSuspected: "landing:setup_suspected",
  CandidateDropped: "landing:again",
  LandingPutBack: "landing:put_back",
  ChainShortened: "landing:shortened",
  GenerationStarted: "landing:generating",
  Regenerated: "landing:generated",
  LandingEnded: "landing:ended",
  LandingHeld: "landing:held",
  LandingReleased: "landing:released",
  HoldRequested: "lock:requested",
  HoldGranted: "lock:granted",
  HoldEnded: "lock:ended",
  LockBroken: "lock:broken",
  TargetFollowed: "target:followed",
  FollowWaiting: "target:waiting",
  PushSucceeded: "push:succeeded",
  PushFailed: "push:failed",
};

export function eventView({ seq, at, event }: Recorded): EventView {
  const task = "task" in event ? event.task : null;
  return { seq, at, name: nameOf(event), task, detail: detailOf(event) };
}

/** What ends a task is named by its status, whichever way it got there. */
function nameOf(event: Event): string {
  const ended = event.type === "AttemptEnded" || event.type === "LandingEnded";
  if (ended && event.next.to !== "queued") return `task:${event.next.to}`;
  return eventNames[event.type];
}

/** What a listener can use; specs and stored tasks are too large to repeat, `show` has them. */
function detailOf(event: Event): Record<string, unknown> {
  switch (event.type) {
    case "TaskSubmitted":
      return { title: event.spec.title, labels: event.spec.labels };
    case "TaskRetried":
      return {};
    case "TaskResolved":
      return { saved: event.saved };
    case "SupervisorStarted":
      return { epoch: event.epoch };
    default: {
      const { type: _type, ...detail } = event;
      return detail;
    }
  }
}
