/**
 * Where something stands: in a text by line and column, in a value by its field.
 */

/** Keys and list positions (from 0) that lead from the whole value to one place in it. */
export type FieldPath = readonly (string | number)[];

/** Both start at 1; columns count UTF-16 units, as editors do. */
export type Position = { readonly line: number; readonly column: number };

const bareKey = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const shownKeyMax = 64;

/** `["tasks", 3, "claims"]` → `tasks[3].claims`; a key that is no plain word comes in quotes: `env["a b"]`. */
export function fieldName(path: FieldPath): string {
  return path.map(fieldStep).join("");
}

/** The inverse of `fieldName`, for names whose keys are plain words: `after[0]` → `["after", 0]`. */
export function pathOfField(field: string): FieldPath {
  return field
    .split(/[.[\]]+/)
    .filter((step) => step !== "")
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

function fieldStep(step: string | number, index: number): string {
  if (typeof step === "number") return `[${step}]`;
  if (!bareKey.test(step)) return `[${quoted(step)}]`;
  return index === 0 ? step : `.${step}`;
}

/** A text from outside in double quotes: control characters escaped, a long one cut. */
export function quoted(text: string, lengthMax = shownKeyMax): string {
  const characters = Array.from(text.slice(0, 2 * lengthMax + 2));
  const cut = characters.length > lengthMax ? `${characters.slice(0, lengthMax).join("")}…` : text;
  return JSON.stringify(cut).replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Finds the line starts of `text` once; the function that comes back turns offsets into positions. */
export function positionsIn(text: string): (offset: number) => Position {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    const line = lastNotAfter(starts, offset);
    return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
  };
}

/** Index of the last number that is at most `limit`, in an ascending list that begins with 0. */
function lastNotAfter(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((numbers[middle] ?? 0) <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
}
