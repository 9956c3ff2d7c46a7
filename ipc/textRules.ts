import { reservedKeyFault } from "./document.ts";
import { quoted } from "./location.ts";

/**
 * Rules for the texts of a task and of the configuration, each a function from the text to what is
 * wrong with it, in words, or `null`. The schema of the files and the supervisor's own check of what
 * comes over the socket use the same ones.
 */
export type Rule = (text: string) => string | null;

/** Characters of one word of a command line: a little less than what Linux accepts (MAX_ARG_STRLEN, 128 KiB). */
export const wordLengthMax = 120_000;

/** C0, C1, line separators, and the marks that reorder text on screen. */
const unprintable = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
const unprintableInLines = /[^\P{Cc}\t\n]|[\u202a-\u202e\u2066-\u2069]/u;

/** One line that people see in tables and logs. */
export function lineRule(lengthMax: number): Rule {
  return (text) => {
    if (text.trim() === "") return "is empty; write something or leave it out";
    if (text.length > lengthMax) return tooLong(text, lengthMax);
    if (/[\r\n]/.test(text)) return "has a line end; it must be one line";
    if (unprintable.test(text))
      return "holds a control character, which could deceive on a terminal";
    return wellFormedFault(text);
  };
}

/** Several lines that people see; tabs and line ends are fine. */
export function linesRule(lengthMax: number): Rule {
  return (text) => {
    if (text.trim() === "") return "is empty; write something or leave it out";
    if (text.length > lengthMax) return tooLong(text, lengthMax);
    if (unprintableInLines.test(text)) {
      return "holds a control character, which could deceive on a terminal";
    }
    return wellFormedFault(text);
  };
}

/** What a program receives: anything but NUL, which ends a text for the kernel. */
export function wordRule(lengthMax: number): Rule {
  return (text) => {
    if (text.length > lengthMax) return tooLong(text, lengthMax);
    if (text.includes("\0")) return "holds a NUL character, which no program can receive";
    return wellFormedFault(text);
  };
}

/** Half a surrogate pair would come out of the journal as another character than went in. */
function wellFormedFault(text: string): string | null {
  return text.isWellFormed() ? null : "holds half of a surrogate pair, which UTF-8 cannot express";
}

function tooLong(text: string, lengthMax: number): string {
  return `has ${text.length} characters; at most ${lengthMax} are allowed`;
}

/** Names of variables that must not come from a task, and why. */
const refusedVariables: readonly { readonly names: RegExp; readonly why: string }[] = [
  { names: /^ORCHD_/, why: "names that begin with ORCHD_ belong to orchd" },
  { names: /^GIT_/, why: "it would change what git does in the workspace" },
  { names: /^(?:LD_|DYLD_)/, why: "it would change what the program loader loads" },
  {
    names: /^(?:NODE_OPTIONS|BASH_ENV|ENV|PYTHONSTARTUP)$/,
    why: "it would run other code in every program that the task starts",
  },
  { names: /^npm_config_/i, why: "it would change what npm runs; use a .npmrc in the repository" },
];

/** Also for the names of secrets. */
export const variableName: Rule = (name) => {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,254}$/.test(name)) {
    return `${quoted(name)} is no name for a variable; use letters, digits and \`_\`, not a digit first`;
  }
  const refused = refusedVariables.find(({ names }) => names.test(name));
  if (refused !== undefined) return `${name} cannot be set by a task: ${refused.why}`;
  return reservedKeyFault(name);
};

export const resourceName: Rule = (name) => {
  if (/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/.test(name)) return reservedKeyFault(name);
  return `${quoted(name)} is no name for a resource; use letters, digits and \`. _ : / -\`, at most 64, a letter or digit first`;
};

/** The token of a git trailer (git-interpret-trailers). */
export const trailerKey: Rule = (key) => {
  if (!/^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(key)) {
    return `${quoted(key)} is no trailer key; use letters, digits and \`-\`, as in Reviewed-by`;
  }
  if (/^orchd-/i.test(key))
    return `${key} cannot be set: Orchd- trailers are written by orchd alone`;
  return reservedKeyFault(key);
};

const authorLengthMax = 200;
const authorLine = lineRule(authorLengthMax);

/** `Name <mail>`, as git takes it. */
export const authorRule: Rule = (author) => {
  const fault = authorLine(author);
  if (fault !== null) return fault;
  return /^[^<>\s][^<>]* <[^<>\s]+>$/.test(author)
    ? null
    : "must be a name and an address, as in Ada Lovelace <ada@example.org>";
};
