import {
  attemptEffects,
  attemptEnded,
  cancelEffects,
  dispatchesTo,
  fenceEffect,
  lockEffects,
  lockEffectsOf,
} from "./attemptEffects.ts";
import { endOpenGate, followEffects, landingEffects, lookEffects } from "./landingEffects.ts";
import { isHold } from "./state.ts";
import { pushEffects } from "./push.ts";
import { unreachable } from "./unreachable.ts";
import type { Effect } from "./effects.ts";
import type { Hold, State } from "./state.ts";
import type { HolderId, WorkerId } from "../../ipc/ids.ts";
import type { Recorded } from "./events.ts";
import type { LandingEnded } from "./landingFacts.ts";

/**
 * What a batch of events makes necessary, read off the state after all of it. A later event may have
 * made unnecessary what an earlier one asked for: the state tells, so nothing outdated is asked for.
 * The step of the landing and following are asked for once, however many events lead to them.
 */
export function react(state: State, batch: readonly Recorded[]): Effect[] {
  const effects: Effect[] = [];
  const shared = new Set<Effect["kind"]>();
  for (const recorded of batch)
    for (const effect of reactToOne(state, recorded)) {
      if (isShared(effect)) {
        if (shared.has(effect.kind)) continue;
        shared.add(effect.kind);
      }
      effects.push(effect);
    }
  return effects;
}

/** There is one of these at a time, whatever the event. */
function isShared({ kind }: Effect): boolean {
  return sharedKinds.has(kind);
}

const sharedKinds = new Set<Effect["kind"]>([
  "merge",
  "generate",
  "gate",
  "move",
  "follow",
  "look",
  "push",
]);
const nothing: readonly Effect[] = [];

function reactToOne(state: State, { seq, event }: Recorded): readonly Effect[] {
  switch (event.type) {
    case "AttemptStarted":
      return attemptEffects(state, event.task);
    case "AttemptAdopted":
      return lockEffectsOf(state, event.task);
    case "TaskResolved": {
      const task = state.tasks.get(event.task);
      return task?.life.status === "landing" ? lockEffects(task) : nothing;
    }
    case "AttemptFenced":
      return [fenceEffect(event)];
    case "CancelRequested":
      return cancelEffects(state, event.task);
    case "WorkerReady":
      return isGateWorker(event.worker)
        ? landingEffects(state).filter(({ kind }) => kind === "gate" || kind === "generate")
        : dispatchesTo(state, event.worker, event.holding, seq);
    case "AttemptEnded":
      return attemptEnded(state, event);
    case "LandingEnded":
      return landingEnded(state, event);
    case "LandingStarted":
    case "CandidateMade":
    case "GateStarted":
    case "BaseSuspected":
    case "SetupSuspected":
    case "GatePassed":
    case "GenerationStarted":
    case "Regenerated":
      return state.landing.current === event.task ? landingEffects(state) : nothing;
    case "CandidateDropped":
      return state.landing.current === event.task
        ? [...endOpenGate(state, event), ...landingEffects(state)]
        : endOpenGate(state, event);
    case "LandingPutBack":
      return endOpenGate(state, event);
    case "BaseRed":
      return lookEffects(state);
    case "LandingReleased":
      return [...landingEffects(state), ...followEffects(state), ...pushEffects(state)];
    case "TargetFollowed":
    case "SettingsChanged":
    case "PushSucceeded":
      return pushEffects(state);
    case "HoldRequested":
    case "HoldGranted":
      return placeHold(state.holds.get(event.hold));
    case "HoldEnded":
      return [{ kind: "removeLock", holder: event.hold }];
    case "LockBroken":
      return endOfHold(state, event.holder);
    case "ConflictForeseen":
    case "ConflictAverted":
    case "MergeRulesChanged":
    case "BranchPrepared":
    case "SupervisorStarted":
    case "TaskSubmitted":
    case "TaskRetried":
    case "TaskPaused":
    case "TaskResumed":
    case "LabelPaused":
    case "LabelResumed":
    case "AllPaused":
    case "AllResumed":
    case "TaskCancelled":
    case "DependencyFailed":
    case "AttemptSalvaged":
    case "WorkerGone":
    case "GateRed":
    case "GateLost":
    case "ChainShortened":
    case "LandingHeld":
    case "FollowWaiting":
    case "PushFailed":
      return nothing;
    default:
      return unreachable(event);
  }
}

/** Everything that must be asked (again) when a supervisor takes over: no effect is lost by a crash. */
export function pending(state: State): Effect[] {
  const locks = [...state.tasks.values()].flatMap((task) =>
    task.life.status === "running" || task.life.status === "landing" ? lockEffects(task) : [],
  );
  const cancellations = [...state.tasks.values()].flatMap((task) => cancelEffects(state, task.id));
  const holds = [...state.holds.values()].flatMap((one) => [
    ...placeHold(one),
    ...endOfHold(state, one.id),
  ]);
  const landing = [...landingEffects(state), ...lookEffects(state)];
  const steps = [...landing, ...followEffects(state), ...pushEffects(state)];
  return [...locks, ...holds, ...cancellations, ...steps];
}

function placeHold(one: Hold | undefined): Effect[] {
  // A foreign claim has a file of its own.
  if (one === undefined || one.granted === null || one.kind === "foreign") return [];
  return [{ kind: "placeHold", hold: { ...one, granted: one.granted } }];
}

/** Of a task its cancellation is the end. */
function endOfHold(state: State, id: HolderId): Effect[] {
  const hold = isHold(id) ? state.holds.get(id) : undefined;
  return hold?.broken === true ? [{ kind: "endHold", hold }] : [];
}

function landingEnded(state: State, event: LandingEnded): Effect[] {
  return [
    { kind: "removeLock", holder: event.task },
    ...endOpenGate(state, event),
    ...(event.next.to === "succeeded" ? [...followEffects(state), ...pushEffects(state)] : []),
  ];
}

function isGateWorker(worker: WorkerId): boolean {
  return worker.startsWith("gate-");
}
