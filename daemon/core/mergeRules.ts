import { taskOf } from "./state.ts";
import type { Apply } from "./decide.ts";
import type { MergeRuleChange, MergeRuleChanges } from "../../ipc/mergeRules.ts";
import type { MergeRulesChanged } from "./landingFacts.ts";
import type { State, Task } from "./state.ts";

/**
 * Whoever lands a `.gitattributes` has a say in how all work merges after it: with `* merge=union` nothing
 * conflicts any more (D-0018). That is told by an event of its own when the candidate is made, and kept with the task.
 */
export function tellMergeRules(task: Task, now: MergeRuleChanges | null, apply: Apply): void {
  const { rules, total } = now ?? nothing;
  const told = task.mergeRules ?? nothing;
  // The same candidate may be made again and again.
  if (total === told.total && rules.every((rule, at) => isSame(rule, told.rules[at]))) return;
  apply({ type: "MergeRulesChanged", task: task.id, rules, total });
}

const nothing: MergeRuleChanges = { rules: [], total: 0 };

function isSame(one: MergeRuleChange, other: MergeRuleChange | undefined): boolean {
  return (
    one.change === other?.change &&
    one.file === other.file &&
    one.pattern === other.pattern &&
    one.words === other.words &&
    one.effect === other.effect
  );
}

export function mergeRulesChanged(
  state: State,
  { task: id, rules, total }: MergeRulesChanged,
): void {
  const task = taskOf(state, id);
  if (total === 0) delete task.mergeRules;
  else task.mergeRules = { rules, total };
}
