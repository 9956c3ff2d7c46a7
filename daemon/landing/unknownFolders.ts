/** More of them than large repositories have files of attributes that cannot be taken. */
const foldersMax = 500;
const depthMax = 16;

export type UnknownFolders = {
  readonly folders: ReadonlySet<string>;
  /** Each is the folder of a file, not one above: what is said further below prevails. */
  readonly exact: boolean;
};

/**
 * The folders of files, from the root (itself: empty). Of so many that each would cost a file of its own
 * those above stand in: `a/b/c`, `a/b/d`, … → `a/b`, up to the root.
 */
export function foldersOf(paths: readonly string[]): UnknownFolders {
  const split = paths.map((path) => path.split("/").slice(0, -1));
  const deepest = split.reduce((most, { length }) => Math.max(most, length), 0);
  const from = paths.length <= foldersMax ? deepest : Math.min(deepest, depthMax);
  for (let depth = from; ; depth -= 1) {
    const folders = new Set(split.map((names) => names.slice(0, depth).join("/")));
    if (folders.size <= foldersMax) return { folders, exact: depth === deepest };
  }
}

/** Whether what a file says may be said otherwise by one further below that is not known. */
export function isOutdone(path: string, { folders, exact }: UnknownFolders): boolean {
  if (exact) return false;
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1))
    if (folders.has(path.slice(0, at))) return true;
  return folders.has("");
}
