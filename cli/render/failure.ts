import type { Failure, Problem } from "../../ipc/errors.ts";
import type { Paint } from "./paint.ts";
import { plain } from "./text.ts";

const problemsShown = 20;

/**
 * A failure for people: what happened, where, what to do next.
 *
 *     orchd: the task file is not valid
 *       tasks.yaml:3:12  tasks[0].timeout  "soon" is not a duration
 *     `orchd schema task` prints what a task file may hold.
 */
export function failureText(failure: Failure, paint: Paint): string {
  const shown = failure.problems.slice(0, problemsShown).map((problem) => problemLine(problem));
  const hidden = failure.problems.length - shown.length;
  return [
    `${paint("bad", "orchd:")} ${messageText(failure.message)}`,
    ...shown.map((line) => `  ${line}`),
    ...(hidden > 0 ? [`  and ${hidden} more`] : []),
    ...(failure.hint === null ? [] : [paint("dim", messageText(failure.hint))]),
  ].join("\n");
}

/** `{"error":{…}}`, one line: what `--json` prints on standard error. */
export function failureJson(failure: Failure): string {
  const { code, message, hint, problems } = failure;
  return JSON.stringify({ error: { code, message, hint, problems } });
}

/** Where, which field, what is wrong. */
export function problemLine(problem: Problem): string {
  const place = [problem.file, problem.line, problem.line === null ? null : problem.column]
    .filter((part) => part !== null)
    .join(":");
  return [place, problem.field, problem.message]
    .map(plain)
    .filter((part) => part !== "")
    .join("  ");
}

/** Keeps line ends (git's words may have several) and nothing else a terminal would obey. */
function messageText(text: string): string {
  return text.trimEnd().split("\n").map(plain).join("\n  ");
}
