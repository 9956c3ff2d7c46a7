import { displayWidth, fit, padEnd } from "./text.ts";
import type { Look, Style } from "./paint.ts";

/** A cell: plain text and how it is painted once its width is settled. */
export type Cell = string | { readonly text: string; readonly style: Style };

export type Column = {
  readonly heading?: string;
  readonly align?: "left" | "right";
  /** May be cut when the table is too wide, but not below this many columns. Absent: never cut. */
  readonly shrinkTo?: number;
  /** Gives way before the others do (a title before a reason). */
  readonly first?: true;
};

const gap = "  ";

/**
 * Aligned rows. Columns take what their longest cell needs; where that is more than the width,
 * columns marked `first` give way, then the widest that may shrink. Empty columns vanish. One line a row, no final newline.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  look: Look,
  indent = "",
): string {
  const headings = columns.map((column) => column.heading ?? "");
  const widths = columns.map((_, index) =>
    Math.max(0, ...rows.map((row) => displayWidth(textOf(row[index] ?? "")))),
  );
  const used = columns.map((_, index) => index).filter((index) => (widths[index] ?? 0) > 0);
  const titled = headings.some((heading) => heading !== "");
  for (const index of used)
    widths[index] = Math.max(widths[index] ?? 0, displayWidth(headings[index] ?? ""));
  shrink(columns, widths, used, look.width - displayWidth(indent));
  const line = (cells: readonly Cell[]): string =>
    indent + used.map((index, place) => drawn(index, place, cells[index] ?? "")).join(gap);
  const drawn = (index: number, place: number, cell: Cell): string => {
    const width = widths[index] ?? 0;
    const text = fit(textOf(cell), width);
    const painted = typeof cell === "string" ? text : look.paint(cell.style, text);
    const blanks = " ".repeat(Math.max(0, width - displayWidth(text)));
    if (columns[index]?.align === "right") return blanks + painted;
    return place === used.length - 1 ? painted : painted + blanks;
  };
  const head = headings.map((text): Cell => ({ text, style: "dim" }));
  return [...(titled && rows.length > 0 ? [head] : []), ...rows]
    .map((row) => line(row).trimEnd())
    .join("\n");
}

/** The same as lines: none for an empty table. */
export function rowsOf(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  look: Look,
  indent = "",
): string[] {
  return rows.length === 0 ? [] : table(columns, rows, look, indent).split("\n");
}

/** `name  value` lines, names in one dim column. */
export function fields(
  pairs: readonly (readonly [string, string])[],
  look: Look,
  indent = "",
): string {
  const width = Math.max(0, ...pairs.map(([name]) => displayWidth(name)));
  return pairs
    .map(([name, value]) => `${indent}${look.paint("dim", padEnd(name, width))}${gap}${value}`)
    .join("\n");
}

function shrink(
  columns: readonly Column[],
  widths: number[],
  used: readonly number[],
  available: number,
): void {
  let excess =
    used.reduce((sum, index) => sum + (widths[index] ?? 0), 0) +
    gap.length * Math.max(0, used.length - 1) -
    available;
  const mayShrink = (index: number): boolean =>
    (widths[index] ?? 0) > (columns[index]?.shrinkTo ?? Infinity);
  while (excess > 0) {
    const shrinkable = used.filter(mayShrink);
    const first = shrinkable.filter((index) => columns[index]?.first === true);
    const widest = (first.length > 0 ? first : shrinkable).reduce<number | null>(
      (best, index) => (best === null || (widths[index] ?? 0) > (widths[best] ?? 0) ? index : best),
      null,
    );
    if (widest === null) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}
