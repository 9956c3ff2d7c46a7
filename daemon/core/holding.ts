import type { ClaimSet } from "../../ipc/taskSpec.ts";
import type { Hold, Task } from "./state.ts";
import type { Saved } from "../../ipc/workerMessages.ts";

/** What an attempt of this task holds: the declared claims, and what earlier attempts touched. */
export type Holding = ClaimSet & { readonly optimistic: boolean };

export function holdingOf(task: Task): Holding {
  const declared = isResolved(task) ? nothing : task.spec.claims;
  const touched = task.touched.map(globOfPath);
  if (declared === null) return { writes: touched, reads: [], resources: {}, optimistic: true };
  return {
    writes: touched.length === 0 ? declared.writes : [...new Set([...declared.writes, ...touched])],
    reads: declared.reads,
    resources: declared.resources,
    optimistic: false,
  };
}

const nothing: ClaimSet = { writes: [], reads: [], resources: {} };

/** What it declared may be held by others by now: like undeclared work it takes its claims at landing. */
export function isResolved({ life }: Task): boolean {
  return life.status === "landing" && life.resolved === true;
}

export function holdingOfHold({ claims }: Hold): Holding {
  return { ...claims, optimistic: false };
}

/** The same question as `holdsNothing(compileHolding(holdingOf(task)))`, without making either. */
export function claimsNothing({ spec: { claims }, touched }: Task): boolean {
  return (
    claims !== null &&
    claims.writes.length === 0 &&
    claims.reads.length === 0 &&
    touched.length === 0 &&
    Object.keys(claims.resources).length === 0
  );
}

/** Among touched paths: more than are listed, and nobody knows which. No path is empty. */
export const unknownRest = "";

/** What an attempt touched, as far as it is known. */
export function touchedBy({ touched, touched_total }: Saved): readonly string[] {
  return touched_total > touched.length ? [...touched, unknownRest] : touched;
}

/** A file may have characters in its name that mean something in a glob: `?` stands for them. */
function globOfPath(path: string): string {
  return path === unknownRest ? "**" : path.replace(/[*{}]/g, "?");
}
