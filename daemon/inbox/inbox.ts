import { constants } from "node:fs";
import { mkdir, open, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import type { FileHandle } from "node:fs/promises";
import { replaceFile } from "../../system/atomicFile.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * `.aibrain/inbox`: a task file dropped here is submitted, then moved to `accepted/`, or to
 * `rejected/` with the reasons beside it as `<name>.reason.txt`. Hidden files and those that end in
 * `.tmp` or `~` are left alone, so that a file can be written first and renamed when it is whole.
 */
export type InboxOptions = {
  /** `.aibrain/inbox` */
  readonly folder: string;
  /** Submits the content; the reason in words when it was refused. */
  readonly submit: (
    content: Uint8Array,
    name: string,
  ) => Promise<{ readonly refused: string | null }>;
  readonly onTaken: (name: string, refused: string | null) => void;
  readonly onProblem: (message: string) => void;
};

/** Smaller than what `submit` takes: a file here is parsed by the supervisor itself. */
export const inboxFileBytesMax = 256 * 1024;
/** A file is taken when it has not grown for this long. */
const settledMs = 200;
const ignored = /(?:^\.|~$|\.tmp$|\.reason\.txt$)/;

export async function openInbox(options: InboxOptions): Promise<{ close(): Promise<void> }> {
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const { watch } = await import("chokidar");
  const watcher = watch(options.folder, {
    depth: 0,
    awaitWriteFinish: { stabilityThreshold: settledMs, pollInterval: settledMs / 4 },
  });
  let turn: Promise<void> = Promise.resolve();
  watcher.on("add", (file) => {
    if (ignored.test(basename(file))) return;
    turn = turn
      .then(() => take(file, options))
      .catch((error: unknown) => options.onProblem(`${basename(file)}: ${String(error)}`));
  });
  watcher.on("error", (error) => options.onProblem(String(error)));
  return {
    close: async () => {
      await watcher.close();
      await turn;
    },
  };
}

async function take(file: string, options: InboxOptions): Promise<void> {
  const name = basename(file);
  const content = await readAtMost(file, inboxFileBytesMax + 1);
  const refused = await refusal(content, name, options);
  const folder = join(options.folder, refused === null ? "accepted" : "rejected");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (refused !== null)
    await failpoint("inbox.reason", () =>
      replaceFile(join(folder, `${name}.reason.txt`), `${refused}\n`, { mode: 0o600 }),
    );
  await failpoint("inbox.move", () => rename(file, join(folder, name)));
  options.onTaken(name, refused);
}

async function refusal(
  content: Uint8Array | null,
  name: string,
  options: InboxOptions,
): Promise<string | null> {
  if (content === null) return "it is not a regular file";
  if (content.length > inboxFileBytesMax)
    return `the file is larger than ${inboxFileBytesMax} bytes`;
  return (await options.submit(content, name)).refused;
}

/** `null`: it is not a file. To open a FIFO in the usual way waits for a writer, for ever. */
async function readAtMost(file: string, bytesMax: number): Promise<Uint8Array | null> {
  const handle: FileHandle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await handle.stat()).isFile()) return null;
    const buffer = new Uint8Array(bytesMax);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, bytesMax - length, null);
      length += bytesRead;
      if (bytesRead === 0 || length === bytesMax) return buffer.subarray(0, length);
    }
  } finally {
    await handle.close();
  }
}
