/** What `orchd doctor` found out about one thing. */
export type Finding = {
  /** A stable word: `journal`, `supervisor`, … Several findings may come from one check. */
  readonly check: string;
  readonly level: "ok" | "warning" | "problem";
  /** One sentence: what is so. */
  readonly message: string;
  /** What it leads to; `null` where the message says it. */
  readonly meaning: string | null;
  /** What one can do about it, the safest first; none when all is well. */
  readonly choices: readonly Choice[];
};

export type Choice = {
  readonly text: string;
  /** To be typed as it is; `null` where there is nothing to type. */
  readonly command: string | null;
};

export function fine(check: string, message: string): Finding {
  return { check, level: "ok", message, meaning: null, choices: [] };
}

type Trouble = {
  readonly message: string;
  readonly meaning: string;
  readonly choices?: readonly Choice[];
};

export function warning(check: string, { message, meaning, choices = [] }: Trouble): Finding {
  return { check, level: "warning", message, meaning, choices };
}

export function problem(check: string, { message, meaning, choices = [] }: Trouble): Finding {
  return { check, level: "problem", message, meaning, choices };
}

export function choice(text: string, command: string | null = null): Choice {
  return { text, command };
}

/** A path as one types it in a shell. */
export function typed(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
