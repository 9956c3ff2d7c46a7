import { fit } from "./render/text.ts";
import type { Output } from "./terminal.ts";

/**
 * Text on a terminal that is drawn again and again. Whatever happens in between, disposing gives the
 * terminal back as it was: main screen, visible cursor, nothing half drawn.
 */
export type Drawing = Disposable & { readonly draw: (text: string) => void };

const escape = "\u001b[";
const clearLine = `${escape}2K\r`;
const clearToEnd = `${escape}K`;
const clearBelow = `${escape}J`;
const home = `${escape}H`;
/** Without wrapping: a line that is too long for a narrow window must not push the others down. */
const enterScreen = `${escape}?1049h${escape}?25l${escape}?7l`;
const leaveScreen = `${escape}?7h${escape}?25h${escape}?1049l`;

/** One line that replaces itself and is gone at the end. */
export function liveLine(output: Output): Drawing {
  let shown = "";
  const draw = (text: string): void => {
    const line = fit(text, output.columns() - 1);
    if (line === shown) return;
    shown = line;
    output.write(clearLine + line);
  };
  return { draw, [Symbol.dispose]: () => output.write(shown === "" ? "" : clearLine) };
}

/** The whole window, in the terminal's alternate screen; what does not fit below is counted. */
export function fullScreen(output: Output): Drawing {
  output.write(enterScreen);
  const draw = (text: string): void => {
    const lines = cropped(text.split("\n"), output.rows());
    const body = lines.map((line) => line + clearToEnd).join("\r\n");
    output.write(home + body + clearBelow);
  };
  return { draw, [Symbol.dispose]: () => output.write(leaveScreen) };
}

export function cropped(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  const hidden = lines.length - rows + 1;
  return [...lines.slice(0, Math.max(0, rows - 1)), `… ${hidden} more lines`];
}
