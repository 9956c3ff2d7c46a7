import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { rename } from "node:fs/promises";
import { attemptsName, setAsideName } from "./leftFolders.ts";
import { failpoint } from "../../system/failpoint.ts";
import { isWorkerId } from "../../ipc/ids.ts";
import { makeMovable } from "../../system/movable.ts";
import { removeAll } from "../../system/removeAll.ts";
import { temporaryPath } from "../../system/atomicFile.ts";
import type { FolderSite } from "./leftFolders.ts";
import type { LeftFolder } from "../core/folders.ts";

/**
 * The removal of what is left in folders. It may take minutes, and this process may be stopped anywhere
 * in it and wake up when another supervisor is at work, with workspaces and attempts of the same names:
 *
 *     still ours? ─► moved aside, in one step ─► still ours? ─► removed there, however long it takes
 *                                                   └─ no ───► moved back
 *
 * So nothing is lost even to a stop right between the first look and the move.
 */
/** `stays`: its worker is there again, or it is gone already. `fenced`: another supervisor has taken over. */
export type Removal = "removed" | "stays" | "fenced";

/** Rejects with what the disk says. */
export async function removeLeft(site: FolderSite, { kind, path }: LeftFolder): Promise<Removal> {
  if (!(await site.isOurs())) return "fenced";
  // Nobody else has a name like these.
  const away = kind === "temporary" ? path : awayOf(path);
  const moved = kind === "temporary" ? "removed" : await moveAside(site, path, away);
  if (moved === "removed") await failpoint("gc.folder", () => removeAll(away));
  return moved;
}

async function moveAside(site: FolderSite, path: string, away: string): Promise<Removal> {
  const worker = basename(dirname(path));
  return await failpoint("gc.aside", async () => {
    await removeAll(away);
    await makeMovable(path);
    if (!(await site.isOurs())) return "fenced";
    // From here to the move nothing is waited for: a worker that is there from then on makes its own anew.
    if (isWorkerId(worker) && site.isThere(worker)) return "stays";
    // A worker forgets histories by itself, and a person tidies up.
    if (!existsSync(path)) return "stays";
    await rename(path, away);
    if (await site.isOurs()) return "removed";
    if (!existsSync(path)) await rename(away, path);
    return "fenced";
  });
}

/** In the same file system; what is left there is found as `temporary`. */
function awayOf(path: string): string {
  const [name, folder] = [basename(path), dirname(path)];
  const above = dirname(folder);
  if (isWorkerId(basename(folder))) return join(above, `.removed-${basename(folder)}-${name}`);
  if (basename(folder) === setAsideName)
    return join(dirname(above), `.removed-${basename(above)}-${name}`);
  return temporaryPath(basename(folder) === attemptsName ? join(above, name) : path);
}
