/** Colours by meaning. Text is measured and cut first and painted last, so that widths stay right. */
export type Style = "good" | "bad" | "warn" | "live" | "dim" | "strong";
export type Paint = (style: Style, text: string) => string;

const codes: Readonly<Record<Style, readonly [number, number]>> = {
  good: [32, 39],
  bad: [31, 39],
  warn: [33, 39],
  live: [36, 39],
  dim: [2, 22],
  strong: [1, 22],
};

export function painter(colour: boolean): Paint {
  if (!colour) return (_style, text) => text;
  return (style, text) => {
    const [on, off] = codes[style];
    return text === "" ? "" : `\u001b[${on}m${text}\u001b[${off}m`;
  };
}

/** What a renderer needs to know of where its text will stand. */
export type Look = {
  /** Columns; `Infinity` where nothing may be cut (a file, a pipe). */
  readonly width: number;
  readonly paint: Paint;
  /** Milliseconds since the epoch: ages count from here. */
  readonly now: number;
};
