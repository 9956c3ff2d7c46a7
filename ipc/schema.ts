import * as z from "zod";
import { configSchema } from "./configSchema.ts";
import { taskFileSchema, taskSchema } from "./taskSchema.ts";

/**
 * The schemas of task files and of `orchd.yaml` as JSON Schema, draft 2020-12, for editors and for the
 * reference pages. They describe what is written, before parsing; some rules (globs, durations out of
 * range, circles) only orchd itself checks.
 */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** One task, or a file of tasks. */
export function taskJsonSchema(): JsonSchema {
  const either = z.union([taskSchema.meta({ id: "task" }), taskFileSchema.meta({ id: "tasks" })]);
  return published(
    either,
    "Task file",
    "What `orchd submit` takes: one task, or several under `tasks`.",
  );
}

export function configJsonSchema(): JsonSchema {
  return published(configSchema, "orchd.yaml", "Configuration of orchd for one repository.");
}

function published(schema: z.ZodType, title: string, description: string): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: "input", target: "draft-2020-12" });
  return { ...($schema === undefined ? {} : { $schema }), title, description, ...rest };
}
