import { conflictsMax } from "./state.ts";
import { isResolved } from "./holding.ts";
import { dropChain, endMember } from "./chainEnds.ts";
import { gateAvailable, gateLost } from "./unavailable.ts";
import { inWords } from "./gate.ts";
import { rulesFor } from "./generated.ts";
import { unreachable } from "./unreachable.ts";
import type { Apply } from "./decide.ts";
import type { MergeResult } from "./commands.ts";
import type { Member } from "./chain.ts";
import type { Next, RedGate } from "./attemptFacts.ts";
import type { Outcome } from "../../ipc/workerMessages.ts";
import type { State, Task } from "./state.ts";

/**
 * Generated files that both sides of a merge changed are made anew by their command:
 *
 *     merging ─► both changed package-lock.json: one side stands in for it, in a tree of that merge
 *        ▲            │ known how that tree comes out            │ not known
 *        └────────────┴──────────────◄── Regenerated ◄── generating (a run in the gate's workspace)
 *                                                            └─ the command fails: as a conflict
 *
 * Merging is asked for a second time, with the tree that came out; it is used if the merge still comes
 * to the tree that it was made from. So a crash anywhere repeats a step, and what is known of a tree is
 * never made twice. Behind others of a chain a failure is not held against it: it waits until they
 * have landed.
 */
export function decideGenerate(
  state: State,
  task: Member,
  result: Extract<MergeResult, { kind: "generate" }>,
  apply: Apply,
): void {
  const { step } = task.life;
  if (step.at !== "merging") return;
  const { commit, tree, globs, paths } = result;
  if (rulesFor(state, globs).length === 0) return mergeAgain(state, task, apply);
  const known = state.landing.generated.get(tree);
  // Asked for with what is known, and it is not there any more: it is made again.
  const isGone = step.regenerated?.from === tree;
  if (known !== undefined && !isGone && sameGlobs(known.globs, globs))
    return apply({ type: "Regenerated", task: task.id, from: tree, tree: known.tree, others: [] });
  apply({ type: "GenerationStarted", task: task.id, commit, tree, globs, paths });
}

/** The configuration has changed since that merge was asked for. */
function mergeAgain(state: State, task: Member, apply: Apply): void {
  if (state.landing.chain[0] === task.id) dropChain(state, "commands_changed", "over", apply);
  else apply({ type: "LandingPutBack", task: task.id, because: "chain_cut", openGate: null });
}

export function decideGenerated(
  state: State,
  task: Task,
  outcome: Outcome,
  at: number,
  apply: Apply,
): void {
  if (task.life.status !== "landing" || task.life.step.at !== "generating") return;
  const { tree: from, onto } = task.life.step;
  switch (outcome.result) {
    case "generated": {
      const { tree, others } = outcome;
      gateAvailable(state, apply);
      return apply({ type: "Regenerated", task: task.id, from, tree, others });
    }
    case "gate_red": {
      const { command, failure, output } = outcome;
      gateAvailable(state, apply);
      if (onto === undefined)
        return endMember(state, task, afterGeneration(task, { command, failure, output }), apply);
      return apply({
        type: "LandingPutBack",
        task: task.id,
        because: "generation",
        openGate: null,
      });
    }
    case "ended":
      return dropChain(state, "gate_ended", "over", apply);
    case "failed": {
      const message = `generated files could not be made: ${inWords(outcome.failure)}`;
      return gateLost(state, task, message, at, apply);
    }
    case "lost":
      return gateLost(state, task, "the worker that made generated files died", at, apply);
    case "done":
    case "gate_green":
      return;
    default:
      return unreachable(outcome);
  }
}

/** On the new base there is only one change of the files, and nothing has to be made. */
function afterGeneration(task: Task, red: RedGate): Next {
  if (task.setbacks.conflict < conflictsMax && !isResolved(task))
    return { to: "queued", notBefore: null, because: "conflict" };
  return { to: "failed", reason: { kind: "generation", ...red } };
}

function sameGlobs(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((glob, at) => glob === b[at]);
}
