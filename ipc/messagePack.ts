/**
 * Walks MessagePack bytes without building anything and says what is wrong with them, so that the
 * decoder behind it only ever meets one whole value made of nil, booleans, numbers, strings, byte
 * strings, arrays and maps with string keys. Extension types are refused: they could build dates,
 * regular expressions, sets, records and cycles. The walk is linear and keeps one number a level.
 * Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
export const nestingMax = 64;
/** Values and keys in one message: eight megabytes of empty maps would be half a gigabyte of objects. */
export const valuesMax = 2 * 1024 * 1024;

/** 2^53 - 1 is `highWordMax` and a full low word: a larger integer would silently lose digits. */
const highWordMax = 0x1fffff;

/** What is wrong with these bytes as exactly one value; `null`: nothing. */
export function messagePackProblem(bytes: Uint8Array): string | null {
  const walk = new Walk(bytes);
  while (walk.problem === null && walk.enterNext()) walk.step();
  if (walk.problem !== null) return walk.problem;
  return walk.at === bytes.length ? null : "bytes follow the value";
}

class Walk {
  at = 0;
  problem: string | null = null;
  readonly #bytes: Uint8Array;
  /** Values still to come on each open level; the outermost "level" holds the one value. */
  readonly #left: number[] = [1];
  readonly #isMap: boolean[] = [false];
  #depth = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Leaves finished levels; false when everything has been walked. */
  enterNext(): boolean {
    while (this.#left[this.#depth] === 0) {
      if (this.#depth === 0) return false;
      this.#depth -= 1;
    }
    return true;
  }

  step(): void {
    const token = this.#bytes[this.at++];
    if (token === undefined) return this.#fail("the value is cut short");
    if (++this.#values > valuesMax) return this.#fail(`more than ${valuesMax} values`);
    const left = this.#left[this.#depth] ?? 0;
    this.#left[this.#depth] = left - 1;
    // Keys and values take turns, so a key is due whenever an even number is left.
    const keyDue = left % 2 === 0 && this.#isMap[this.#depth] === true;
    if (keyDue && !isStringToken(token)) return this.#fail("a map's key is not a string");
    if (token < 0x80 || token >= 0xe0) return;
    if (token < 0x90) return this.#open(token - 0x80, true);
    if (token < 0xa0) return this.#open(token - 0x90, false);
    if (token < 0xc0) return this.#skip(token - 0xa0);
    this.#stepLong(token);
  }

  #stepLong(token: number): void {
    switch (token) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return;
      case 0xcc:
      case 0xd0:
        return this.#skip(1);
      case 0xcd:
      case 0xd1:
        return this.#skip(2);
      case 0xca:
      case 0xce:
      case 0xd2:
        return this.#skip(4);
      case 0xcb:
        return this.#skip(8);
      case 0xcf:
      case 0xd3:
        return this.#skipLongInteger(token === 0xd3);
      case 0xc4:
      case 0xd9:
        return this.#skip(this.#length(1));
      case 0xc5:
      case 0xda:
        return this.#skip(this.#length(2));
      case 0xc6:
      case 0xdb:
        return this.#skip(this.#length(4));
      case 0xdc:
        return this.#open(this.#length(2), false);
      case 0xdd:
        return this.#open(this.#length(4), false);
      case 0xde:
        return this.#open(this.#length(2), true);
      case 0xdf:
        return this.#open(this.#length(4), true);
      default:
        return this.#fail(`type 0x${token.toString(16)} is not allowed`);
    }
  }

  #open(length: number, isMap: boolean): void {
    const values = isMap ? 2 * length : length;
    // Every value takes a byte at least, so a length beyond the rest can never be met.
    if (values > this.#bytes.length - this.at) return this.#fail("the value is cut short");
    if (this.#depth >= nestingMax) return this.#fail(`nested deeper than ${nestingMax}`);
    this.#depth += 1;
    this.#left[this.#depth] = values;
    this.#isMap[this.#depth] = isMap;
  }

  #skip(length: number): void {
    this.at += length;
    if (this.at > this.#bytes.length) this.#fail("the value is cut short");
  }

  #skipLongInteger(signed: boolean): void {
    const high = signed ? this.#length(4) | 0 : this.#length(4);
    this.#skip(4);
    if (high > highWordMax || high < -highWordMax - 1) this.#fail("an integer is beyond 2^53");
  }

  /** A length of `width` bytes, big-endian. Bytes beyond the end count as 0; the skip after it fails. */
  #length(width: number): number {
    let length = 0;
    for (let i = 0; i < width; i += 1) length = length * 256 + (this.#bytes[this.at + i] ?? 0);
    this.at += width;
    return length;
  }

  #fail(problem: string): void {
    this.problem ??= problem;
  }
}

function isStringToken(token: number): boolean {
  return (token >= 0xa0 && token < 0xc0) || (token >= 0xd9 && token <= 0xdb);
}
