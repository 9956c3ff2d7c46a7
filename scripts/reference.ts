import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { settings, variableOf } from "../ipc/config.ts";
import { errorCodes, exitCodeOf, exitCodes, failure } from "../ipc/errors.ts";
import type { ErrorCode } from "../ipc/errors.ts";
import { durationSchemaPattern } from "../ipc/schemaParts.ts";
import { configJsonSchema, taskJsonSchema } from "../ipc/schema.ts";

/**
 * Writes the tables of `docs/reference/` from the schemas and the catalogue of errors. A table stands
 * between two comments; everything around them is written by hand:
 *
 *     <!-- generated: task -->
 *     | field | form | meaning |
 *     <!-- end -->
 *
 * `node scripts/reference.ts` rewrites the pages, and a test fails while one of them is behind.
 */
const folder = join(import.meta.dirname, "../docs/reference");
export const pages = ["task.md", "config.md", "errors.md"] as const;

/** What generated tables need to know of a JSON Schema. */
type Schema = {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly maxLength?: number;
};

const codeMeanings: Record<ErrorCode, string> = {
  invalid_task:
    "A task or a task file breaks a rule; `problems` says which, where and what to write.",
  invalid_config: "The same for `orchd.yaml`, the environment and flags.",
  invalid_request: "A message on the socket that no client of orchd sends.",
  usage: "The command line was not understood.",
  not_a_repository: "The directory lies in no git repository.",
  not_initialised: "The repository was never prepared for orchd.",
  unsuitable_repository: "orchd cannot work in this repository; the message says why.",
  no_supervisor: "No supervisor answers for this repository.",
  connection_lost: "The supervisor went away during the call.",
  not_found: "No task, attempt or worker of that name exists.",
  already_running: "Another supervisor holds this repository; the message names its process.",
  id_taken: "A task of that id exists already, with other content.",
  wrong_status: "The task is in a status in which that cannot be done.",
  refused: "A rule forbids it; the message says which.",
  version_mismatch: "Client and supervisor speak different versions of the protocol.",
  journal_damaged: "The journal does not check out; it was set aside, not changed.",
  limit: "It would exceed a limit; the message names it.",
  disk_failed: "The disk answers with input/output errors; the message names the file.",
  disk_full: "The disk is full: nothing was changed, and it works again when there is space.",
  withdrawn: "Whoever waited gave no sign of life for `limits.stale_after` and lost its place.",
  busy: "Something else holds what is needed, for a short time.",
  stopping: "The supervisor is stopping and takes nothing new.",
  internal: "orchd itself is at fault.",
};

const exitMeanings: Record<keyof typeof exitCodes, string> = {
  done: "done",
  taskFailed: "the task, or one of them, failed",
  usage: "usage or invalid input; nothing was changed",
  noSupervisor: "no supervisor answers",
  notFound: "no such thing",
  refused: "refused",
  bug: "a bug of orchd",
  diskFailed: "the disk fails (`EX_IOERR`)",
  diskFull: "the disk is full; worth another try later (`EX_TEMPFAIL`)",
};

const tables: Readonly<Record<string, () => string>> = {
  task: () => fieldTable(taskSchemaPart("task")),
  "task file": () => fieldTable(taskSchemaPart("tasks")),
  config: () => fieldTable(configJsonSchema() as Schema),
  variables: variableTable,
  "exit codes": () =>
    table(
      ["exit code", "meaning"],
      Object.entries(exitMeanings).map(([name, meaning]) => {
        const code = exitCodes[name as keyof typeof exitCodes];
        return [String(code), meaning];
      }),
    ),
  codes: () =>
    table(
      ["code", "exit code", "meaning", "hint"],
      errorCodes.map((code) => [
        `\`${code}\``,
        String(exitCodeOf(code)),
        codeMeanings[code],
        failure(code, "").hint ?? "",
      ]),
    ),
};

/** The page with its tables made anew. */
export function withTables(page: string): string {
  return page.replace(
    /(<!-- generated: ([a-z ]+) -->\n)[^]*?(<!-- end -->)/g,
    (_whole, open: string, name: string, close: string) => {
      const make = tables[name];
      if (make === undefined) throw new Error(`no generated table is called "${name}"`);
      return `${open}\n${make()}\n${close}`;
    },
  );
}

export function readPage(page: (typeof pages)[number]): string {
  return readFileSync(join(folder, page), "utf8");
}

function taskSchemaPart(name: "task" | "tasks"): Schema {
  const part = (taskJsonSchema() as Schema).$defs?.[name];
  if (part === undefined) throw new Error(`the schema of tasks has no part "${name}"`);
  return part;
}

function fieldTable(schema: Schema): string {
  return table(["field", "form", "meaning"], fieldRows(schema, ""));
}

/** One row a field, those of a map below it: `commit`, `commit.message`. */
function fieldRows(schema: Schema, prefix: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const own = [`\`${path}\``, form(field), field.description ?? ""];
    const parts = [
      field,
      ...(field.items === undefined || isTask(field.items) ? [] : [field.items]),
    ];
    const map = [...parts, ...(field.anyOf ?? [])].find(
      ({ properties }) => properties !== undefined,
    );
    const isShell = map?.properties?.["shell"] !== undefined;
    return [own, ...(map === undefined || isShell ? [] : fieldRows(map, `${path}.`))];
  });
}

/** What may stand there, in words. */
function form(schema: Schema): string {
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(form))].join(", or ");
  if (schema.enum !== undefined)
    return schema.enum.map((value) => `\`${String(value)}\``).join(", ");
  switch (schema.type) {
    case "string":
      return textForm(schema);
    case "integer":
      return `number ${schema.minimum ?? ""} to ${schema.maximum ?? ""}`;
    case "array":
      return listForm(schema);
    case "boolean":
      return "`true`, `false`";
    default:
      return mapForm(schema);
  }
}

function textForm({ pattern, maxLength }: Schema): string {
  if (pattern === durationSchemaPattern) return "duration";
  return maxLength === undefined ? "text" : `text, at most ${maxLength} characters`;
}

function listForm({ items, maxItems }: Schema): string {
  if (maxItems === 0) return "`[]`";
  const most = maxItems === undefined ? "" : `, at most ${maxItems}`;
  const item = items === undefined ? "text" : itemOf(items);
  return `list of ${item}s${most}`;
}

function itemOf({ anyOf, type, properties }: Schema): string {
  if (anyOf !== undefined) return "command";
  if (type === "string") return "text";
  return properties === undefined || isTask({ properties }) ? "task" : "map";
}

/** It has a table of its own. */
function isTask({ properties }: Pick<Schema, "properties">): boolean {
  return properties?.["tools"] !== undefined;
}

function mapForm({ properties, additionalProperties }: Schema): string {
  if (properties !== undefined) {
    return properties["shell"] === undefined ? "map" : '`{"shell":"…"}`';
  }
  return typeof additionalProperties === "object"
    ? `map of names to ${form(additionalProperties)}`
    : "any";
}

function variableTable(): string {
  const rows = settings.map((setting) => [`\`${variableOf(setting)}\``, `\`${setting}\``]);
  return table(["variable", "setting"], rows);
}

/** As prettier writes it, so that both leave it alone. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0), 3),
  );
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width)).join(" | ")} |`;
  const [first = [], ...others] = cells;
  const rule = widths.map((width) => "-".repeat(width));
  return `${[first, rule, ...others].map(line).join("\n")}\n`;
}

if (import.meta.main) {
  for (const page of pages) writeFileSync(join(folder, page), withTables(readPage(page)));
}
