import type { Final } from "./state.ts";
import type { Oid, TaskId } from "../../ipc/ids.ts";

/**
 * What is kept of every task that ever ended, by id: there may be a million of them, so each is one
 * short text instead of an object with two texts of its own.
 *
 *     1 character    its status, and how digest and commit are written
 *     1 character    length of the digest's part
 *     the digest, then the commit: four hexadecimal digits a character; anything else as it is
 */
export class FinalIndex {
  readonly #packed: Map<TaskId, string>;

  constructor(from: FinalIndex | null = null) {
    this.#packed = new Map(from === null ? [] : from.#packed);
  }

  get size(): number {
    return this.#packed.size;
  }

  has(id: TaskId): boolean {
    return this.#packed.has(id);
  }

  get(id: TaskId): Final | undefined {
    const packed = this.#packed.get(id);
    return packed === undefined ? undefined : unpackFinal(packed);
  }

  set(id: TaskId, final: Final): void {
    this.#packed.set(id, packFinal(final));
  }

  delete(id: TaskId): void {
    this.#packed.delete(id);
  }

  *[Symbol.iterator](): Generator<[TaskId, Final]> {
    for (const [id, packed] of this.#packed) yield [id, unpackFinal(packed)];
  }
}

const statuses = ["succeeded", "failed", "cancelled"] as const;
/** Bits of the first character; below them is the status. */
const bits = { digestIsHex: 4, hasCommit: 8, commitIsHex: 16 };
const digitsPerCharacter = 4;

function packFinal({ digest, status, commit }: Final): string {
  const codes = [0, 0];
  const digestIsHex = pushHex(codes, digest);
  if (!digestIsHex) pushText(codes, digest);
  codes[1] = codes.length - 2;
  const commitIsHex = commit !== null && pushHex(codes, commit);
  if (commit !== null && !commitIsHex) pushText(codes, commit);
  codes[0] =
    statuses.indexOf(status) |
    (digestIsHex ? bits.digestIsHex : 0) |
    (commit === null ? 0 : bits.hasCommit) |
    (commitIsHex ? bits.commitIsHex : 0);
  // In one call: pieces put together would stay pieces, with memory of their own.
  return String.fromCharCode(...codes);
}

function unpackFinal(packed: string): Final {
  const head = packed.charCodeAt(0);
  const split = 2 + packed.charCodeAt(1);
  const part = (from: number, to: number, isHex: number): string =>
    head & isHex ? unpackHex(packed, from, to) : packed.slice(from, to);
  const status = statuses[head & 3] ?? "failed";
  const digest = part(2, split, bits.digestIsHex);
  const commit = part(split, packed.length, bits.commitIsHex) as Oid;
  return { digest, status, commit: head & bits.hasCommit ? commit : null };
}

/** False, and nothing is added, when these are no whole characters of lower-case digits. */
function pushHex(codes: number[], text: string): boolean {
  const { length } = codes;
  if (text.length % digitsPerCharacter !== 0) return false;
  for (let at = 0, code = 0; at < text.length; at += 1) {
    const digit = digitOf(text.charCodeAt(at));
    if (digit < 0) {
      codes.length = length;
      return false;
    }
    code = ((code << 4) | digit) & 0xffff;
    if (at % digitsPerCharacter === digitsPerCharacter - 1) codes.push(code);
  }
  return true;
}

function digitOf(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  return code >= 97 && code <= 102 ? code - 87 : -1;
}

function pushText(codes: number[], text: string): void {
  for (let at = 0; at < text.length; at += 1) codes.push(text.charCodeAt(at));
}

function unpackHex(packed: string, from: number, to: number): string {
  let text = "";
  for (let at = from; at < to; at += 1)
    text += packed.charCodeAt(at).toString(16).padStart(digitsPerCharacter, "0");
  return text;
}
