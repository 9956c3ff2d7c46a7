import { quoted } from "./location.ts";

/**
 * Durations as people write them: whole numbers with units, largest unit first, each unit once.
 *
 *     duration = amount { amount }
 *     amount   = digits unit
 *     unit     = "d" | "h" | "m" | "s" | "ms"
 *
 * `90s`, `20m`, `1h30m`, `500ms`, `2d`. No fractions (`1h30m`, not `1.5h`), no spaces, no sign; a
 * bare number is refused because it could mean seconds or milliseconds.
 */
export const durationMsMax = 30 * 24 * 60 * 60 * 1000;

/** Milliseconds, or what is wrong with the text. */
export type DurationParse =
  { readonly ok: true; readonly ms: number } | { readonly ok: false; readonly message: string };

const units = [
  ["d", 24 * 60 * 60 * 1000],
  ["h", 60 * 60 * 1000],
  ["m", 60 * 1000],
  ["s", 1000],
  ["ms", 1],
] as const;

const durationPattern = /^(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/;
const textLengthMax = 40;
const examples = "write a duration such as 90s, 20m or 1h30m";

/** @param text any text; up to 30 days or `msMax`, to the millisecond */
export function parseDuration(text: string, msMax = durationMsMax): DurationParse {
  const amounts = text.length > textLengthMax ? null : durationPattern.exec(text);
  if (amounts === null) return { ok: false, message: complaint(text) };
  const ms = units.reduce(
    (sum, [, size], index) => sum + Number(amounts[index + 1] ?? 0) * size,
    0,
  );
  if (ms > msMax)
    return { ok: false, message: `${quoted(text)} is longer than ${formatDuration(msMax)}` };
  return { ok: true, ms };
}

function complaint(text: string): string {
  if (/^\d+$/.test(text)) return `${quoted(text)} has no unit; ${examples}`;
  if (text.startsWith("-")) return `${quoted(text)} is negative; ${examples}`;
  if (/^\d*\.\d+\D*$/.test(text)) return `${quoted(text)} has a fraction; ${examples}`;
  return `${quoted(text)} is no duration; ${examples}`;
}

/** The text that `parseDuration` reads back as the same number: 5_400_000 → `1h30m`, 0 → `0s`. */
export function formatDuration(ms: number): string {
  return amountsOf(ms).join("") || "0s";
}

function amountsOf(ms: number): string[] {
  let rest = ms;
  return units.flatMap(([unit, size]) => {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    return amount === 0 ? [] : [`${amount}${unit}`];
  });
}
