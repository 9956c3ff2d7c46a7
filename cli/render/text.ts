import { stripVTControlCharacters } from "node:util";

/**
 * Text that others wrote (titles, the last line of an agent, git's words) made safe and measurable
 * for a terminal: an escape sequence in a title must not move the cursor or retitle the window.
 */
const unsafe = new RegExp("[\\p{Cc}\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]", "gu");
const wide =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}])/u;
const zeroWidth = /^[\p{Mn}\p{Me}\p{Cf}]/u;

/** One line without anything a terminal would obey: blanks for line ends and tabs, nothing for the rest. */
export function plain(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[\r\n\t]+/g, " ")
    .replace(unsafe, "");
}

/** Columns a plain text takes: 2 for East Asian wide and emoji, 0 for combining marks. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** Cuts a plain text to `width` columns, an ellipsis in the last one telling that something is gone. */
export function fit(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width < 1) return "";
  let kept = "";
  let used = 0;
  for (const character of text) {
    const next = characterWidth(character);
    if (used + next > width - 1) break;
    kept += character;
    used += next;
  }
  return `${kept.trimEnd()}…`;
}

export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}

/** `1 task`, `2 tasks`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `a, b and 3 more`, at most `most` of them by name. `total`: how many there are, if not all are in `names`. */
export function listed(names: readonly string[], most: number, total = names.length): string {
  const shown = names.slice(0, most).map(plain).join(", ");
  const rest = total - Math.min(most, names.length);
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}

function characterWidth(character: string): number {
  if (character >= " " && character <= "~") return 1;
  if (zeroWidth.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}
