import { lstatSync } from "node:fs";

/**
 * `claimSpelling.ts` for a process that has 200,000 claims to spell and nothing else to do meanwhile:
 * each folder is looked at once, without leaving the thread, and nothing below one that is not there.
 * Where a link is on the way it leaves the claim to the other one.
 */
type Kind = "folder" | "nothing" | "link";

/** How a claim in normal form is spelled, or `null` where a link is on the way. */
export function quickSpeller(workTree: string): (glob: string) => string | null {
  const folders = new Map<string, Kind>([["", "folder"]]);
  const kindOf = (folder: string): Kind => {
    const known = folders.get(folder);
    if (known !== undefined) return known;
    const above = kindOf(parentOf(folder));
    const kind = above === "folder" ? lookAt(`${workTree}/${folder}`) : above;
    folders.set(folder, kind);
    return kind;
  };
  return (glob) => {
    const wild = glob.search(/[*?{]/);
    if (wild >= 0) return kindOf(parentOf(glob.slice(0, wild))) === "link" ? null : glob;
    const above = kindOf(parentOf(glob));
    if (above !== "folder") return above === "link" ? null : glob;
    const kind = folders.get(glob) ?? lookAt(`${workTree}/${glob}`);
    if (kind === "link") return null;
    return kind === "folder" ? `${glob}/**` : glob;
  };
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/** A file is nothing to look below. */
function lookAt(path: string): Kind {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isSymbolicLink() === true) return "link";
    return found?.isDirectory() === true ? "folder" : "nothing";
  } catch {
    // A name that no disk takes, or a file on the way to it.
    return "nothing";
  }
}
