import { parseDuration } from "./duration.ts";
import { quoted } from "./location.ts";
import type { NotBefore } from "./taskSpec.ts";

const iso =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)?$/;
const example = "write a time with its zone, as in 2026-05-01T08:00:00Z, or a duration such as 20m";

export type MomentParse =
  | { readonly ok: true; readonly value: NotBefore }
  | { readonly ok: false; readonly message: string };

/** A point in time (ISO 8601 with zone, years 1970 to 9999) or a duration from whenever it is submitted. */
export function parseMoment(text: string): MomentParse {
  const parts = iso.exec(text);
  if (parts !== null) return pointInTime(text, parts);
  if (/^\d{4}-/.test(text)) return refused(`${quoted(text)} is no time; ${example}`);
  const parsed = parseDuration(text);
  if (parsed.ok) return { ok: true, value: { delay_ms: parsed.ms } };
  // `yesterday`: whoever writes a word did not try a duration in particular.
  return refused(
    /^-?\d/.test(text)
      ? parsed.message
      : `${quoted(text)} is neither a time nor a duration; ${example}`,
  );
}

function pointInTime(text: string, parts: RegExpExecArray): MomentParse {
  const [, year, month, day, hour, , , zone] = parts;
  if (zone === undefined) return refused(`${quoted(text)} has no time zone; ${example}`);
  const at_ms = Date.parse(text.toUpperCase());
  // Date.parse takes February 30 for March 2, and 24:00.
  const days = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  const isReal = !Number.isNaN(at_ms) && Number(day) <= days && Number(hour) < 24;
  if (!isReal) return refused(`${quoted(text)} is no time that exists; ${example}`);
  if (at_ms < 0) return refused(`${quoted(text)} lies before 1970`);
  return { ok: true, value: { at_ms } };
}

function refused(message: string): MomentParse {
  return { ok: false, message };
}
