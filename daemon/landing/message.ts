import type { TaskId } from "../../ipc/ids.ts";

/**
 * The message of a landed commit: what was asked for, without any `Orchd-` trailer that it brings
 * along (an agent may have copied an older commit), then the task's own trailers, then ours:
 *
 *     Add the parser
 *
 *     Reviewed-by: Ada <ada@example.com>
 *     Orchd-Task: parse
 *     Orchd-Attempt: 2
 */
type MessageParts = {
  readonly message: string;
  readonly trailers: Readonly<Record<string, string>>;
  readonly task: TaskId;
  readonly attempt: number;
};

/** Key of a trailer as `git interpret-trailers` reads it: spaces may stand before the colon. */
const trailerLine = /^[A-Za-z0-9-]+\s*:/;
const ourLine = /^\s*orchd-[a-z0-9-]*\s*:/i;
const continuation = /^[ \t]+\S/;

export function commitMessage({ message, trailers, task, attempt }: MessageParts): string {
  const text = withoutOurTrailers(message) || `Task ${task}`;
  const added = [
    ...Object.entries(trailers)
      .filter(([key]) => trailerLine.test(`${key}:`) && !ourLine.test(`${key}:`))
      .map(([key, value]) => `${key}: ${oneLine(value)}`),
    `Orchd-Task: ${task}`,
    `Orchd-Attempt: ${attempt}`,
  ];
  return `${text}${endsInTrailers(text) ? "\n" : "\n\n"}${added.join("\n")}\n`;
}

/** Without every line of ours and what is folded below it; NUL, which a commit cannot hold, is dropped. */
export function withoutOurTrailers(message: string): string {
  let dropping = false;
  const lines = message
    .replaceAll("\0", "")
    .replace(/\r\n?/g, "\n")
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

/** A first paragraph is never a trailer block, however much `fix: this` looks like one. */
function endsInTrailers(text: string): boolean {
  const paragraphs = text.split("\n\n");
  const last = paragraphs.at(-1)?.split("\n") ?? [];
  return (
    paragraphs.length > 1 &&
    trailerLine.test(last[0] ?? "") &&
    last.every((one) => trailerLine.test(one) || continuation.test(one))
  );
}

/** A value with a line break would smuggle in a trailer of its own. */
function oneLine(value: string): string {
  return value.replace(/[\0\s]+/g, " ").trim();
}

/** `Name <mail>` → its parts; `null` when it is not of that form. */
export function parseAuthor(author: string): { name: string; email: string } | null {
  const [, name, email] = /^\s*([^<>\n\0]*[^<>\s\0])\s*<([^<>\s\0]*)>\s*$/.exec(author) ?? [];
  return name === undefined || email === undefined ? null : { name, email };
}
