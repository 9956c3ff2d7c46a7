const slipsMax = 2;
const lengthMax = 64;

/** Shorter beginnings of a name could be of any. */
const beginningMin = 3;

/**
 * The name that `word` was probably meant to be: the one that begins with it, else one at most two slips
 * away, and fewer than half its letters.
 */
export function nearest(word: string, names: readonly string[]): string | null {
  if (word.length > lengthMax) return null;
  const begun = names.filter((name) => name.startsWith(word.toLowerCase()));
  if (word.length >= beginningMin && begun.length === 1) return begun[0] ?? null;
  const ranked = names
    .map((name) => ({ name, slips: slipsBetween(word.toLowerCase(), name) }))
    .toSorted((a, b) => a.slips - b.slips);
  const best = ranked[0];
  const most = Math.min(slipsMax, Math.floor(word.length / 2));
  return best !== undefined && best.slips <= most ? best.name : null;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function slipsBetween(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        (rows[i - 1]?.[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (rows[i - 1]?.[j - 1] ?? 0) + same,
        swapped ? (rows[i - 2]?.[j - 2] ?? 0) + 1 : Infinity,
      );
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}
