import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { fail, failure, ok } from "./errors.ts";
import type { ErrorCode, Result } from "./errors.ts";

/**
 * Files that people write, read without trust in their size: never more than the limit and one byte
 * comes into memory, whatever the file, pipe or device holds.
 */
export const taskFileBytesMax = 1024 * 1024;
export const configFileBytesMax = 256 * 1024;

export type ReadLimit = {
  /** For the messages. */
  readonly name: string;
  readonly bytesMax: number;
  /** `invalid_task` or `invalid_config`. */
  readonly code: ErrorCode;
};

/**
 * @param source the path of a file, or a stream such as `process.stdin`, read to its end
 * Errors: `limit.code` for what is too large, missing or unreadable.
 */
export async function readLimited(
  source: string | Readable,
  limit: ReadLimit,
): Promise<Result<Uint8Array>> {
  try {
    if (typeof source !== "string") return await readStream(source, limit);
    const found = await stat(source);
    if (found.isFile() && found.size > limit.bytesMax) {
      return tooLarge(limit, `${found.size} bytes`);
    }
    return await readStream(createReadStream(source), limit);
  } catch (error) {
    return fail(failure(limit.code, `cannot read ${limit.name}: ${reasonOf(error)}`));
  }
}

async function readStream(stream: Readable, limit: ReadLimit): Promise<Result<Uint8Array>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early destroys the stream.
  for await (const chunk of stream as AsyncIterable<Uint8Array | string>) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    size += bytes.length;
    if (size > limit.bytesMax) return tooLarge(limit, `more than ${limit.bytesMax} bytes`);
    chunks.push(bytes);
  }
  return ok(Buffer.concat(chunks));
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : null;
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
      return "permission denied";
    case "EISDIR":
      return "it is a directory";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/** Strict UTF-8, without byte order mark. Looks at the size first, so that nothing large is decoded. */
export function decodedText(bytes: Uint8Array | string, limit: ReadLimit): Result<string> {
  const size = typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.length;
  if (size > limit.bytesMax) return tooLarge(limit, `${size} bytes`);
  if (typeof bytes === "string") return ok(bytes.replace(/^\ufeff/, ""));
  try {
    return ok(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return notUtf8(bytes, limit);
  }
}

function tooLarge(limit: ReadLimit, size: string): Result<never> {
  const most = `at most ${limit.bytesMax} are read`;
  return fail(failure(limit.code, `${limit.name} is too large: ${size}; ${most}`));
}

/** Says where the first byte stands that cannot be. */
function notUtf8(bytes: Uint8Array, limit: ReadLimit): Result<never> {
  const valid = validPrefix(bytes);
  const line = valid.split("\n").length;
  const column = valid.length - valid.lastIndexOf("\n");
  const message = "is not UTF-8; save the file in that encoding";
  const problems = [{ file: limit.name, line, column, field: "", message }];
  return fail(failure(limit.code, `${limit.name} is not UTF-8`, { problems }));
}

/** The longest prefix that decodes, found by halving. */
function validPrefix(bytes: Uint8Array): string {
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (decodedPrefix(bytes, middle) === null) high = middle - 1;
    else low = middle;
  }
  return decodedPrefix(bytes, low) ?? "";
}

/** As a part of a stream, so that half a character at the end is no mistake. */
function decodedPrefix(bytes: Uint8Array, length: number): string | null {
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    return decoder.decode(bytes.subarray(0, length), { stream: true });
  } catch {
    return null;
  }
}
