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

/** What `run` resolves to; meanwhile nothing below `workTree` keeps its git waiting for long. */
export async function unblocked<Value>(
  workTree: string,
  run: () => Promise<Value>,
): Promise<Value> {
  let helping: Promise<void> = Promise.resolve();
  const timer = setTimeout(() => {
    helping = unblock(workTree).catch(() => {});
  }, longMs);
  try {
    return await run();
  } finally {
    clearTimeout(timer);
    await helping;
  }
}

async function unblock(workTree: string): Promise<void> {
  const found = await findSpecials(workTree, new Set([".git"]));
  const waitedFor = found.filter((path) => readByGit.test(basename(path.toString("latin1"))));
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
