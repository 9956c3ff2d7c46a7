import { cleanText, withTrailers } from "../../ipc/commitText.ts";
import type { TaskId } from "../../ipc/ids.ts";
import { trailerList } from "../../ipc/trailers.ts";
import type { Trailers } from "../../ipc/trailers.ts";

/**
 * The message of a landed commit: what was asked for, without any `Orchd-` trailer that it brings
 * along, then the trailers of the task and of orchd.yaml that it lacks, then ours:
 *
 *     Add the parser
 *
 *     Reviewed-by: Ada <ada@example.com>
 *     Orchd-Task: parse
 *     Orchd-Attempt: 2
 */
type MessageParts = {
  readonly message: string;
  readonly trailers: Trailers;
  readonly task: TaskId;
  readonly attempt: number;
};

const keyForm = /^[A-Za-z0-9-]+$/;
const ourKey = /^orchd-/i;

export function commitMessage({ message, trailers, task, attempt }: MessageParts): string {
  const added = trailerList(trailers).filter(({ key }) => keyForm.test(key) && !ourKey.test(key));
  const ours = [
    { key: "Orchd-Task", value: task },
    { key: "Orchd-Attempt", value: `${attempt}` },
  ];
  return `${withTrailers(cleanText(message) || `Task ${task}`, added, ours)}\n`;
}

/** `Name <mail>` → its parts; `null` when it is not of that form. */
export function parseAuthor(author: string): { name: string; email: string } | null {
  const [, name, email] = /^\s*([^<>\n\0]*[^<>\s\0])\s*<([^<>\s\0]*)>\s*$/.exec(author) ?? [];
  return name === undefined || email === undefined ? null : { name, email };
}
