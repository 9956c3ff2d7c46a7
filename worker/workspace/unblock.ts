import { closeSync, constants, openSync } from "node:fs";
import { basename } from "node:path";
import { findSpecials, removeSpecials } from "./specials.ts";

/**
 * git reads `.gitattributes` and `.gitignore` where it finds them, and waits for ever when one is a FIFO that
 * nobody writes to. Looking for such files each time would cost more than the rest of a save, so it is done
 * when a git of ours takes long: whoever waits is given an end of file, and the FIFO goes, which git could not
 * have kept anyway.
 */
const readByGit = /^\.git(?:attributes|ignore|modules)$/;
const longMs = 2_000;

/**
 * What `run` resolves to; meanwhile nothing below `root` that is named like this keeps its git waiting for long.
 * `root` is a real folder: what stands in the way is removed.
 */
export async function unblocked<Value>(
  root: string,
  run: () => Promise<Value>,
  names: RegExp = readByGit,
): Promise<Value> {
  let helping: Promise<void> = Promise.resolve();
  const timer = setTimeout(() => {
    helping = unblock(root, names).catch(() => {});
  }, longMs);
  try {
    return await run();
  } finally {
    clearTimeout(timer);
    await helping;
  }
}

async function unblock(root: string, names: RegExp): Promise<void> {
  const found = await findSpecials(root, new Set([".git"]));
  const waitedFor = found.filter((path) => names.test(basename(path.toString("latin1"))));
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
