/**
 * Sets of small whole numbers as bits, 32 a word; a matrix has one such set a row. What a plan asks
 * again and again (who of the ready is in nobody's way?) is then a few hundred operations on words.
 */
export type Bits = Uint32Array;

export type Matrix = { readonly size: number; readonly words: number; readonly all: Bits };

export function makeBits(size: number): Bits {
  return new Uint32Array(wordsFor(size));
}

export function makeMatrix(size: number): Matrix {
  const words = wordsFor(size);
  return { size, words, all: new Uint32Array(size * words) };
}

/** A view: what is written to it is in the matrix. */
export function rowOf({ words, all }: Matrix, index: number): Bits {
  return all.subarray(index * words, (index + 1) * words);
}

export function setBit(bits: Bits, index: number): void {
  const word = index >>> 5;
  bits[word] = (bits[word] ?? 0) | (1 << (index & 31));
}

export function clearBit(bits: Bits, index: number): void {
  const word = index >>> 5;
  bits[word] = (bits[word] ?? 0) & ~(1 << (index & 31));
}

export function hasBit(bits: Bits, index: number): boolean {
  return ((bits[index >>> 5] ?? 0) & (1 << (index & 31))) !== 0;
}

export function unite(into: Bits, other: Bits): void {
  for (let word = 0; word < into.length; word += 1)
    into[word] = (into[word] ?? 0) | (other[word] ?? 0);
}

export function countBits(bits: Bits): number {
  let count = 0;
  for (const word of bits) if (word !== 0) count += onesIn(word);
  return count;
}

/** The smallest in the set that is not below `from`; -1 without one. */
export function nextBit(bits: Bits, from: number): number {
  let word = from >>> 5;
  let left = (bits[word] ?? 0) & (-1 << (from & 31));
  while (left === 0) {
    word += 1;
    if (word >= bits.length) return -1;
    left = bits[word] ?? 0;
  }
  return word * 32 + lowestOf(left);
}

/** Makes `a` know `b` wherever `b` knows `a`. */
export function makeSymmetric(matrix: Matrix): void {
  for (let index = 0; index < matrix.size; index += 1) {
    const row = rowOf(matrix, index);
    for (let other = nextBit(row, 0); other >= 0; other = nextBit(row, other + 1)) {
      const at = other * matrix.words + (index >>> 5);
      matrix.all[at] = (matrix.all[at] ?? 0) | (1 << (index & 31));
    }
  }
}

/** The position of the lowest bit that is set. */
export function lowestOf(word: number): number {
  return 31 - Math.clz32(word & -word);
}

function wordsFor(size: number): number {
  return Math.max(1, Math.ceil(size / 32));
}

/** Bits that are set, added up side by side (Warren, Hacker's Delight, 5-1). */
function onesIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
