import { claimsNothing, currentAttempt, holdingOf, isHold } from "./state.ts";
import { candidateOfMember, chainUpTo, gateCommands } from "./chain.ts";
import { pathsOutside } from "./claims.ts";
import { generatedGlobs, mayTouchGenerated, rulesFor, withoutGenerated } from "./generated.ts";
import { pushEffects } from "./push.ts";
import { unreachable } from "./unreachable.ts";
import type { Effect } from "./effects.ts";
import type { AttemptEnded, AttemptFenced, LandingEnded, Recorded } from "./events.ts";
import type { Hold, LandingStep, State, Task } from "./state.ts";
import type { Earlier } from "../../ipc/workerMessages.ts";
import type { HolderId, TaskId, WorkerId } from "../../ipc/ids.ts";

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

function attemptEffects(state: State, id: TaskId): Effect[] {
  const task = state.tasks.get(id);
  if (task?.life.status !== "running") return [];
  return claimsNothing(task)
    ? dispatchEffects(task)
    : [...lockEffects(task), ...dispatchEffects(task)];
}

/** The lock stays while the task lands, and then stands for what it touched besides as well. */
function attemptEnded(state: State, event: AttemptEnded): readonly Effect[] {
  const task = state.tasks.get(event.task);
  if (event.next.to !== "landing") {
    // What a task claims only grows, so one that claims nothing now never had a lock.
    const hadNone = task !== undefined && claimsNothing(task);
    return hadNone ? nothing : [{ kind: "removeLock", holder: event.task }];
  }
  if (task?.life.status !== "landing") return nothing;
  const declared = task.spec.claims?.writes ?? [];
  const { touched, touched_total } = task.life.saved;
  const owned = withoutGenerated(state, touched);
  const onlyDeclared =
    touched_total === touched.length && pathsOutside(owned, declared).length === 0;
  return onlyDeclared ? nothing : lockEffects(task);
}

function lockEffects(task: Task): Effect[] {
  const attempt = currentAttempt(task);
  const { life } = task;
  if (attempt === undefined || claimsNothing(task)) return [];
  return [
    {
      kind: "placeLock",
      task: task.id,
      attempt: attempt.number,
      // A resolution has a fence of its own.
      fence: life.status === "landing" ? life.fence : attempt.fence,
      worker: attempt.worker,
      holding: holdingOf(task),
      grantedAt: attempt.startedAt,
    },
  ];
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

/** It runs already, so nothing is sent. */
function lockEffectsOf(state: State, id: TaskId): Effect[] {
  const task = state.tasks.get(id);
  return task?.life.status === "running" ? lockEffects(task) : [];
}

function fenceEffect({ worker, task, attempt, fence }: AttemptFenced): Effect {
  return { kind: "cancelAttempt", worker, task, attempt, fence };
}

function dispatchEffects(task: Task): Effect[] {
  const attempt = currentAttempt(task);
  if (task.life.status !== "running" || attempt === undefined) return [];
  const { worker, fence } = task.life;
  const earlier = earlierOf(task);
  return [
    {
      kind: "dispatch",
      worker,
      task: task.id,
      attempt: attempt.number,
      fence,
      spec: task.spec,
      ...(earlier === null ? {} : { earlier }),
    },
  ];
}

function earlierOf({ attempts, sentBack, spec, conflict }: Task): Earlier | null {
  const last = attempts.findLast(({ savedCommit }) => savedCommit !== null);
  const work =
    last?.savedCommit == null || last.savedRef === null
      ? null
      : { commit: last.savedCommit, ref: last.savedRef };
  const red =
    sentBack === undefined ? null : { command: sentBack.command, output: sentBack.output };
  if (work === null && red === null) return null;
  if (spec.on_conflict === undefined || conflict === undefined) return { work, red };
  const { base, commit, attempt } = conflict;
  return { work, red, continues: { base, commit, attempt } };
}

/**
 * An assignment that never arrived is sent again as the same attempt; one that was granted after the
 * worker had said what it holds (`seq`) is on its way already. A cancellation is always sent again, also
 * of an attempt that was adopted with the fence of a journal that is lost, above all of this one's.
 */
function dispatchesTo(
  state: State,
  worker: WorkerId,
  holding: readonly number[],
  seq: number,
): Effect[] {
  const held = new Set(holding);
  return [...(state.workers.get(worker)?.held ?? [])].flatMap((id) => {
    const task = state.tasks.get(id);
    if (task?.life.status !== "running") return [];
    const { fence } = task.life;
    if (held.has(fence)) return cancelEffects(state, id);
    return fence > seq ? [] : [...dispatchEffects(task), ...cancelEffects(state, id)];
  });
}

function cancelEffects(state: State, id: TaskId): Effect[] {
  const task = state.tasks.get(id);
  const attempt = task === undefined ? undefined : currentAttempt(task);
  if (task?.life.status !== "running" || attempt === undefined || !task.cancelRequested) return [];
  const { worker, fence } = task.life;
  return [{ kind: "cancelAttempt", worker, task: id, attempt: attempt.number, fence }];
}

function endOpenGate(
  state: State,
  { task, openGate }: { readonly task: TaskId; readonly openGate: number | null },
): Effect[] {
  if (openGate === null) return [];
  const attempt = state.tasks.get(task)?.attempts.at(-1)?.number ?? 0;
  return [{ kind: "cancelGate", task, attempt, fence: openGate }];
}

function landingEnded(state: State, event: LandingEnded): Effect[] {
  return [
    { kind: "removeLock", holder: event.task },
    ...endOpenGate(state, event),
    ...(event.next.to === "succeeded" ? [...followEffects(state), ...pushEffects(state)] : []),
  ];
}

function followEffects(state: State): Effect[] {
  return state.settings.follow === "auto" ? [{ kind: "follow", from: state.landing.followed }] : [];
}

/** Nothing lands that would have the branch looked at. */
export function lookEffects({ landing: { held, redBase, tip } }: State): Effect[] {
  const rewound = held?.kind === "rewound" && redBase !== null;
  return rewound || held?.kind === "base_red" ? [{ kind: "look", tip, rewound }] : [];
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
    case "chained":
      return [];
    case "merging": {
      const front = chainUpTo(state, task.id).at(-2);
      const onto = front === undefined ? null : candidateOfMember(front);
      return [
        {
          kind: "merge",
          ...key,
          attempt: attempt.number,
          spec: task.spec,
          saved,
          at: step.since,
          ...(onto === null ? {} : { onto: { commit: onto.commit, tree: onto.tree } }),
          ...(mayTouchGenerated(state, saved) ? { generated: generatedOf(state, step) } : {}),
        },
      ];
    }
    case "generating":
      return [
        {
          kind: "generate",
          task: task.id,
          attempt: attempt.number,
          fence: step.fence,
          commit: step.commit,
          rules: rulesFor(state, step.globs),
        },
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
    case "moving": {
      const [first] = chainUpTo(state, task.id);
      const { onto, ontoTree } =
        (first === undefined ? null : candidateOfMember(first)) ?? step.candidate;
      return [{ kind: "move", ...key, candidate: { ...step.candidate, onto, ontoTree } }];
    }
    default:
      return unreachable(step);
  }
}

function generatedOf(
  state: State,
  { regenerated }: Extract<LandingStep, { at: "merging" }>,
): NonNullable<Extract<Effect, { kind: "merge" }>["generated"]> {
  const globs = generatedGlobs(state);
  return regenerated === undefined ? { globs } : { globs, regenerated };
}

function isGateWorker(worker: WorkerId): boolean {
  return worker.startsWith("gate-");
}
