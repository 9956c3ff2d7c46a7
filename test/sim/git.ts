import { must } from "./violation.ts";
import type { Oid, TaskId } from "../../ipc/ids.ts";

/**
 * A small git: commits with parents, trees as sorted lists of path and content, three-way merges by
 * whole files, refs. Objects are named in the order they are made, and the same object has the same
 * name. Nothing here knows of orchd.
 */
export type Files = Readonly<Record<string, string>>;
export type Tree = { readonly oid: Oid; readonly files: Files };
export type Commit = {
  readonly oid: Oid;
  /** Larger than that of every parent. */
  readonly order: number;
  readonly parents: readonly Commit[];
  readonly tree: Tree;
  readonly task: TaskId | null;
};

export class Objects {
  readonly #trees = new Map<string, Tree>();
  readonly #commits = new Map<string, Commit>();
  readonly #byOid = new Map<Oid, Commit>();

  tree(files: Files): Tree {
    const sorted = Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const key = JSON.stringify(sorted);
    const known = this.#trees.get(key);
    if (known !== undefined) return known;
    const tree = { oid: oidOf("a", this.#trees.size), files: Object.fromEntries(sorted) };
    this.#trees.set(key, tree);
    return tree;
  }

  /** `salt` stands for author, message and date. */
  commit(tree: Tree, parents: readonly Commit[], task: TaskId | null, salt: string): Commit {
    const key = `${tree.oid} ${parents.map(({ oid }) => oid).join(" ")} ${task ?? ""} ${salt}`;
    const known = this.#commits.get(key);
    if (known !== undefined) return known;
    const order = this.#commits.size;
    const commit = { oid: oidOf("c", order), order, parents, tree, task };
    this.#commits.set(key, commit);
    this.#byOid.set(commit.oid, commit);
    return commit;
  }

  /** Undefined: there is none of this name. */
  treeOf(oid: Oid): Tree | undefined {
    return [...this.#trees.values()].find((tree) => tree.oid === oid);
  }

  get(oid: Oid): Commit {
    const commit = this.#byOid.get(oid);
    must(commit !== undefined, "bug", () => `there is no commit ${oid}`);
    return commit;
  }
}

function oidOf(kind: "a" | "c", number: number): Oid {
  return `${kind}${number.toString(16)}`.padStart(40, "0") as Oid;
}

export function ancestorsOf(young: Commit): Set<Commit> {
  const seen = new Set([young]);
  for (const commit of seen) for (const parent of commit.parents) seen.add(parent);
  return seen;
}

export function isAncestor(old: Commit, young: Commit): boolean {
  if (old === young) return true;
  if (old.order > young.order) return false;
  const seen = new Set([young]);
  for (const commit of seen)
    for (const parent of commit.parents) {
      if (parent === old) return true;
      if (parent.order > old.order) seen.add(parent);
    }
  return false;
}

/** From `young` down its first parents. */
export function* firstParents(young: Commit): Generator<Commit> {
  for (let at: Commit | undefined = young; at !== undefined; at = at.parents[0]) yield at;
}

export function mergeBase(one: Commit, other: Commit): Commit | null {
  const mine = ancestorsOf(one);
  return [...ancestorsOf(other)]
    .filter((commit) => mine.has(commit))
    .reduce<Commit | null>(
      (best, at) => (best === null || at.order > best.order ? at : best),
      null,
    );
}

export type Merged =
  | { readonly kind: "clean"; readonly files: Files }
  | { readonly kind: "conflict"; readonly paths: readonly string[] };

export function mergeFiles(base: Files, ours: Files, theirs: Files): Merged {
  const merged: Record<string, string> = {};
  const conflicts: string[] = [];
  for (const path of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const [before, mine, yours] = [base[path], ours[path], theirs[path]];
    if (mine !== yours && before !== mine && before !== yours) conflicts.push(path);
    const content = before === mine ? yours : mine;
    if (content !== undefined) merged[path] = content;
  }
  return conflicts.length > 0
    ? { kind: "conflict", paths: conflicts.toSorted() }
    : { kind: "clean", files: merged };
}

export function changedPaths(before: Files, after: Files): string[] {
  const all = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...all].filter((path) => before[path] !== after[path]).toSorted();
}
