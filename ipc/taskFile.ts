import { keyFaults, plainValue, problemsOf, textProblems, unplacedProblems } from "./document.ts";
import type { DocumentParse, Fault } from "./document.ts";
import { fail, failure, ok } from "./errors.ts";
import type { Problem, Result } from "./errors.ts";
import type { TaskId } from "./ids.ts";
import { parseJson } from "./json.ts";
import { decodedText, taskFileBytesMax } from "./limitedText.ts";
import type { FieldPath } from "./location.ts";
import { faultsOf, wording } from "./schemaFaults.ts";
import { specsOf } from "./taskFields.ts";
import { timeoutMsDefault } from "./taskRules.ts";
import { taskFileSchema, taskSchema } from "./taskSchema.ts";
import type { TaskSpec } from "./taskSpec.ts";
import { parseYaml } from "./yaml.ts";

/**
 * Task files: JSON or YAML text in, specs out, or all that is wrong with it at once.
 *
 *     text ─► tree with places ─► schema ─► rules between fields and tasks ─► specs
 *
 * Each step runs only if the one before found nothing, except that the keys of the tree and the
 * schema are looked at together. Nothing is read from disk here; `ipc/limitedText.ts` does that.
 */
export type TaskFileFormat = "json" | "yaml" | "auto";

export type TaskFileOptions = {
  /** As the person named it; it stands in front of every problem. */
  readonly name: string;
  /** `auto` goes by the ending of the name, else by the first character. */
  readonly format?: TaskFileFormat;
  readonly mint: () => TaskId;
  /** For tasks that name no timeout: `limits.timeout_ms` of the configuration, 1 h by default. */
  readonly timeoutMs?: number;
  /** `kept`: tasks that wait for each other in a circle are no problem here. Default: `refused`. */
  readonly circles?: "refused" | "kept";
};

export type TaskFile = {
  readonly specs: readonly TaskSpec[];
  /** Where a field of the spec with this index stands; for what only the supervisor can find. */
  readonly placed: (index: number, path: FieldPath, message: string) => readonly Problem[];
};

/** Errors: `invalid_task`, its problems placed by line, column and field. */
export function parseTaskFile(
  text: Uint8Array | string,
  options: TaskFileOptions,
): Result<TaskFile> {
  const { name } = options;
  const read = decodedText(text, { name, bytesMax: taskFileBytesMax, code: "invalid_task" });
  if (!read.ok) return read;
  const source = { name, text: read.value };
  const parsed = parseText(source.text, options.format ?? formatOf(name));
  if (!parsed.ok) return refused(name, textProblems(parsed.faults, source));
  const value = plainValue(parsed.root);
  const made = specsFrom(value, options);
  const faults = [...withoutRepeats(keyFaults(parsed.root), made.faults)];
  const place = { ...source, root: parsed.root };
  if (faults.length > 0) return refused(name, problemsOf(faults, place));
  const placed: TaskFile["placed"] = (index, path, message) =>
    problemsOf([{ path: [...pathIn(value, index), ...path], message }], place);
  return ok({ specs: made.specs, placed });
}

/** The same for a value that a program made, such as `orchd run` from its flags. */
export function parseTaskValue(value: unknown, options: TaskFileOptions): Result<TaskFile> {
  const { specs, faults } = specsFrom(value, options);
  if (faults.length > 0) return refused(options.name, unplacedProblems(faults));
  const placed: TaskFile["placed"] = (index, path, message) =>
    unplacedProblems([{ path: [...pathIn(value, index), ...path], message }]);
  return ok({ specs, placed });
}

function formatOf(name: string): TaskFileFormat {
  if (/\.json$/i.test(name)) return "json";
  return /\.ya?ml$/i.test(name) ? "yaml" : "auto";
}

function parseText(text: string, format: TaskFileFormat): DocumentParse {
  switch (format) {
    case "json":
      return text.trim() === "" ? isEmpty : parseJson(text);
    case "yaml":
      return parseYaml(text);
    case "auto":
      return /^\s*[{[]/.test(text) ? jsonOrFlowYaml(text) : parseYaml(text);
  }
}

const isEmpty: DocumentParse = { ok: false, faults: [{ offset: 0, message: "is empty" }] };

/** YAML may begin with a bracket too; if it is neither, JSON was meant. */
function jsonOrFlowYaml(text: string): DocumentParse {
  const json = parseJson(text);
  if (json.ok) return json;
  const yaml = parseYaml(text);
  return yaml.ok ? yaml : json;
}

type Specs = { readonly specs: readonly TaskSpec[]; readonly faults: readonly Fault[] };

function specsFrom(value: unknown, options: TaskFileOptions): Specs {
  const making = {
    mint: options.mint,
    timeoutMs: options.timeoutMs ?? timeoutMsDefault,
    circles: options.circles ?? "refused",
  };
  if (Array.isArray(value)) {
    return refusedSpecs([{ path: [], message: 'is a list; write {"tasks":[…]}, or one task' }]);
  }
  if (isFileOfTasks(value)) {
    const parsed = taskFileSchema.safeParse(value, { error: wording });
    if (!parsed.success) return refusedSpecs(faultsOf(parsed.error.issues));
    const pathOf = (index: number) => pathIn(value, index);
    return specsOf(parsed.data.tasks, parsed.data.behavior ?? "parallel", pathOf, making);
  }
  const parsed = taskSchema.safeParse(value, { error: wording });
  if (!parsed.success) return refusedSpecs(faultsOf(parsed.error.issues));
  return specsOf([parsed.data], "parallel", () => [], making);
}

/** A file is one task, or holds a list of them. */
function pathIn(value: unknown, index: number): FieldPath {
  return isFileOfTasks(value) ? ["tasks", index] : [];
}

function refusedSpecs(faults: readonly Fault[]): Specs {
  return { specs: [], faults };
}

function isFileOfTasks(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "tasks");
}

/** A key that the tree already complained about is not reported as unknown once more. */
function withoutRepeats(keys: readonly Fault[], others: readonly Fault[]): Fault[] {
  const named = new Set(keys.map(({ path }) => JSON.stringify(path)));
  return [
    ...keys,
    ...others.filter(({ path, at }) => at !== "key" || !named.has(JSON.stringify(path))),
  ];
}

function refused(name: string, problems: readonly Problem[]): Result<never> {
  const count = problems.length === 1 ? "" : ` (${problems.length} problems)`;
  return fail(failure("invalid_task", `${name} is not a valid task file${count}`, { problems }));
}
