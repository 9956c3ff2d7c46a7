import { Composer, isAlias, isMap, isScalar, Lexer, Parser } from "yaml";
import type {
  Alias,
  CST,
  Document,
  ErrorCode,
  Pair,
  ParsedNode,
  Scalar as YamlScalar,
  YAMLMap,
  YAMLParseError,
  YAMLSeq,
  YAMLWarning,
} from "yaml";
import { nestingMax, problemsMax, tooDeep } from "./document.ts";
import type { DocumentNode, DocumentParse, Entry, TextFault } from "./document.ts";
import { quoted } from "./location.ts";

/**
 * YAML 1.2 (core schema) with the place of everything in it. The steps are apart because each is
 * safe only after the one before:
 *
 *   1 tokens    nesting is counted on the parser's own stack, after every token: nothing recursed yet
 *   2 compose   recursion, at most `nestingMax` deep; duplicate keys are not looked for here, because
 *               the package compares each with all others (a minute for a megabyte)
 *   3 convert   aliases are followed here; what they multiply is counted, so that a small file
 *               cannot stand for a huge value ("billion laughs")
 */
export function parseYaml(text: string): DocumentParse {
  const tokens = tokensOf(text);
  if (!tokens.ok) return tokens;
  const documents = firstTwo(new Composer(options).compose(tokens.tokens, true, text.length));
  const faults = documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]);
  if (faults.length > 0) {
    return { ok: false, faults: faults.slice(0, syntaxFaultsMax).map(textFault) };
  }
  const second = documents[1];
  if (second !== undefined) return { ok: false, faults: [severalDocuments(text, second)] };
  return converted(text, documents[0]);
}

const options = {
  prettyErrors: false,
  uniqueKeys: false,
  stringKeys: true,
  resolveKnownTags: false,
  logLevel: "error",
} as const;

/** Nodes that a text may stand for once its aliases are followed; a text of 1 MiB without aliases has fewer. */
const nodesMax = 600_000;

/** One mistake in YAML often makes many; the first ones tell enough. */
const syntaxFaultsMax = 5;

/** More lines that begin with `%` than this are refused unread: composing makes an error object of each. */
const directivesMax = 100;

type Tokens = { readonly ok: true; readonly tokens: readonly CST.Token[] };

function tokensOf(text: string): Tokens | Extract<DocumentParse, { ok: false }> {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  const faults: TextFault[] = [];
  let directives = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      tokens.push(token);
      if (token.type === "error")
        faults.push({ offset: token.offset, message: `is not YAML: ${token.message}` });
      if (token.type === "directive" && (directives += 1) > directivesMax)
        return { ok: false, faults: [{ offset: token.offset, message: tooManyDirectives }] };
    }
    // Composing takes quadratic time in the number of stray tokens.
    if (faults.length >= syntaxFaultsMax) return { ok: false, faults };
    // One level more for the document itself, and one for the scalar at the bottom.
    if (parser.stack.length > nestingMax + 2) {
      return { ok: false, faults: [{ offset: parser.offset, message: tooDeep }] };
    }
  }
  tokens.push(...parser.end());
  return { ok: true, tokens };
}

const tooManyDirectives = `is not YAML: more than ${directivesMax} lines that begin with %`;

/** A second one is one too many, so the others need not be composed. */
function firstTwo(documents: Iterable<Document.Parsed>): Document.Parsed[] {
  const first: Document.Parsed[] = [];
  for (const document of documents) {
    first.push(document);
    if (first.length === 2) break;
  }
  return first;
}

function textFault({ code, message, pos }: YAMLParseError | YAMLWarning): TextFault {
  return { offset: pos[0], message: `is not YAML: ${plainerMessages[code] ?? message}` };
}

/** Where the package speaks to programmers. */
const plainerMessages: Partial<Record<ErrorCode, string>> = {
  NON_STRING_KEY: "a key must be a text",
  TAG_RESOLVE_FAILED: "a tag (`!…`) that has no meaning here",
  MULTILINE_IMPLICIT_KEY: "a key must stand on one line, before its `:`",
  TAB_AS_INDENT: "a tab in the indentation; use spaces",
};

function severalDocuments(text: string, second: Document.Parsed): TextFault {
  const marker = text.lastIndexOf("---", second.range[0]);
  return {
    offset: Math.max(marker, 0),
    message: "begins a second document; write one file for each, or one list under `tasks`",
  };
}

function converted(text: string, document: Document.Parsed | undefined): DocumentParse {
  const contents = document?.contents ?? null;
  if (contents === null || isEmpty(contents)) return { ok: false, faults: [nothing(text)] };
  const walk: Walk = { anchors: new Map(), nodes: 0, faults: [] };
  const { node } = convert(contents, walk, 0);
  return walk.faults.length > 0 ? { ok: false, faults: walk.faults } : { ok: true, root: node };
}

function isEmpty(node: ParsedNode): boolean {
  return isScalar(node) && node.value === null && (node.source ?? "") === "";
}

function nothing(text: string): TextFault {
  const message = text.trim() === "" ? "is empty" : "holds nothing but comments";
  return { offset: 0, message };
}

/** What the walk has met: anchors by name, the newest of each; nodes with all that aliases stand for. */
type Walk = {
  readonly anchors: Map<string, Converted>;
  nodes: number;
  readonly faults: TextFault[];
};
/** `size` and `height` tell what an alias to this node adds. */
type Converted = { readonly node: DocumentNode; readonly size: number; readonly height: number };

function convert(node: ParsedNode, walk: Walk, depth: number): Converted {
  if (isAlias(node)) return followed(node, walk, depth);
  if (!isScalar(node) && depth === nestingMax) return refused(walk, node.range[0], tooDeep);
  const before = walk.nodes;
  walk.nodes += 1;
  const { node: made, height } = isScalar(node)
    ? { node: scalarNode(node, walk), height: 0 }
    : collection(node, walk, depth + 1);
  const converted = { node: made, size: walk.nodes - before, height };
  // Only now, so that a node cannot hold itself.
  if (node.anchor !== undefined) walk.anchors.set(node.anchor, converted);
  return converted;
}

function followed(alias: Alias.Parsed, walk: Walk, depth: number): Converted {
  const offset = alias.range[0];
  const target = walk.anchors.get(alias.source);
  if (target === undefined) return refused(walk, offset, unknownAnchor(alias.source));
  if (depth + target.height > nestingMax) return refused(walk, offset, tooDeep);
  if (walk.nodes + target.size > nodesMax) {
    return refused(
      walk,
      offset,
      `stands for too much: aliases multiply this file beyond its limit`,
    );
  }
  walk.nodes += target.size;
  return target;
}

function unknownAnchor(name: string): string {
  return `names ${quoted(name)}, but no anchor of that name ended before this place`;
}

function collection(
  node: YAMLMap.Parsed | YAMLSeq.Parsed,
  walk: Walk,
  depth: number,
): { node: DocumentNode; height: number } {
  let height = 0;
  const below = (child: ParsedNode): DocumentNode => {
    const converted = convert(child, walk, depth);
    height = Math.max(height, converted.height + 1);
    return converted.node;
  };
  const offset = node.range[0];
  const made: DocumentNode = isMap<ParsedNode, ParsedNode | null>(node)
    ? { kind: "map", offset, entries: node.items.map((pair) => entry(pair, below)) }
    : { kind: "list", offset, items: node.items.map(below) };
  return { node: made, height };
}

function entry(
  { key, value }: Pair<ParsedNode, ParsedNode | null>,
  below: (child: ParsedNode) => DocumentNode,
): Entry {
  const keyNode = below(key);
  const keyOffset = keyNode.offset;
  return {
    key: keyNode.kind === "scalar" ? String(keyNode.value) : "",
    keyOffset,
    value: value === null ? { kind: "scalar", offset: keyOffset, value: null } : below(value),
  };
}

function scalarNode(node: YamlScalar.Parsed, walk: Walk): DocumentNode {
  const { value } = node;
  const offset = node.range[0];
  if (
    value === null ||
    typeof value === "string" ||
    typeof value === "number" ||
    typeof value === "boolean"
  ) {
    return { kind: "scalar", offset, value };
  }
  return refused(walk, offset, "is a value that a task file cannot hold").node;
}

function refused(walk: Walk, offset: number, message: string): Converted {
  if (walk.faults.length < problemsMax) walk.faults.push({ offset, message });
  return { node: { kind: "scalar", offset, value: null }, size: 0, height: 0 };
}
