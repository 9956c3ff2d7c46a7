/**
 * Sets of small whole numbers as bits, 32 a word; a matrix has one such set a row. What a plan asks
 * again and again (who of the ready is in nobody's way?) is then a few hundred operations on words.
 */
export type Bits = Uint32Array;

export type Matrix = {
  readonly size: number;
  readonly words: number;
  readonly all: Bits;
  /** Views: what is written to them is in the matrix. */
  readonly rows: readonly Bits[];
};

export function makeBits(size: number): Bits {
  return new Uint32Array(wordsFor(size));
}

export function makeMatrix(size: number): Matrix {
  const words = wordsFor(size);
  const all = new Uint32Array(size * words);
  const rows = Array.from({ length: size }, (_, at) => all.subarray(at * words, (at + 1) * words));
  return { size, words, all, rows };
}

/** A view: what is written to it is in the matrix. */
export function rowOf({ rows }: Matrix, index: number): Bits {
  const row = rows[index];
  if (row === undefined) throw new Error(`there is no row ${index}`);
  return row;
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

/** Makes `a` know `b` wherever `b` knows `a`: each square of 32 rows and columns with the one across. */
export function makeSymmetric(matrix: Matrix): void {
  const here = new Uint32Array(32);
  const across = new Uint32Array(32);
  for (let row = 0; row < matrix.words; row += 1)
    for (let column = row; column < matrix.words; column += 1) {
      const anyHere = readSquare(matrix, row, column, here);
      const anyAcross = readSquare(matrix, column, row, across);
      if (anyHere) uniteTurned(matrix, column, row, here);
      if (anyAcross) uniteTurned(matrix, row, column, across);
    }
}

/** False when nothing is set in there. */
function readSquare(
  { size, words, all }: Matrix,
  row: number,
  column: number,
  into: Bits,
): boolean {
  let any = 0;
  for (let at = 0; at < 32; at += 1) {
    const index = row * 32 + at;
    const word = index < size ? (all[index * words + column] ?? 0) : 0;
    into[at] = word;
    any |= word;
  }
  return any !== 0;
}

/** Turns the square so that rows become columns (Warren, Hacker's Delight, 7-3). */
function uniteTurned(matrix: Matrix, row: number, column: number, square: Bits): void {
  let mask = 0xffff;
  for (let step = 16; step !== 0; step >>= 1, mask ^= mask << step)
    for (let at = 0; at < 32; at = ((at | step) + 1) & ~step) {
      const low = square[at] ?? 0;
      const high = square[at | step] ?? 0;
      const swapped = ((low >>> step) ^ high) & mask;
      square[at] = low ^ (swapped << step);
      square[at | step] = high ^ swapped;
    }
  const { size, words, all } = matrix;
  for (let at = 0; at < 32 && row * 32 + at < size; at += 1) {
    const place = (row * 32 + at) * words + column;
    all[place] = (all[place] ?? 0) | (square[at] ?? 0);
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
