import { nestingMax, tooDeep } from "./document.ts";
import type { DocumentNode, DocumentParse, Entry, Scalar, TextFault } from "./document.ts";
import { quoted } from "./location.ts";

/**
 * JSON (RFC 8259) with the place of everything in it, which `JSON.parse` does not tell. Reading ends
 * at the first mistake. Nesting is counted on the way down, so no text can exhaust the stack.
 */
export function parseJson(text: string): DocumentParse {
  const reader: Reader = { text, at: 0 };
  try {
    skipSpace(reader);
    const root = readNode(reader, 0);
    skipSpace(reader);
    if (reader.at < text.length) throw wrong(reader, "the end of the file");
    return { ok: true, root };
  } catch (error) {
    if (error instanceof JsonFault) return { ok: false, faults: [error.fault] };
    throw error;
  }
}

type Reader = { readonly text: string; at: number };

/** Leaves the recursion from any depth; never leaves this file. */
class JsonFault extends Error {
  readonly fault: TextFault;

  constructor(offset: number, message: string) {
    super(message);
    this.fault = { offset, message };
  }
}

const space = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
const word = /[A-Za-z_$][\w$]*/y;
const words: Readonly<Record<string, Scalar>> = { true: true, false: false, null: null };

function readNode(reader: Reader, depth: number): DocumentNode {
  const offset = reader.at;
  switch (reader.text[offset]) {
    case "{":
      return { kind: "map", offset, entries: readEntries(reader, below(reader, depth)) };
    case "[":
      return { kind: "list", offset, items: readItems(reader, below(reader, depth)) };
    case '"':
      return { kind: "scalar", offset, value: readString(reader) };
    default:
      return { kind: "scalar", offset, value: readNumberOrWord(reader) };
  }
}

function below({ at }: Reader, depth: number): number {
  if (depth === nestingMax) throw new JsonFault(at, tooDeep);
  return depth + 1;
}

function readEntries(reader: Reader, depth: number): Entry[] {
  const entries: Entry[] = [];
  readSeparated(reader, "}", () => {
    const keyOffset = reader.at;
    if (reader.text[keyOffset] !== '"') throw wrong(reader, "a key in double quotes");
    const key = readString(reader);
    skipSpace(reader);
    if (reader.text[reader.at] !== ":") throw wrong(reader, "`:`");
    reader.at += 1;
    skipSpace(reader);
    entries.push({ key, keyOffset, value: readNode(reader, depth) });
  });
  return entries;
}

function readItems(reader: Reader, depth: number): DocumentNode[] {
  const items: DocumentNode[] = [];
  readSeparated(reader, "]", () => items.push(readNode(reader, depth)));
  return items;
}

/** From an opening bracket to the closing one; `readOne` is called at the start of each element. */
function readSeparated(reader: Reader, close: "}" | "]", readOne: () => void): void {
  reader.at += 1;
  skipSpace(reader);
  if (reader.text[reader.at] === close) {
    reader.at += 1;
    return;
  }
  for (;;) {
    readOne();
    skipSpace(reader);
    const next = reader.text[reader.at];
    if (next !== "," && next !== close) throw wrong(reader, `\`,\` or \`${close}\``);
    const comma = reader.at;
    reader.at += 1;
    if (next === close) return;
    skipSpace(reader);
    if (reader.text[reader.at] === close) {
      throw new JsonFault(comma, `is not JSON: there is a comma before the \`${close}\``);
    }
  }
}

function readString(reader: Reader): string {
  const start = reader.at;
  const end = stringEnd(reader);
  reader.at = end;
  // Every escape was looked at, so this cannot fail.
  const value: unknown = JSON.parse(reader.text.slice(start, end));
  return String(value);
}

/** The offset behind the closing quote. */
function stringEnd({ text, at }: Reader): number {
  for (let index = at + 1; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 0x22) return index + 1;
    if (code < 0x20) throw new JsonFault(index, "is not JSON: a text ends before its line does");
    if (code !== 0x5c) continue;
    if (!/^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(text.slice(index, index + 6))) {
      throw new JsonFault(
        index,
        'is not JSON: unknown escape; a backslash itself is written "\\\\"',
      );
    }
    index += 1;
  }
  throw new JsonFault(at, "is not JSON: the text that begins here has no closing quote");
}

function readNumberOrWord(reader: Reader): number | Scalar {
  const digits = match(reader, number);
  if (digits !== null) {
    reader.at += digits.length;
    return Number(digits);
  }
  const name = match(reader, word);
  if (name === null || !Object.hasOwn(words, name)) throw wrong(reader, "a value");
  reader.at += name.length;
  return words[name] ?? null;
}

function skipSpace(reader: Reader): void {
  reader.at += match(reader, space)?.length ?? 0;
}

function match(reader: Reader, pattern: RegExp): string | null {
  pattern.lastIndex = reader.at;
  return pattern.exec(reader.text)?.[0] ?? null;
}

function wrong(reader: Reader, expected: string): JsonFault {
  return new JsonFault(reader.at, `is not JSON: expected ${expected}, found ${found(reader)}`);
}

function found(reader: Reader): string {
  const { text, at } = reader;
  if (at >= text.length) return "the end of the file";
  if (text[at] === "#" || text.startsWith("//", at) || text.startsWith("/*", at)) {
    return "a comment, which JSON has not (YAML has)";
  }
  if (text[at] === "'") return "a single quote; JSON has double quotes only";
  const name = match(reader, word);
  if (name !== null) return quoted(name, 20);
  return quoted(String.fromCodePoint(text.codePointAt(at) ?? 0));
}
