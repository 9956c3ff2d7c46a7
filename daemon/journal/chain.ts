import { hash } from "node:crypto";

import type { StoredRow } from "./records.ts";

/**
 * Checksums: the first 16 bytes of a SHA-256, written as 32 hexadecimal digits in memory.
 *
 * The events form a chain. Each checksum covers the one before it and the row's canonical text:
 *
 *     checksum(n) = sha256(checksum(n-1) "\n" text(n))      checksum(0) = 000…0
 *     text(n)     = seq epoch at type version task previous body, joined by "\n"
 *
 * so a row that was changed, dropped, moved or put in from elsewhere breaks every checksum behind it.
 * `previous` is the seq of the same task's event before this one (0: there is none, empty: the event
 * belongs to no task). Following it finds all events of a task, and proves that none is missing,
 * without an index: an index on task ids, which are random, halved the rate of appending.
 *
 * The body comes last because it alone may hold line breaks. SQLite builds the same text (`rowText`
 * in schema.ts): reading one column and hashing it as it is costs half of reading eight.
 */
export type Checksum = string;

export const noChecksum: Checksum = "0".repeat(32);

export type ChainedRow = StoredRow & { readonly previous: number | null };

export function checksumOf(text: string): Checksum {
  return hash("sha256", text, "hex").slice(0, 32);
}

export function chainChecksum(before: Checksum, rowText: string): Checksum {
  return checksumOf(`${before}\n${rowText}`);
}

export function rowText(row: ChainedRow): string {
  return `${row.seq}\n${row.epoch}\n${row.at}\n${row.type}\n${row.version}\n${row.task ?? ""}\n${row.previous ?? ""}\n${row.body}`;
}

/** The inverse of `rowText`. */
export function parseRowText(text: string): ChainedRow {
  const field = lineReader(text);
  const [seq, epoch, at] = [Number(field()), Number(field()), Number(field())];
  const [type, version, task, previous] = [field(), Number(field()), field(), field()];
  return {
    seq,
    epoch,
    at,
    type,
    version,
    task: task === "" ? null : task,
    previous: previous === "" ? null : Number(previous),
    body: field.rest(),
  };
}

/** Gives one line after the other; `rest()` gives everything that is left. */
export function lineReader(text: string): { (): string; rest: () => string } {
  let start = 0;
  const next = (): string => {
    const end = text.indexOf("\n", start);
    const line = end < 0 ? text.slice(start) : text.slice(start, end);
    start = end < 0 ? text.length : end + 1;
    return line;
  };
  return Object.assign(next, { rest: () => text.slice(start) });
}

/**
 * Folds a set of row checksums into one, in any order: putting a row in and taking it out are the
 * same operation. It tells when a row is missing, or is an older version of itself.
 */
export function xorChecksums(one: Checksum, other: Checksum): Checksum {
  return (BigInt(`0x${one}`) ^ BigInt(`0x${other}`)).toString(16).padStart(32, "0");
}
