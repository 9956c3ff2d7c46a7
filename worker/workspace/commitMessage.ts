import { closeSync, constants, fstatSync, openSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanText } from "../../ipc/commitText.ts";
import { savedMessageMax } from "../../ipc/workerMessages.ts";
import { failpointNow } from "../../system/failpoint.ts";
import type { Place } from "./place.ts";

/** The file that git gives a `commit-msg` hook, as it names it: relative to the working tree. */
export const messageFile = ".git/COMMIT_EDITMSG";

/** Into a `.git` that is new. */
export function writeMessage({ workTree }: Place, text: string): void {
  failpointNow("message.write", () =>
    writeFileSync(join(workTree, messageFile), `${text}\n`, { flag: "wx" }),
  );
}

/** What it says now, cleaned and at most as long as a message may be; empty when it is no file any more. */
export function readMessage({ workTree }: Place): string {
  const path = join(workTree, messageFile);
  try {
    // Never through a link, and never waiting for whoever writes into a pipe.
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!fstatSync(file).isFile()) return "";
      const bytes = Buffer.alloc(savedMessageMax);
      const length = readSync(file, bytes, 0, bytes.length, 0);
      return cleanText(bytes.subarray(0, length).toString("utf8"));
    } finally {
      closeSync(file);
    }
  } catch {
    return "";
  }
}
