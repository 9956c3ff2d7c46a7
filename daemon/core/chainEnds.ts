import { backoffMsMax } from "./limits.ts";
import { isResolved } from "./holding.ts";
import { membersOf } from "./chain.ts";
import type { Apply } from "./decide.ts";
import type { Next, RedGate } from "./attemptFacts.ts";
import type { CandidateDropped } from "./landingFacts.ts";
import type { Member } from "./chain.ts";
import type { LandingStep } from "./landingState.ts";
import type { State, Task } from "./state.ts";

/**
 * How members leave a chain. Those behind one that leaves were merged onto its candidate, so they go
 * back to waiting, last to land first.
 */

/** The member's landing is over; a gate run that it is part of is ended. */
export function endMember(state: State, task: Task, next: Next, apply: Apply): void {
  const place = state.landing.chain.indexOf(task.id);
  if (place !== -1) putBackFrom(state, place + 1, "open", apply);
  apply({ type: "LandingEnded", task: task.id, next, openGate: openGateOf(task) });
}

/** Nothing of the chain counts any more: the first is merged again, and the others behind it. */
export function dropChain(
  state: State,
  because: CandidateDropped["because"],
  gate: "open" | "over",
  apply: Apply,
): void {
  putBackFrom(state, 1, gate, apply);
  const [first] = membersOf(state);
  if (first === undefined) return;
  const openGate = gate === "open" ? openGateOf(first) : null;
  apply({ type: "CandidateDropped", task: first.id, because, openGate });
}

/** `gate`: is a run that one of them is at still under way, so that it has to be ended? */
export function putBackFrom(
  state: State,
  place: number,
  gate: "open" | "over",
  apply: Apply,
): void {
  for (const member of membersOf(state).slice(place).toReversed()) {
    const openGate = gate === "open" ? openGateOf(member) : null;
    apply({ type: "LandingPutBack", task: member.id, because: "chain_cut", openGate });
  }
}

function openGateOf({ life }: Task): number | null {
  return life.status === "landing" ? runOf(life.step) : null;
}

/** The fence of the run that a step waits for, of checks or of what makes generated files. */
export function runOf(step: LandingStep): number | null {
  return step.at === "gate" || step.at === "generating" ? step.fence : null;
}

/**
 * Red behind a green tree: it goes back with what the checks printed as often as its retries allow,
 * then it has failed.
 */
export function afterRed(task: Member, red: RedGate, at: number): Next {
  const again = isResolved(task) ? null : retried(task, at);
  return again === null ? { to: "failed", reason: { kind: "gate", ...red } } : { ...again, red };
}

/** Another try by the task's retries; `null`: it has none left. */
export function retried(
  { spec, setbacks }: Task,
  at: number,
): Extract<Next, { to: "queued" }> | null {
  const { max, backoff_ms } = spec.retries;
  if (setbacks.failure >= max) return null;
  const wait = Math.min(backoff_ms * 2 ** setbacks.failure, backoffMsMax);
  return { to: "queued", notBefore: at + wait, because: "failure" };
}
