import { closeSync, constants, openSync } from "node:fs";
import { findSpecials, removeSpecials } from "./specials.ts";

/**
 * git reads `.gitattributes` and `.gitignore` where it finds them, and of a folder that looks like a repository
 * its HEAD and more; it waits for ever when one is a FIFO that nobody writes to. Looking for such files each
 * time would cost more than the rest of a save, so it is done when a git of ours takes long: whoever waits is
 * given an end of file, and the FIFO goes, which git could not have kept anyway.
 */
const readByGit = /\/(?:\.git(?:attributes|ignore|modules)|HEAD|commondir|config|packed-refs)$/;
const longMs = 2_000;

/**
 * What `run` resolves to; meanwhile nothing below `root` with such a path (from its `/` on) keeps its git waiting for long.
 * `root` is a real folder: what stands in the way is removed.
 */
export async function unblocked<Value>(
  root: string,
  run: () => Promise<Value>,
  paths: RegExp = readByGit,
): Promise<Value> {
  let helping: Promise<void> = Promise.resolve();
  const timer = setTimeout(() => {
    helping = unblock(root, paths).catch(() => {});
  }, longMs);
  try {
    return await run();
  } finally {
    clearTimeout(timer);
    await helping;
  }
}

async function unblock(root: string, paths: RegExp): Promise<void> {
  const found = await findSpecials(root, new Set());
  const below = Buffer.byteLength(root);
  const waitedFor = found.filter((path) => paths.test(path.toString("latin1").slice(below)));
  const opened = waitedFor.flatMap(openBoth);
  try {
    await removeSpecials(waitedFor);
  } finally {
    opened.forEach((file) => closeSync(file));
  }
}

/** With somebody at both ends nobody waits to open it, and who reads has its end when this is closed. */
function openBoth(path: Buffer): number[] {
  try {
    return [openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW)];
  } catch {
    return [];
  }
}
