import { link, lstat, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readJsonFile, writeDurably } from "../../system/atomicFile.ts";
import { isOid } from "../../ipc/ids.ts";
import type { Oid } from "../../ipc/ids.ts";
import type { LandingSite } from "./branch.ts";
import type { Checkout } from "./checkouts.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * What a follow is about to do, written down before it does it, and the index lock it does it under.
 * The intent lies in `<common-dir>/orchd/`, the rest beside the index of the person's checkout: it is
 * linked and renamed there, and `orchd/` may be on another file system.
 *
 *     orchd/follow.json     the intent, synced before the lock is taken
 *     orchd-follow.token    an empty file; its inode is in the intent
 *     orchd-follow.index    the private index; renamed over the person's when everything else is done
 *
 * The lock is a hard link of the token: `link` fails when `index.lock` exists, as git's own
 * O_EXCL does, and makes a lock whose inode is known and on disk beforehand. While the token exists
 * its inode cannot be given to another file, so a lock with that inode is ours and no other is.
 */
export type FollowIntent = {
  readonly version: 1;
  readonly from: Oid;
  readonly to: Oid;
  readonly work_tree: string;
  readonly git_dir: string;
  /** Decimal: inode numbers exceed what a double holds. */
  readonly lock_inode: string;
};

const folderOf = (site: LandingSite): string => join(site.place.gitDir, "orchd");
const intentFile = (site: LandingSite): string => join(folderOf(site), "follow.json");
const tokenFile = (gitDir: string): string => join(gitDir, "orchd-follow.token");
/** Of the checkout whose own git directory that is. */
export const indexFile = (gitDir: string): string => join(gitDir, "orchd-follow.index");
/** Scratch of recovery: an index of touched paths alone, and files as a checkout would write them. */
export const checkFile = (site: LandingSite): string => join(folderOf(site), "follow.check");
export const writtenFolder = (site: LandingSite): string => join(folderOf(site), "follow.written");
const lockFile = (gitDir: string): string => join(gitDir, "index.lock");

/** Makes the token and writes the intent; nothing of the person's is touched yet. */
export async function writeIntent(
  site: LandingSite,
  checkout: Checkout,
  move: { readonly from: Oid; readonly to: Oid },
): Promise<FollowIntent> {
  await makeFolder(site);
  await removeScratch(site, checkout.gitDir);
  const intent: FollowIntent = {
    version: 1,
    ...move,
    work_tree: checkout.workTree,
    git_dir: checkout.gitDir,
    lock_inode: await freshToken(checkout.gitDir),
  };
  await failpoint("follow.intent", () =>
    writeDurably(intentFile(site), `${JSON.stringify(intent)}\n`),
  );
  return intent;
}

export async function makeFolder(site: LandingSite): Promise<void> {
  await mkdir(folderOf(site), { recursive: true, mode: 0o700 });
}

async function freshToken(gitDir: string): Promise<string> {
  await failpoint("follow.oldToken", () => rm(tokenFile(gitDir), { force: true }));
  await failpoint("follow.token", () =>
    writeFile(tokenFile(gitDir), "", { flag: "wx", mode: 0o600 }),
  );
  return `${(await lstat(tokenFile(gitDir), { bigint: true })).ino}`;
}

/** The intent of a follow that did not come to its end; `null`: there is none. */
export async function readIntent(site: LandingSite): Promise<FollowIntent | null> {
  const value = await readJsonFile(intentFile(site), intentBytesMax);
  return typeof value === "object" && value !== null ? intentOf(value) : null;
}

const intentBytesMax = 64 * 1024;

/** The file is put in place whole, so what is not an intent is nobody's. */
function intentOf(value: object): FollowIntent | null {
  const text = (name: string): string => {
    const found: unknown = Reflect.get(value, name);
    return typeof found === "string" ? found : "";
  };
  const [from, to] = [text("from"), text("to")];
  if (Reflect.get(value, "version") !== 1 || !isOid(from) || !isOid(to)) return null;
  return {
    version: 1,
    from,
    to,
    work_tree: text("work_tree"),
    git_dir: text("git_dir"),
    lock_inode: text("lock_inode"),
  };
}

/** Takes the person's index lock; `false`: somebody holds it. */
export async function takeLock({ git_dir: gitDir }: FollowIntent): Promise<boolean> {
  return await failpoint("follow.lock", () => link(tokenFile(gitDir), lockFile(gitDir))).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") return false;
      throw error;
    },
  );
}

export type LockState = "absent" | "ours" | "foreign";

export async function lockState(intent: FollowIntent): Promise<LockState> {
  return await lstat(lockFile(intent.git_dir), { bigint: true }).then(
    ({ ino }) => (`${ino}` === intent.lock_inode ? "ours" : "foreign"),
    () => "absent",
  );
}

/** The end of a follow: lock, intent, private index and token go, in the order that a crash allows. */
export async function release(site: LandingSite, intent: FollowIntent): Promise<void> {
  if ((await lockState(intent)) === "ours")
    await failpoint("follow.unlock", () => rm(lockFile(intent.git_dir), { force: true }));
  await failpoint("follow.forget", () => rm(intentFile(site), { force: true }));
  await removeScratch(site, intent.git_dir);
  await failpoint("follow.forgetToken", () => rm(tokenFile(intent.git_dir), { force: true }));
}

/** All of it can be made again; what a killed git left of it would stop the next one. */
export async function removeScratch(site: LandingSite, gitDir: string): Promise<void> {
  const scratch = [
    indexFile(gitDir),
    checkFile(site),
    `${checkFile(site)}.lock`,
    writtenFolder(site),
  ];
  await failpoint("follow.scratch", async () => {
    await removeIndexLock(gitDir);
    for (const path of scratch) await rm(path, { recursive: true, force: true });
  });
}

/** git's own lock on the private index, left by one that was killed. */
export async function removeIndexLock(gitDir: string): Promise<void> {
  await rm(`${indexFile(gitDir)}.lock`, { force: true });
}
