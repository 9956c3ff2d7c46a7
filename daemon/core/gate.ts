import { candidateOfMember, chainUpTo, isMoving } from "./chain.ts";
import { dropChain, putBackFrom } from "./chainEnds.ts";
import { gateAvailable, gateLost, setupFailed, setupSound } from "./unavailable.ts";
import { sameChecks, sameGeneration } from "./supervisorEvents.ts";
import { unreachable } from "./unreachable.ts";
import type { Apply } from "./decide.ts";
import type { AttemptFailure, Outcome } from "../../ipc/workerMessages.ts";
import type { RedGate } from "./attemptFacts.ts";
import type { CoreSettings } from "./coreSettings.ts";
import type { State, Task } from "./state.ts";
import type { Oid } from "../../ipc/ids.ts";

/**
 * The result of a gate run: of the chain up to the task, or of the chain's base. What follows from it
 * is decided by `startLanding`, from what is known then.
 */
export function decideGate(
  state: State,
  task: Task,
  outcome: Outcome,
  at: number,
  apply: Apply,
): void {
  if (task.life.status !== "landing" || task.life.step.at !== "gate") return;
  const { candidate, suspected, setup } = task.life.step;
  const tree = suspected === null ? candidate.tree : candidate.ontoTree;
  switch (outcome.result) {
    case "gate_green":
      if (setup?.on === "base") return setupSound(task, setup.red, at, apply);
      gateAvailable(state, apply);
      return apply({ type: "GatePassed", task: task.id, tree });
    case "gate_red": {
      const { command, failure, output } = outcome;
      const red = { command, failure, output };
      gateAvailable(state, apply);
      apply({ type: "GateRed", task: task.id, tree, red });
      if (suspected !== null) baseIsRed(state, task, tree, red, apply);
      return;
    }
    case "ended":
      return dropChain(state, "gate_ended", "over", apply);
    case "failed": {
      const { failure } = outcome;
      if (failure.kind === "setup") return setupFailed(state, task, failure, at, apply);
      return gateLost(state, task, `the checks could not begin: ${inWords(failure)}`, at, apply);
    }
    case "lost":
      return gateLost(state, task, "the worker that ran the checks died", at, apply);
    case "done":
    case "generated":
      return;
    default:
      return unreachable(outcome);
  }
}

/** Nobody is blamed: the first of the chain waits for another base, the others try on their own. */
export function baseIsRed(state: State, task: Task, tree: Oid, red: RedGate, apply: Apply): void {
  putBackFrom(state, 1, "over", apply);
  const command = red.command.join(" ");
  const message = `\`${command}\` fails on the branch itself, before any task is added`;
  apply({ type: "BaseRed", task: task.id, tree, message });
}

/**
 * A gate run under other repository-wide commands tells nothing any more: neither that a tree is green,
 * nor whose fault is what is red. The same of a run that makes generated files by other commands. And
 * where each commit is to be tested from now on, those that were to be tested together no longer are.
 */
export function dropGateOf(state: State, before: CoreSettings, apply: Apply): void {
  const { settings } = state;
  const isTogether = state.landing.chain.length > 1;
  const isNowEach = settings.gate === "each" && before.gate !== "each" && isTogether;
  if (sameChecks(before, settings) && sameGeneration(before, settings) && !isNowEach) return;
  const { chain, current } = state.landing;
  const [first] = chain;
  if (first === undefined) return;
  if (current !== null && isMoving(state, current))
    return putBackFrom(state, chain.indexOf(current) + 1, "over", apply);
  const [member] = chainUpTo(state, first);
  if (member === undefined) return;
  if (candidateOfMember(member) !== null || member.life.step.at === "generating")
    dropChain(state, "commands_changed", "open", apply);
}

export function inWords(failure: AttemptFailure): string {
  return "message" in failure ? `${failure.kind}: ${failure.message}` : failure.kind;
}
