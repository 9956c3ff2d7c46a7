import { inOrder } from "./edges.ts";
import type { Edges } from "./edges.ts";

/**
 * The longest chain of tasks each of which waits for the one before: no number of slots makes the whole
 * faster than that.
 *
 * @param lengths of each task, in any unit
 */
export function criticalPath(
  edges: Edges,
  lengths: readonly number[],
): { readonly tasks: readonly number[]; readonly length: number } {
  const until: number[] = lengths.map(() => 0);
  const previous = new Map<number, number>();
  let last: number | undefined;
  for (const task of inOrder(edges)) {
    let begin = 0;
    for (const other of edges.before[task] ?? []) {
      const end = until[other] ?? 0;
      if (previous.has(task) && end <= begin) continue;
      begin = end;
      previous.set(task, other);
    }
    until[task] = begin + (lengths[task] ?? 0);
    if (last === undefined || (until[task] ?? 0) > (until[last] ?? 0)) last = task;
  }
  const tasks: number[] = [];
  for (let at = last; at !== undefined; at = previous.get(at)) tasks.push(at);
  return { tasks: tasks.toReversed(), length: last === undefined ? 0 : (until[last] ?? 0) };
}
