import { mkdir, readdir, readlink, realpath, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { failpoint } from "./failpoint.ts";

/**
 * Whose folder of workspaces it is. Two repositories in one would each reset the workspaces of the
 * other, so whoever works there puts down first whose it is:
 *
 *     <root>/owner.1 -> /home/me/shop/.git      a symbolic link: there at once and whole, and made
 *                                               only where there is none of the name
 *     <root>/owner.2 -> /home/me/other/.git     made when the repository of the first was gone
 *
 * The highest number counts. None is ever replaced or removed here, so of several that find the same
 * owner gone, or none at all, only one can make the next. It is there for as long as the workspaces.
 * A repository that was moved is another one, which finds its former self gone.
 */
export type RootClaim =
  | { readonly kind: "ours" }
  /** `owner`: the common directory of the repository, as it is written there; `file`: where. */
  | { readonly kind: "taken"; readonly owner: string; readonly file: string };

/** Makes `root` (0700) if it is not there. Rejects with what the disk says. */
export async function claimRoot(root: string, gitDir: string): Promise<RootClaim> {
  const ours = await realpath(gitDir);
  await mkdir(root, { recursive: true, mode: 0o700 });
  for (;;) {
    const last = (await numbersIn(root)).at(-1) ?? 0;
    const file = fileOf(root, last);
    const owner = last === 0 ? null : await readlink(file).catch(wordOf);
    if (owner === undefined) continue;
    if (owner === ours) return { kind: "ours" };
    // No higher number is read: another link beyond would never be seen.
    if (last === numberMax) return { kind: "taken", owner: owner ?? file, file };
    if (owner !== null && (await isThere(owner))) return { kind: "taken", owner, file };
    await failpoint("root.claim", () => symlink(ours, fileOf(root, last + 1))).catch(unlessThere);
  }
}

const ownerName = /^owner\.([1-9][0-9]{0,8})$/;
const numberMax = 999_999_999;

function fileOf(root: string, number: number): string {
  return join(root, `owner.${number}`);
}

async function numbersIn(root: string): Promise<number[]> {
  return (await readdir(root))
    .flatMap((name) => ownerName.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b);
}

/** What cannot be looked at is there. */
async function isThere(gitDir: string): Promise<boolean> {
  return await stat(join(gitDir, "objects")).then(
    () => true,
    (error: unknown) => !hasCode(error, ["ENOENT", "ENOTDIR"]),
  );
}

/** `null`: something else of the name, which says nothing; `undefined`: removed just now. */
function wordOf(error: unknown): null | undefined {
  if (hasCode(error, ["EINVAL"])) return null;
  if (hasCode(error, ["ENOENT"])) return undefined;
  throw error;
}

/** Somebody was faster: what it is now is looked at again. */
function unlessThere(error: unknown): void {
  if (!hasCode(error, ["EEXIST"])) throw error;
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
