import { resolve } from "node:path";
import { fail, failure, FailureError } from "../ipc/errors.ts";
import type { Failure, Problem, Result } from "../ipc/errors.ts";
import { mintTaskId } from "../ipc/ids.ts";
import { readLimited, taskFileBytesMax } from "../ipc/limitedText.ts";
import { pathOfField } from "../ipc/location.ts";
import { parseTaskFile } from "../ipc/taskFile.ts";
import type { TaskFile } from "../ipc/taskFile.ts";
import type { TaskSpec } from "../ipc/taskSpec.ts";
import { plural } from "./render/text.ts";
import type { Terminal } from "./terminal.ts";

/** A task file's bytes, or why it cannot be read; the name stands in front of its problems. */
export type TaskSource = { readonly name: string; readonly read: Result<Uint8Array> };

/** `tasks[3].after[0]`: the index among all tasks of a submit, and where in that one. */
const fieldOfSubmit = /^tasks\[(\d+)\]\.?(.*)$/s;

/** Reads every file; `-` is standard input. */
export async function readSources(
  files: readonly string[],
  terminal: Terminal,
  verb: "submit" | "plan" = "submit",
): Promise<readonly TaskSource[]> {
  if (files.filter((file) => file === "-").length > 1)
    throw new FailureError(failure("usage", `${verb}: standard input (-) can be read only once.`));
  return await Promise.all(files.map((file) => readSource(file, terminal)));
}

/**
 * The specs of all the files, or a `FailureError` with everything that is wrong in any of them.
 *
 * @param timeoutMs for tasks that name no timeout
 */
export function specsOf(
  sources: readonly TaskSource[],
  timeoutMs: number | null,
): readonly TaskSpec[] {
  return specsFrom(sources, { timeoutMs, circles: "refused", outcome: "nothing was submitted" });
}

/** The same for a plan, which tells about circles itself. */
export function specsToPlan(sources: readonly TaskSource[]): readonly TaskSpec[] {
  return specsFrom(sources, { timeoutMs: null, circles: "kept", outcome: "there is no plan" });
}

type Reading = { readonly timeoutMs: number | null; readonly circles: "refused" | "kept" };

function specsFrom(
  sources: readonly TaskSource[],
  reading: Reading & { readonly outcome: string },
): readonly TaskSpec[] {
  const parsed = sources.map((source) => parse(source, reading));
  const bad = parsed.flatMap(({ name, result }) =>
    result.ok ? [] : [{ name, failure: result.failure }],
  );
  throwAll(bad, sources.length, reading.outcome);
  return parsed.flatMap(({ result }) => (result.ok ? result.value.specs : []));
}

function parse({ name, read }: TaskSource, { timeoutMs, circles }: Reading): Parsed {
  const options = { name, mint: mintTaskId, circles, ...(timeoutMs === null ? {} : { timeoutMs }) };
  return { name, result: read.ok ? parseTaskFile(read.value, options) : read };
}

/** What the supervisor found wrong with submitted tasks, placed in the files that they came from. */
export function placedIn(sources: readonly TaskSource[], refusal: Failure): Failure {
  const files = sources.flatMap(({ name, read }) => {
    const { result } = parse({ name, read }, { timeoutMs: null, circles: "refused" });
    return result.ok ? [result.value] : [];
  });
  const problems = refusal.problems.flatMap((problem) => placedProblem(files, problem));
  return { ...refusal, problems };
}

function placedProblem(files: readonly TaskFile[], problem: Problem): readonly Problem[] {
  const [, number, field = ""] = fieldOfSubmit.exec(problem.field) ?? [];
  let index = Number(number);
  for (const file of files) {
    if (index < file.specs.length) return file.placed(index, pathOfField(field), problem.message);
    index -= file.specs.length;
  }
  return [problem];
}

type Parsed = { readonly name: string; readonly result: Result<TaskFile> };
type Bad = { readonly name: string; readonly failure: Failure };

async function readSource(file: string, terminal: Terminal): Promise<TaskSource> {
  const name = file === "-" ? "stdin" : file;
  const source = file === "-" ? terminal.input() : resolve(terminal.cwd, file);
  const limit = { name, bytesMax: taskFileBytesMax, code: "invalid_task" } as const;
  const read = await readLimited(source, limit);
  // What cannot be read has no content to be advised about.
  return { name, read: read.ok ? read : fail({ ...read.failure, hint: null }) };
}

function throwAll(bad: readonly Bad[], files: number, outcome: string): void {
  const [first] = bad;
  if (first === undefined) return;
  if (files === 1) throw new FailureError(first.failure);
  const problems = bad.flatMap(problemsOf);
  const message = `${bad.length} of ${plural(files, "file")} cannot be used; ${outcome}.`;
  throw new FailureError(failure("invalid_task", message, { problems }));
}

function problemsOf({ name, failure: { message, problems } }: Bad): readonly Problem[] {
  if (problems.length > 0) return problems;
  return [{ file: name, line: null, column: null, field: "", message }];
}
