import { afterRed, dropChain, endMember, putBackFrom } from "./chainEnds.ts";
import { applyWithDependents } from "./dependencies.ts";
import { baseIsRed } from "./gate.ts";
import {
  candidateOfMember,
  chainUpTo,
  isSetupInDoubt,
  mayGrow,
  needsGate,
  nextTest,
} from "./chain.ts";
import { compilePath } from "./glob.ts";
import { conflictsMax, isHold } from "./state.ts";
import { isResolved } from "./holding.ts";
import { holderOfPath } from "./claimTable.ts";
import { everything, pathConflict, pathsOutside } from "./claims.ts";
import { decideGenerate } from "./generation.ts";
import { isHeldBack } from "./unavailable.ts";
import { tellMergeRules } from "./mergeRules.ts";
import { unreachable } from "./unreachable.ts";
import { withoutGenerated } from "./generated.ts";
import type { Apply } from "./decide.ts";
import type { Command, FollowResult, MergeResult } from "./commands.ts";
import type { Next } from "./attemptFacts.ts";
import type { HeldReason } from "./landingFacts.ts";
import type { HolderId, Oid, TaskId } from "../../ipc/ids.ts";
import type { Member, NextTest } from "./chain.ts";
import type { Party } from "./claimSpot.ts";
import type { State, Task } from "./state.ts";

/**
 * Landings go through together, as a chain (chain.ts), and one step is under way at a time:
 *
 *     waiting ─► merging ─► chained ─► gate ─► moving ─► succeeded
 *        ▲          ▲ │        ▲ │      │ │       │
 *        │          └─┼────────┼─┼──────┼─┼───────┘  the branch had moved: merge again
 *        │            │        └─┼──────┘ │  red: test a part of the chain, or its base
 *        │            │          ├────────┼─ guilty: runs again by its retries, or has failed
 *        │            │          ├────────┼─ the run could not be run: landing is held, then it is tested again (unavailable.ts)
 *        │            │          └────────┴─ base red, or one in front left the chain: back to waiting
 *        │            └─ conflict: with the branch, the task runs again on the new base, then it fails
 *        │               (parked; a person's resolution of it lands from `waiting` on: resolve.ts); with others of the chain, back to waiting until that is over
 *        │  merging, generated files: made anew by their command first (generation.ts)
 *        └─ order: priority with age, then order of submission
 */
export function startLanding(state: State, at: number, apply: Apply): void {
  if (isHeldBack(state, at)) return;
  const applyAll: Apply = (event) => applyWithDependents(state, event, apply);
  while (state.landing.current === null) {
    const joins = nextToJoin(state);
    if (joins !== null) return applyAll({ type: "LandingStarted", task: joins.id });
    const next = nextTest(state);
    if (next === null) return;
    carryOn(state, next, at, applyAll);
  }
}

function carryOn(state: State, next: NextTest, at: number, apply: Apply): void {
  const { task } = next;
  switch (next.kind) {
    case "passed":
      return apply({ type: "GatePassed", task: task.id, tree: next.tree });
    case "test":
      return apply({ type: "GateStarted", task: task.id });
    case "test_base":
      return apply({ type: "BaseSuspected", task: task.id, red: next.red });
    case "base_red":
      return baseIsRed(state, task, next.tree, next.red, apply);
    case "guilty":
      return endMember(state, task, afterRed(task, next.red, at), apply);
    default:
      return unreachable(next);
  }
}

/** The next of the chain, if somebody may join it. */
function nextToJoin(state: State): Task | null {
  const { landing } = state;
  if (landing.waiting.size === 0) return null;
  if (landing.held !== null && !isTriedOn(landing.held)) return null;
  return mayGrow(state) ? firstToLand(state) : null;
}

/** Whether it is over is found out by landing. */
function isTriedOn({ kind }: HeldReason): boolean {
  return kind === "base_red" || kind === "gate_unavailable";
}

/** Waiting tasks in the order they would land. */
export function landingOrder(state: State): Task[] {
  return [...state.landing.waiting].flatMap((id) => state.tasks.get(id) ?? []);
}

function firstToLand(state: State): Task | null {
  for (const id of state.landing.waiting) {
    const task = state.tasks.get(id);
    if (task !== undefined && mayLand(state, task)) return task;
  }
  return null;
}

function mayLand(state: State, task: Task): boolean {
  const { life } = task;
  if (life.status !== "landing" || life.step.at !== "waiting") return false;
  if (state.landing.aside.has(task.id)) return false;
  if (state.landing.redBase !== null && life.step.redBase === state.landing.redBase) return false;
  return waitsBehind(state, task) === null;
}

/** A running task (it lands first) or a hold whose claims cover what this one touched without declaring it. */
export function waitsBehind(
  state: State,
  task: Task,
): { readonly holder: HolderId; readonly claim: string; readonly theirs: string } | null {
  if (task.life.status !== "landing" || state.settings.outsideClaims === "allow") return null;
  const { touched, touched_total } = task.life.saved;
  const declared = isResolved(task) ? null : task.spec.claims;
  const owned = withoutGenerated(state, touched);
  const paths = declared === null ? owned : pathsOutside(owned, declared.writes);
  // Of so many that the rest is not known: it may be anywhere.
  const anywhere = touched_total > touched.length;
  const counts = ({ id }: Party) =>
    isHold(id) || (id !== task.id && state.tasks.get(id)?.life.status === "running");
  const inTheWay = anywhere ? holderOfAnything(state, counts) : null;
  if (inTheWay !== null) return inTheWay;
  for (const path of paths) {
    const holder = holderOfPath(state.schedule.table, compilePath(path), counts);
    const conflict = holder === null ? null : pathConflict([path], holder.holding);
    if (holder !== null && conflict !== null) return { holder: holder.id, ...conflict };
  }
  return null;
}

function holderOfAnything(
  { schedule }: State,
  counts: (holder: Party) => boolean,
): ReturnType<typeof waitsBehind> {
  for (const holder of schedule.holders.values()) {
    const theirs = holder.holding.writes[0] ?? holder.holding.reads[0];
    if (theirs !== undefined && counts(holder))
      return { holder: holder.id, claim: everything, theirs: theirs.glob };
  }
  return null;
}

export function decideMerged(
  state: State,
  command: Extract<Command, { type: "merged" }>,
  apply: Apply,
): void {
  const task = landingTask(state, command);
  if (task === null || task.life.step.at !== "merging") return;
  const { onto } = task.life.step;
  if (command.onto !== onto) return;
  if (state.landing.held?.kind !== "gate_unavailable") releaseIfHeld(state, apply);
  const { result } = command;
  switch (result.kind) {
    case "candidate":
      tellMergeRules(task, result.mergeRules ?? null, apply);
      return apply({
        type: "CandidateMade",
        task: task.id,
        candidate: result.candidate,
        tree: result.tree,
        onto: result.onto,
        ontoTree: result.ontoTree,
        gate: gateOf(state, task, result.tree),
      });
    case "no_change":
      tellMergeRules(task, null, apply);
      return onto === undefined
        ? endMember(state, task, { to: "succeeded", commit: null }, apply)
        : setAside(task, "no_change", apply);
    case "generate":
      return decideGenerate(state, task, result, apply);
    case "conflict":
      return endMember(state, task, afterConflict(task, result), apply);
    case "conflict_ahead":
      return setAside(task, "conflict", apply);
    default:
      return unreachable(result);
  }
}

/** `null`: others join first, or it is known already how this tree fares. */
function gateOf(state: State, task: Task, tree: Oid): boolean | null {
  if (state.landing.red.has(tree) || nextToJoin(state) !== null) return null;
  return needsGate(state, task, tree);
}

/** Whether it holds depends on those in front of it, which have not landed: asked again when they have. */
function setAside(task: Task, because: "conflict" | "no_change", apply: Apply): void {
  apply({ type: "LandingPutBack", task: task.id, because, openGate: null });
}

/** What a person made is not made anew: it is parked at once. */
function afterConflict(
  task: Task,
  { paths, paths_total, ref, ours }: Extract<MergeResult, { kind: "conflict" }>,
): Next {
  const met = {
    ref,
    paths: [...paths],
    ...(paths_total === undefined ? {} : { paths_total }),
    ours,
  };
  if (task.setbacks.conflict < conflictsMax && !isResolved(task))
    return { to: "queued", notBefore: null, because: "conflict", conflict: met };
  return { to: "failed", reason: { kind: "conflict", ...met } };
}

export function decideMoved(
  state: State,
  command: Extract<Command, { type: "moved" }>,
  apply: Apply,
): void {
  const task = landingTask(state, command);
  if (task === null || task.life.step.at !== "moving") return;
  releaseIfHeld(state, apply);
  const { result } = command;
  if (result.kind === "outdated") return dropChain(state, "outdated", "over", apply);
  for (const member of chainUpTo(state, task.id)) {
    const commit = candidateOfMember(member)?.commit ?? result.commit;
    const next = { to: "succeeded", commit } as const;
    apply({ type: "LandingEnded", task: member.id, next, openGate: null });
  }
  if (isSetupInDoubt(state)) putBackFrom(state, 0, "over", apply);
}

/** A problem of a landing that has ended meanwhile is nobody's any more. */
export function decideHeld(state: State, reason: HeldReason, apply: Apply): void {
  const { held, current } = state.landing;
  const isOfOne = reason.kind === "problem" || reason.kind === "signature";
  if (isOfOne && current === null) return;
  if (held?.kind === reason.kind && held.message === reason.message) return;
  apply({ type: "LandingHeld", reason });
}

export function decideReleased(
  state: State,
  { tip, followed = null }: Extract<Command, { type: "landingReleased" }>,
  apply: Apply,
): void {
  if (tip === null && state.landing.held === null) return;
  const elsewhere = followed === null || followed === tip ? {} : { followed };
  apply({ type: "LandingReleased", tip, ...elsewhere });
}

export function decideFollowed(state: State, result: FollowResult, apply: Apply): void {
  const { followed, followProblem } = state.landing;
  switch (result.kind) {
    case "followed":
      if (state.landing.held?.kind === "rewound") apply({ type: "LandingReleased", tip: null });
      if (followed !== result.to || followProblem !== null)
        apply({ type: "TargetFollowed", to: result.to });
      return;
    case "waiting":
      if (followProblem?.reason !== result.reason || !sameList(followProblem.paths, result.paths))
        apply({ type: "FollowWaiting", reason: result.reason, paths: result.paths });
      return;
    default:
      return unreachable(result);
  }
}

/** A step that went through shows that what held landing is gone; a red base is only left behind. */
function releaseIfHeld(state: State, apply: Apply): void {
  if (state.landing.held !== null && state.landing.held.kind !== "base_red")
    apply({ type: "LandingReleased", tip: null });
}

/** The task this step belongs to, if that landing is still the one under way. */
function landingTask(
  state: State,
  key: { readonly task: TaskId; readonly fence: number },
): Member | null {
  const task = state.tasks.get(key.task);
  if (task?.life.status !== "landing" || task.life.fence !== key.fence) return null;
  return task as Member;
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, at) => item === b[at]);
}
