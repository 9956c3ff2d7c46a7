/** What `orchd gc` removed, or would remove. */
export type GcView = {
  dry_run: boolean;
  /** Refs, oldest first; at most `gcRefsMax` at once. */
  refs: { ref: string; why: GcReason }[];
  /** On disk, of the objects that nothing else names, about; git's own gc frees it. `null`: not known. */
  bytes: number | null;
  /** Before. */
  objects: { loose: number; packs: number };
  /** Packing them: was begun, or why not, in words. */
  packing: "begun" | "needless" | { not: string };
  /** Why not all of the refs were removed; `null`: they were. */
  problem: string | null;
};

/** `landed`: it is on the branch; `old`, `many`: by `retention`. */
export type GcReason = "landed" | "old" | "many";

export const gcRefsMax = 10_000;
