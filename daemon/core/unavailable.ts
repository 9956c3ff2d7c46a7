import { chainUpTo, membersOf } from "./chain.ts";
import { gateRetryMs, gateRetryMsMax, setupRetryMs } from "./limits.ts";
import type { Apply } from "./decide.ts";
import type { AttemptFailure } from "../../ipc/workerMessages.ts";
import type { GateUnavailable } from "./landingFacts.ts";
import type { RedGate } from "./attemptFacts.ts";
import type { State, Task } from "./state.ts";

/**
 * A run of the gate that could not be run says nothing about what it was to test. Landing is held, no
 * task fails, and after a pause it is tried again, until it can be run or a person acts:
 *
 *     gate ── worker lost, no workspace ──► held; the chain stays, tried again as it is
 *       │ workspace.setup fails              (not the first time: half as many, merged anew)
 *       ▼
 *     setup on the base ── fails, too ────► held; all wait, and begin anew on the newest tip
 *       │ goes through
 *       ▼
 *     held; the chain once more ── setup fails again ──► red, as by a failing check
 *
 * So a setup is blamed on a task only when it failed with its change, went through without, and failed
 * once more after a pause. Who the guilty one of a chain is, is found by halves, as always.
 */
type Setup = Extract<AttemptFailure, { kind: "setup" }>;

/** Nobody can tell from the clock alone when it was set back: then it is tried at once. */
export function isHeldBack({ landing: { held } }: State, at: number): boolean {
  return held?.kind === "gate_unavailable" && at >= held.since && at < held.tryAt;
}

/** When the gate is to be tried again, in milliseconds since the epoch; `null`: nobody waits for that. */
export function nextGateTry({ landing: { held, current } }: State): number | null {
  return held?.kind === "gate_unavailable" && current === null ? held.tryAt : null;
}

/** A run that was run shows that the gate is there. */
export function gateAvailable(state: State, apply: Apply): void {
  if (state.landing.held?.kind === "gate_unavailable")
    apply({ type: "LandingReleased", tip: null });
}

/** Nothing was found out, by checks or by what makes generated files. */
export function gateLost(
  state: State,
  task: Task,
  message: string,
  at: number,
  apply: Apply,
): void {
  if (task.life.status !== "landing") return;
  const { step } = task.life;
  const together = chainUpTo(state, task.id).length;
  const isRepeated = state.landing.held?.kind === "gate_unavailable";
  holdLanding(state, message, at, apply);
  if (isRepeated && together > 1) apply({ type: "ChainShortened", length: together >> 1 });
  else if (step.at === "gate") {
    const setup = step.setup?.on === "candidate" ? step.setup.red : null;
    return apply({ type: "GateLost", task: task.id, setup });
  }
  putAllBack(state, apply);
}

/** Of the base while that is tested, else of the chain up to the task. */
export function setupFailed(
  state: State,
  task: Task,
  failure: Setup,
  at: number,
  apply: Apply,
): void {
  if (task.life.status !== "landing" || task.life.step.at !== "gate") return;
  const { candidate, suspected, setup } = task.life.step;
  const red = redOf(failure);
  if (suspected !== null || setup?.on === "base") {
    const [said] = linesOf(failure);
    holdLanding(state, `workspace.setup fails on the branch itself: ${said}`, at, apply);
    return putAllBack(state, apply);
  }
  if (setup === undefined) return apply({ type: "SetupSuspected", task: task.id, red });
  gateAvailable(state, apply);
  apply({ type: "GateRed", task: task.id, tree: candidate.tree, red });
}

/** It went through on the base, so it may be the task's fault, or what kept it from going through is over. */
export function setupSound(task: Task, red: RedGate, at: number, apply: Apply): void {
  const [said] = red.failure.kind === "setup" ? linesOf(red.failure) : [""];
  const message = `workspace.setup fails with what ${task.id} brings, and not without: ${said}`;
  apply({ type: "LandingHeld", reason: reasonOf(message, 1, setupRetryMs, at) });
  apply({ type: "GateLost", task: task.id, setup: red });
}

function holdLanding(
  { landing: { held } }: State,
  message: string,
  at: number,
  apply: Apply,
): void {
  const tries = held?.kind === "gate_unavailable" ? held.tries + 1 : 1;
  const wait = Math.min(gateRetryMs * 2 ** (tries - 1), gateRetryMsMax);
  apply({ type: "LandingHeld", reason: reasonOf(message, tries, wait, at) });
}

function reasonOf(problem: string, tries: number, wait: number, at: number): GateUnavailable {
  const next = `try ${tries}, the next ${wait / 1_000} s after it; \`orchd land\` tries at once`;
  const message = `${problem} (${next})`;
  return { kind: "gate_unavailable", message, tries, since: at, tryAt: at + wait };
}

/** Last to land first. They begin anew on what the branch is then: a person may have mended it. */
function putAllBack(state: State, apply: Apply): void {
  for (const { id } of membersOf(state).toReversed())
    apply({ type: "LandingPutBack", task: id, because: "unavailable", openGate: null });
}

function redOf(failure: Setup): RedGate {
  const [said, output] = linesOf(failure);
  return { command: ["workspace.setup"], failure: { kind: "setup", message: said }, output };
}

/** Which command ended how, and the end of what it printed. */
function linesOf({ message }: Setup): readonly [string, string] {
  const end = message.indexOf("\n");
  return end === -1 ? [message, ""] : [message.slice(0, end), message.slice(end + 1)];
}
