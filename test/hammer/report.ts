/** What a hammer found. `violations` empty: everything held. */
export type HammerReport = {
  readonly hammer: string;
  readonly violations: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
};

const shownMax = 5;

/** One line of JSON; of violations the number, and the first few. */
export function lineOf({ hammer, violations, figures }: HammerReport): string {
  const shown = violations.slice(0, shownMax);
  return JSON.stringify({ hammer, ...figures, violations: violations.length, shown });
}

/** Of a list of milliseconds; 0 of an empty one. `share`: 0.5 is the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
  return Math.round((sorted[at] ?? 0) * 10) / 10;
}
