import { open } from "node:fs/promises";
import { join } from "node:path";
import { FailureError, failure } from "../../../ipc/errors.ts";
import { choice, countOrNull, count, taskId } from "../params.ts";
import { findStored } from "./show.ts";
import { logChunkBytesMax } from "../../../ipc/logsView.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

/** A piece of an attempt's log from `offset` on. Read again from `next_offset` while `live`. */
export async function logs(
  params: unknown,
  context: ServerContext,
): Promise<Methods["logs"]["result"]> {
  const id = taskId(params, "id");
  const number = countOrNull(params, "attempt", Number.MAX_SAFE_INTEGER);
  const stream = choice(params, "stream", ["stdout", "stderr"]);
  const offset = count(params, "offset", Number.MAX_SAFE_INTEGER);
  const inMemory = await context.read((state) => structuredAttempts(state.tasks.get(id)));
  const attempts = inMemory ?? structuredAttempts(await findStored(id, context)) ?? [];
  const attempt = attempts.find((one) => one.number === (number ?? attempts.at(-1)?.number));
  if (attempt === undefined) throw new FailureError(noAttempt(id, number));
  const folder = context.attemptFolder(attempt.worker, id, attempt.number);
  const piece = await readPiece(join(folder, `${stream}.log`), offset);
  return { attempt: attempt.number, ...piece, live: attempt.live };
}

type AttemptPlace = {
  number: number;
  worker: import("../../../ipc/ids.ts").WorkerId;
  live: boolean;
};

function structuredAttempts(
  task: import("../../core/state.ts").Task | undefined,
): AttemptPlace[] | null {
  if (task === undefined) return null;
  return task.attempts.map(({ number, worker, result }) => ({
    number,
    worker,
    live: result === null,
  }));
}

function noAttempt(id: string, number: number | null) {
  const text =
    number === null ? `task ${id} has not started yet` : `task ${id} has no attempt ${number}`;
  return failure("not_found", text, { hint: `\`orchd show ${id}\` lists its attempts.` });
}

/** A log that is not there (yet, or removed by hand) reads as empty. */
async function readPiece(
  file: string,
  offset: number,
): Promise<{ chunk: Uint8Array; next_offset: number; size: number }> {
  const handle = await open(file, "r").catch(() => null);
  if (handle === null) return { chunk: new Uint8Array(), next_offset: offset, size: 0 };
  try {
    const { size } = await handle.stat();
    const length = Math.max(0, Math.min(logChunkBytesMax, size - offset));
    const { buffer, bytesRead } = await handle.read(new Uint8Array(length), 0, length, offset);
    return { chunk: buffer.subarray(0, bytesRead), next_offset: offset + bytesRead, size };
  } finally {
    await handle.close();
  }
}
