import { capacityOf } from "./conflicts.ts";
import type { Capacities } from "./conflicts.ts";
import type { Edges } from "./edges.ts";
import type { Bits, Matrix } from "./bits.ts";
import type { TaskSpec } from "../../../ipc/taskSpec.ts";

/**
 * The tasks of a plan that can run, numbered in the order in which orchd starts them when all are ready:
 * by priority, then as they stand in the files.
 */
export type Planned = {
  readonly specs: readonly TaskSpec[];
  readonly edges: Edges;
  readonly conflicts: Matrix;
  readonly capacities: Capacities;
  /** Those that need no slot. */
  readonly instant: Bits;
};

/** How much of each resource is taken; the rule is that of `../claimSpot.ts`. */
export type Amounts = Map<string, number>;

export function fits(spec: TaskSpec | undefined, taken: Amounts, capacities: Capacities): boolean {
  return Object.entries(spec?.claims?.resources ?? {}).every(
    ([resource, amount]) => (taken.get(resource) ?? 0) + amount <= capacityOf(capacities, resource),
  );
}

export function take(spec: TaskSpec | undefined, taken: Amounts, sign: 1 | -1): void {
  for (const [resource, amount] of Object.entries(spec?.claims?.resources ?? {}))
    taken.set(resource, (taken.get(resource) ?? 0) + sign * amount);
}
