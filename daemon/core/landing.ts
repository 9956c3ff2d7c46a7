import { compilePath } from "./glob.ts";
import { conflictsMax, isHold, lostMax } from "./state.ts";
import { holderOfPath } from "./claimTable.ts";
import { everything, pathConflict, pathsOutside } from "./claims.ts";
import { rankOf } from "./rank.ts";
import { unreachable } from "./unreachable.ts";
import type { Apply } from "./decide.ts";
import type { Argv } from "../../ipc/taskSpec.ts";
import type { Candidate, Life, State, Task } from "./state.ts";
import type { Command, FollowResult } from "./commands.ts";
import type { HeldReason, Next, RedGate } from "./events.ts";
import type { HolderId, Oid, TaskId } from "../../ipc/ids.ts";
import type { Party } from "./claimSpot.ts";
import type { AttemptFailure, Outcome } from "../../ipc/workerMessages.ts";

/**
 * One landing at a time:
 *
 *     waiting ─► merging ─► gate ─► moving ─► succeeded
 *        ▲          ▲ │      │ │       │
 *        │          └─┼──────┼─┼───────┘  the branch had moved: merge again
 *        │            │      │ └─ red: is the base green? yes: failed; no: back to waiting (base red)
 *        │            └──────┴─ conflict: the task runs again on the new base, then it fails
 *        └─ order: priority with age, then order of submission
 */
export function startLanding(state: State, apply: Apply): void {
  const { landing } = state;
  if (landing.current !== null || landing.waiting.size === 0) return;
  if (landing.held !== null && landing.held.kind !== "base_red") return;
  const next = firstToLand(state);
  if (next !== null) apply({ type: "LandingStarted", task: next.id });
}

/** The commands that a candidate of this task must pass, repository-wide ones first. */
export function gateCommands(state: State, task: Task): readonly Argv[] {
  return [...state.settings.verify, ...task.spec.verify];
}

/** Waiting tasks in the order they would land. */
export function landingOrder(state: State): Task[] {
  return [...state.landing.waiting]
    .flatMap((id) => state.tasks.get(id) ?? [])
    .toSorted((a, b) => rankOf(a) - rankOf(b) || a.order - b.order);
}

function firstToLand(state: State): Task | null {
  return landingOrder(state).find((task) => mayLand(state, task)) ?? null;
}

function mayLand(state: State, task: Task): boolean {
  const { life } = task;
  if (life.status !== "landing" || life.step.at !== "waiting") return false;
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
  const declared = task.spec.claims;
  const paths = declared === null ? touched : pathsOutside(touched, declared.writes);
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
  releaseIfHeld(state, apply);
  const { result } = command;
  switch (result.kind) {
    case "candidate":
      return apply({
        type: "CandidateMade",
        task: task.id,
        candidate: result.candidate,
        tree: result.tree,
        onto: result.onto,
        ontoTree: result.ontoTree,
        gate: needsGate(state, task, result.tree),
      });
    case "no_change":
      return endLanding(task, { to: "succeeded", commit: null }, apply);
    case "conflict":
      return endLanding(task, afterConflict(task, result.paths, result.ref), apply);
    default:
      return unreachable(result);
  }
}

function needsGate(state: State, task: Task, tree: Oid): boolean {
  if (task.spec.verify.length > 0) return true;
  return state.settings.verify.length > 0 && !state.landing.green.has(tree);
}

function afterConflict(task: Task, paths: readonly string[], ref: string): Next {
  if (task.setbacks.conflict < conflictsMax)
    return { to: "queued", notBefore: null, because: "conflict" };
  return { to: "failed", reason: { kind: "conflict", paths: [...paths], ref } };
}

/** The result of a gate run: of the candidate, or of its base when the candidate was red. */
export function decideGate(state: State, task: Task, outcome: Outcome, apply: Apply): void {
  if (task.life.status !== "landing" || task.life.step.at !== "gate") return;
  const { candidate, suspected } = task.life.step;
  switch (outcome.result) {
    case "gate_green":
      return suspected === null
        ? apply({ type: "GatePassed", task: task.id, tree: candidate.tree })
        : baseGreen(task, candidate, suspected, apply);
    case "gate_red":
      return suspected === null
        ? candidateRed(state, task, candidate, outcome, apply)
        : baseRed(task, candidate, outcome, apply);
    case "ended":
      return apply({
        type: "CandidateDropped",
        task: task.id,
        because: "gate_ended",
        openGate: null,
      });
    case "failed":
      return gateLost(task, `the checks could not begin: ${inWords(outcome.failure)}`, apply);
    case "lost":
      return gateLost(task, "the worker that ran the checks died", apply);
    case "done":
      return;
    default:
      return unreachable(outcome);
  }
}

/** A gate run under other repository-wide commands tells nothing any more: neither that a tree is green, nor whose fault is what is red. */
export function dropGateOf(state: State, verifyBefore: readonly Argv[], apply: Apply): void {
  const { current } = state.landing;
  const life = current === null ? undefined : state.tasks.get(current)?.life;
  if (current === null || life?.status !== "landing" || life.step.at !== "gate") return;
  if (JSON.stringify(verifyBefore) === JSON.stringify(state.settings.verify)) return;
  const openGate = life.step.fence;
  apply({ type: "CandidateDropped", task: current, because: "commands_changed", openGate });
}

/** Nothing was found out about the candidate: it is tested again, but not for ever. */
function gateLost(task: Task, message: string, apply: Apply): void {
  if (task.setbacks.lost < lostMax)
    apply({ type: "CandidateDropped", task: task.id, because: "gate_lost", openGate: null });
  else endLanding(task, { to: "failed", reason: { kind: "landing", message } }, apply);
}

function inWords(failure: AttemptFailure): string {
  return "message" in failure ? `${failure.kind}: ${failure.message}` : failure.kind;
}

function baseGreen(task: Task, candidate: Candidate, red: RedGate, apply: Apply): void {
  apply({ type: "GatePassed", task: task.id, tree: candidate.ontoTree });
  endLanding(task, redGate(red), apply);
}

/** A task is blamed only if the tree before it is known to be green. */
function candidateRed(
  state: State,
  task: Task,
  candidate: Candidate,
  outcome: Extract<Outcome, { result: "gate_red" }>,
  apply: Apply,
): void {
  const red = { command: outcome.command, failure: outcome.failure, output: outcome.output };
  const ownCommand = !state.settings.verify.some((argv) => sameArgv(argv, red.command));
  if (ownCommand || state.landing.green.has(candidate.ontoTree))
    endLanding(task, redGate(red), apply);
  else apply({ type: "BaseSuspected", task: task.id, red });
}

function baseRed(
  task: Task,
  candidate: Candidate,
  outcome: Extract<Outcome, { result: "gate_red" }>,
  apply: Apply,
): void {
  const command = outcome.command.join(" ");
  const message = `\`${command}\` fails on the branch itself, before any task is added`;
  apply({ type: "BaseRed", task: task.id, tree: candidate.ontoTree, message });
}

function redGate(red: RedGate): Next {
  return { to: "failed", reason: { kind: "gate", ...red } };
}

function sameArgv(a: Argv, b: Argv): boolean {
  return a.length === b.length && a.every((word, at) => word === b[at]);
}

export function decideMoved(
  state: State,
  command: Extract<Command, { type: "moved" }>,
  apply: Apply,
): void {
  const task = landingTask(state, command);
  if (task === null || task.life.step.at !== "moving") return;
  releaseIfHeld(state, apply);
  if (command.result.kind === "outdated")
    apply({ type: "CandidateDropped", task: task.id, because: "outdated", openGate: null });
  else endLanding(task, { to: "succeeded", commit: command.result.commit }, apply);
}

/** A problem of a landing that has ended meanwhile is nobody's any more. */
export function decideHeld(state: State, reason: HeldReason, apply: Apply): void {
  const { held, current } = state.landing;
  if (reason.kind === "problem" && current === null) return;
  if (held?.kind === reason.kind && held.message === reason.message) return;
  apply({ type: "LandingHeld", reason });
}

export function decideReleased(state: State, tip: Oid | null, apply: Apply): void {
  if (tip !== null || state.landing.held !== null) apply({ type: "LandingReleased", tip });
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

function endLanding(task: Task, next: Next, apply: Apply): void {
  apply({ type: "LandingEnded", task: task.id, next, openGate: null });
}

type LandingTask = Task & { life: Extract<Life, { status: "landing" }> };

/** The task this step belongs to, if that landing is still the one under way. */
function landingTask(
  state: State,
  key: { readonly task: TaskId; readonly fence: number },
): LandingTask | null {
  const task = state.tasks.get(key.task);
  if (task?.life.status !== "landing" || task.life.fence !== key.fence) return null;
  return task as LandingTask;
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, at) => item === b[at]);
}
