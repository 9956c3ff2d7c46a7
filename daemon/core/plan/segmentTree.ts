import { eachMeeting, inTable, makeNameTable } from "./nameTable.ts";
import type { NameTable } from "./nameTable.ts";
import type { Segment, Segments } from "../glob.ts";

/**
 * Lists of segments in a tree: an edge a segment, what belongs to the list at its node. Who comes with a
 * list of his own goes along all edges that some name could match together with his segment.
 */
export type Branch<Leaf> = {
  /** Most nodes have none. */
  children: NameTable<Branch<Leaf>> | null;
  leaf: Leaf | null;
};

export function makeBranch<Leaf>(): Branch<Leaf> {
  return { children: null, leaf: null };
}

/** The node of a list without `**`, made if it is not there. */
export function branchAt<Leaf>(root: Branch<Leaf>, segments: Segments): Branch<Leaf> {
  let at = root;
  for (const segment of segments) at = childAt(at, segment);
  return at;
}

/** Visits the children whose edge some name matches together with the segment. */
export function eachChild<Leaf>(
  { children }: Branch<Leaf>,
  segment: Segment,
  visit: (child: Branch<Leaf>) => void,
): void {
  if (children !== null) eachMeeting(children, segment, visit);
}

/** Visits the leaves at a node and everywhere below. */
export function eachLeaf<Leaf>(
  { leaf, children }: Branch<Leaf>,
  visit: (leaf: Leaf) => void,
): void {
  if (leaf !== null) visit(leaf);
  if (children === null) return;
  for (const child of children.literals.values()) eachLeaf(child, visit);
  for (const { value } of children.wild?.values() ?? []) eachLeaf(value, visit);
}

/** The child along exactly this segment, made if it is not there. */
export function childAt<Leaf>(branch: Branch<Leaf>, segment: Segment): Branch<Leaf> {
  branch.children ??= makeNameTable();
  return inTable<Branch<Leaf>>(branch.children, segment, makeBranch);
}
