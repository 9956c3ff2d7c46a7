import type { TaskId } from "../../../ipc/ids.ts";
import type { TaskSpec } from "../../../ipc/taskSpec.ts";

/** Who waits for whom among some tasks, by their numbers; ids of others are left out. */
export type Edges = {
  readonly before: readonly (readonly number[])[];
  readonly behind: readonly (readonly number[])[];
};

export function edgesOf(specs: readonly TaskSpec[]): Edges {
  const numbers = new Map<TaskId, number>(specs.map(({ id }, index) => [id, index]));
  const behind: number[][] = specs.map(() => []);
  const before = specs.map(({ after, after_any }, index) => {
    const known = [...new Set([...after, ...after_any])].flatMap((id) => numbers.get(id) ?? []);
    for (const other of known) behind[other]?.push(index);
    return known;
  });
  return { before, behind };
}

/** Each behind those that it waits for, the first in number first (Kahn 1962). Circles are left out. */
export function inOrder({ before, behind }: Edges): readonly number[] {
  const open = before.map((others) => others.length);
  const order = [...before.keys()].filter((index) => open[index] === 0);
  for (const index of order)
    for (const waiter of behind[index] ?? []) {
      const left = (open[waiter] ?? 0) - 1;
      open[waiter] = left;
      if (left === 0) order.push(waiter);
    }
  return order;
}
