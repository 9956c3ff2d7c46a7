import { quoted } from "./location.ts";

/**
 * Amounts of bytes as people write them: a whole number and a unit, `512MiB`, `2GB`, `100000B`.
 * `KiB`, `MiB`, `GiB` are powers of 1024, `kB`, `MB`, `GB` of 1000; the letter case does not matter.
 */
export type ByteSizeParse =
  { readonly ok: true; readonly bytes: number } | { readonly ok: false; readonly message: string };

const units: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};
export const byteSizeSchemaPattern = "^\\d+ ?([kKmMgG]i?)?[bB]$";
const example = "write a size such as 512MiB or 2GB";

/** At most `Number.MAX_SAFE_INTEGER`. */
export function parseByteSize(text: string): ByteSizeParse {
  const [, digits, unit] = /^(\d{1,15}) ?([a-z]+)$/i.exec(text) ?? [];
  const name = unit?.toLowerCase() ?? "";
  const factor = Object.hasOwn(units, name) ? units[name] : undefined;
  if (factor === undefined) return { ok: false, message: `${quoted(text)} is no size; ${example}` };
  const bytes = Number(digits) * factor;
  if (!Number.isSafeInteger(bytes)) return { ok: false, message: `${quoted(text)} is too large` };
  return { ok: true, bytes };
}

/** The text that `parseByteSize` reads back as the same number: 10_485_760 → `10MiB`, 1500 → `1500B`. */
export function formatByteSize(bytes: number): string {
  const exact = (["GiB", "MiB", "KiB", "GB", "MB", "kB"] as const).find(
    (unit) => bytes > 0 && bytes % (units[unit.toLowerCase()] ?? 1) === 0,
  );
  return exact === undefined ? `${bytes}B` : `${bytes / (units[exact.toLowerCase()] ?? 1)}${exact}`;
}

/** `512 B`, `1.4 KiB`, `10 MiB`. */
export function bytesWords(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 && !Number.isInteger(value) ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
