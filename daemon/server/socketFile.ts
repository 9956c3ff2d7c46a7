import { chmodSync, lstatSync, mkdirSync, statSync, unlinkSync } from "node:fs";
import type { Server } from "node:net";
import { dirname } from "node:path";
import { failure, FailureError } from "../../ipc/errors.ts";
import { failpointNow } from "../../system/failpoint.ts";

/** A socket's path has to fit `sockaddr_un` with its final zero: 108 bytes on Linux, 104 on macOS. */
export const socketPathBytesMax = process.platform === "darwin" ? 103 : 107;
/** The kernel takes the smaller of this and `net.core.somaxconn`. */
const backlogMax = 4096;
const stickyBit = 0o1000;

/** What stands for a socket in the file system; another inode at the path is not ours. */
export type SocketFile = { readonly path: string; readonly inode: number };

/** Whether a unix socket can have this path; if not, choose a shorter one. */
export function fitsSocketPath(path: string): boolean {
  return Buffer.byteLength(path) <= socketPathBytesMax;
}

/**
 * Binds the server to a socket that only this user can connect to (0600, in a folder 0700, made if
 * absent). A socket already there is removed: the caller holds the supervisor lock, so it is stale.
 * Rejects with a `FailureError`: `limit` (the path is too long), `refused` (the folder is shared, or
 * something else is in the way, or the system does not allow it).
 */
export async function bindSocketFile(server: Server, path: string): Promise<SocketFile> {
  if (!fitsSocketPath(path)) {
    const message = `The socket path ${path} has ${Buffer.byteLength(path)} bytes; ${socketPathBytesMax} fit.`;
    throw new FailureError(failure("limit", message));
  }
  try {
    preparePrivateFolder(dirname(path));
    removeStaleSocket(path);
    await listenPrivately(server, path);
    return { path, inode: statSync(path).ino };
  } catch (error) {
    if (error instanceof FailureError || !(error instanceof Error)) throw error;
    throw refused(`Cannot listen at ${path}: ${error.message}`);
  }
}

export function isInPlace({ path, inode }: SocketFile): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.ino === inode;
}

function preparePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { mode, uid } = statSync(folder);
  // Below /tmp anybody can make the folder first, and its owner could put another socket in place.
  if (uid !== process.getuid?.() && (statSync(dirname(folder)).mode & stickyBit) !== 0)
    throw refused(`The folder ${folder} belongs to another user.`);
  if ((mode & 0o077) === 0) return;
  // Somebody chose /tmp or the like: closing that to everyone else would be worse than refusing.
  if ((mode & stickyBit) !== 0) throw refused(`The folder ${folder} is shared with other users.`);
  chmodSync(folder, 0o700);
}

function removeStaleSocket(path: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isSocket()) throw refused(`${path} is in the way and is not a socket.`);
  failpointNow("socket.unlink", () => unlinkSync(path));
}

function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      resolve();
    });
    // The mode is given at bind, which `listen` does before it returns: there is no moment in which
    // others could connect, and no other code of this thread runs under the changed mask.
    const mask = process.umask(0o177);
    try {
      server.listen({ path, backlog: backlogMax });
    } finally {
      process.umask(mask);
    }
  });
}

function refused(message: string): FailureError {
  return new FailureError(failure("refused", message));
}
