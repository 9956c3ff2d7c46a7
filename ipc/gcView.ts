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
  /** Folders and files that go; the first `gcFoldersMax`. `bytes`: on disk, `null`: not known. */
  folders: { path: string; kind: LeftKind; bytes: number | null }[];
  /** What is saved nowhere else and stays for another `left_ms`; the same. */
  unsaved: { path: string; bytes: number | null; left_ms: number }[];
  /** Why not all of it was removed; `null`: it was. */
  problem: string | null;
};

/** `landed`: it is on the branch; `old`, `many`: by `retention`. */
export type GcReason = "landed" | "old" | "many";

export const gcRefsMax = 10_000;
export const gcFoldersMax = 1_000;

export type LeftKind = "attempt" | "workspace" | "histories" | "unsaved" | "journal" | "temporary";
