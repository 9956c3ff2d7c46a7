import { quoted } from "./location.ts";
import { messageLengthMax, messageRule, trailerLengthMax } from "./taskRules.ts";
import type { TaskSpec } from "./taskSpec.ts";
import type { Rule } from "./textRules.ts";
import { distinctTrailers, splitTrailers } from "./trailers.ts";
import type { Trailer } from "./trailers.ts";

/**
 * The message that a task lands with, as far as people and agents write it; orchd's own trailers come
 * on top (`daemon/landing/message.ts`). The first of these that there is:
 *
 *     `commit.message` of the task
 *     what the attempt's own commits say, if orchd.yaml says `commit.message: agent`
 *     `commit.template` of orchd.yaml, filled in; unless changed, the title
 *
 * A `commit-msg` hook of the person's may then change it. Supervisor and worker both need it: the worker
 * for the hook and for what the agent wrote, the supervisor for all others.
 */
type Source = {
  readonly spec: Pick<TaskSpec, "id" | "title" | "objective" | "decision" | "labels" | "commit">;
  readonly attempt: number;
  readonly template: string;
};

const fields = {
  id: ({ spec }) => spec.id,
  title: ({ spec }) => spec.title,
  objective: ({ spec }) => spec.objective ?? "",
  decision: ({ spec }) => spec.decision ?? "",
  labels: ({ spec }) => spec.labels.join(", "),
  attempt: ({ attempt }) => `${attempt}`,
} satisfies Record<string, (source: Source) => string>;

/** `{{` and `}}` stand for the brace itself. */
const token = /\{\{|\}\}|\{([^{}\n]*)\}|[{}]/g;

/** A template whose every placeholder is known. */
export const templateRule: Rule = (template) => {
  for (const [whole, name] of template.matchAll(token)) {
    if (whole === "{{" || whole === "}}") continue;
    if (name === undefined) return "has a single brace; write `{{` or `}}` for the character";
    if (Object.hasOwn(fields, name)) continue;
    const known = Object.keys(fields).map((field) => `{${field}}`);
    return `has the placeholder ${quoted(whole)}, which nobody knows; there are ${known.join(", ")}`;
  }
  return messageRule(template);
};

/** What the task and the template say. */
export function taskText(source: Source): string {
  return source.spec.commit.message ?? filled(source);
}

function filled(source: Source): string {
  return source.template.replace(token, (whole: string, name: string | undefined) => {
    if (name === undefined) return whole.slice(0, 1);
    return fields[name as keyof typeof fields](source);
  });
}

/**
 * What the commits of an attempt say, oldest first: of one commit its message, of several the task's
 * own words followed by all of them, and every trailer once at the end. `null`: they say nothing.
 */
export function agentText(messages: readonly string[], source: Source): string | null {
  const said = messages.map(cleanText).filter((text) => text !== "");
  const [only] = said;
  if (only === undefined) return null;
  const texts = said.length === 1 ? [only] : [cleanText(taskText(source)), ...said];
  const parts = texts.map(splitTrailers);
  const body = cut(parts.map((part) => part.body).join("\n\n"));
  return withTrailers(
    body,
    parts.flatMap((part) => part.trailers),
  );
}

/**
 * The text with these at its end, beside those that it ends in already, each once; at most
 * `messageTrailersMax` of at most `trailerLengthMax` characters, then `last`.
 */
export function withTrailers(
  text: string,
  more: readonly Trailer[],
  last: readonly Trailer[] = [],
): string {
  const { body, trailers } = splitTrailers(text);
  const kept = distinctTrailers([...trailers, ...more])
    .filter(({ key, value }) => key.length <= keyLengthMax && value.length <= trailerLengthMax)
    .slice(0, messageTrailersMax);
  const block = [...kept, ...last].map(({ key, value }) => `${key}: ${value}`).join("\n");
  return [body, block].filter(Boolean).join("\n\n");
}

const keyLengthMax = 64;
const messageTrailersMax = 32;

/** A message of at most `messageLengthMax` characters; what is cut off is said. */
function cut(text: string): string {
  if (text.length <= messageLengthMax) return text;
  return `${text.slice(0, messageLengthMax).toWellFormed().trimEnd()}\n\n[… cut off by orchd]`;
}

const unprintable = /[^\P{Cc}\t\n]|[\u202a-\u202e\u2066-\u2069]/gu;
const ourLine = /^\s*orchd-[a-z0-9-]*\s*:/i;
const continuation = /^[ \t]+\S/;

/**
 * As git tidies a message (no blank lines at its ends, one between paragraphs, none ends in spaces; a
 * line with `#` is text), without control characters and marks that reorder text on a screen, and
 * without every `Orchd-` trailer, with what is folded below it: an agent may have copied an older commit.
 */
export function cleanText(message: string): string {
  let dropping = false;
  const lines = message
    .replace(/\r\n?/g, "\n")
    .replaceAll(unprintable, "")
    .toWellFormed()
    .split("\n")
    .filter((text) => {
      dropping = ourLine.test(text) || (dropping && continuation.test(text));
      return !dropping;
    });
  return lines
    .map((text) => text.trimEnd())
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}
