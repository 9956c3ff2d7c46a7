import * as z from "zod";
import type { TaskId } from "./ids.ts";
import { parseMoment } from "./moment.ts";
import { normalisePath, pathLengthMax } from "./repoPath.ts";
import {
  argv,
  commands,
  distinct,
  duration,
  durationSchemaPattern,
  globs,
  later,
  listHint,
  named,
  ruled,
  shell,
  strict,
} from "./schemaParts.ts";
import * as limits from "./taskRules.ts";
import type { ClaimSet, NotBefore, Work } from "./taskSpec.ts";
import {
  authorRule,
  resourceName,
  trailerKey,
  variableName,
  wordLengthMax,
  wordRule,
} from "./textRules.ts";

/**
 * The one schema of task files. `ipc/taskFields.ts` makes specs of its result, `ipc/schema.ts` prints
 * it as JSON Schema, `docs/reference/task.md` is generated from that.
 */
const taskId = z
  .string()
  .check(({ value, issues }) => {
    const message = limits.taskIdRule(value);
    if (message !== null) issues.push({ code: "custom", input: value, message });
  })
  .transform((id) => id as TaskId)
  .meta({ pattern: "^[a-z0-9][a-z0-9._-]{0,63}$" });

const ids = z
  .array(taskId, { error: listHint('a list of task ids such as ["build"]') })
  .max(limits.afterMax)
  .transform(distinct);

const run = z
  .union(
    [argv.transform((words): Work => ({ kind: "run", argv: words })), shell.transform(shellWork)],
    {
      error: 'must be a list of words such as ["npm","test"] or {"shell":"npm test"}',
    },
  )
  .meta({
    description:
      'The command: a list of words, started without a shell, or `{"shell":"…"}`, run with `sh -c`. Exactly one of `run` and `tools`.',
  });

function shellWork({ shell: script }: { shell: string }): Work {
  return { kind: "shell", script };
}

const resources = named(
  resourceName,
  z.int().min(1).max(limits.resourceCountMax),
  limits.resourcesMax,
).meta({ description: "Named resources and how many of each; capacities stand in `orchd.yaml`." });

const claims = z
  .union(
    [
      globs(limits.claimsMax).transform((writes): ClaimSet => ({
        writes,
        reads: [],
        resources: {},
      })),
      strict({
        writes: globs(limits.claimsMax).meta({ description: "Paths it may change." }).optional(),
        reads: globs(limits.claimsMax)
          .meta({ description: "Paths nobody may change meanwhile." })
          .optional(),
        resources: resources.optional(),
      }).transform(({ writes = [], reads = [], resources: counts = {} }, { issues }): ClaimSet => {
        if (writes.length + reads.length > limits.claimsMax) {
          issues.push({ code: "custom", input: writes, message: limits.tooManyClaims });
        }
        return { writes, reads, resources: counts };
      }),
    ],
    {
      error:
        'must be a list of globs such as ["src/auth/"], or {"writes":[…],"reads":[…],"resources":{…}}',
    },
  )
  .meta({
    description:
      'What it reads and writes, as globs: a list is short for `writes`. `[]` touches nothing, `["**"]` is alone in the repository; without `claims` the task is optimistic: what it touched is checked when it lands.',
  });

const notBefore = z
  .string()
  .transform((text, { issues }): NotBefore => {
    const parsed = parseMoment(text);
    if (parsed.ok) return parsed.value;
    issues.push({ code: "custom", input: text, message: parsed.message });
    return { delay_ms: 0 };
  })
  .meta({
    description:
      "It does not start earlier: a time with its zone (`2026-05-01T08:00:00Z`) or a duration from the submit.",
    default: "now",
  });

const backoff = duration(0).meta({
  pattern: durationSchemaPattern,
  description: "Wait before another attempt.",
  default: "10s",
});
const retriesMax = z
  .int()
  .min(0)
  .max(limits.retriesMax)
  .meta({ description: "Attempts after the first one." });
const retries = z
  .union(
    [
      retriesMax.transform((max) => ({ max, backoff_ms: limits.backoffMsDefault })),
      strict({ max: retriesMax, backoff: backoff.optional() }).transform(
        ({ max, backoff: backoff_ms = limits.backoffMsDefault }) => ({ max, backoff_ms }),
      ),
    ],
    { error: 'must be a number or {"max":2,"backoff":"30s"}' },
  )
  .meta({
    description: "Further attempts after one that failed: a number, or `max` and `backoff`.",
    default: 0,
  });

const commit = strict({
  message: ruled(limits.messageRule, limits.messageLengthMax)
    .meta({ description: "The whole message.", default: "the title" })
    .optional(),
  author: ruled(authorRule)
    .meta({ description: "`Name <mail>`.", default: "git's identity of the repository" })
    .optional(),
  trailers: named(
    trailerKey,
    ruled(limits.trailerRule, limits.trailerLengthMax),
    limits.trailersMax,
  )
    .meta({ description: "Trailers such as `Reviewed-by`; `Orchd-…` is refused.", default: {} })
    .optional(),
}).meta({ description: "How the commit looks that it lands." });

const notYet = {
  ...later("agent", "prompt", "prompt_file", "budget", "iterate", "complexity"),
  behavior: '`behavior` belongs to a file of several tasks: {"behavior":"…","tasks":[…]}',
};

export const taskSchema = strict(
  {
    id: taskId
      .meta({
        description:
          "Becomes part of git refs, and is the idempotency key: the same id with the same content is the same task.",
        default: "made up",
      })
      .optional(),
    title: ruled(limits.titleRule, limits.titleLengthMax)
      .meta({ description: "One line for people and for the commit.", default: "from the command" })
      .optional(),
    objective: ruled(limits.objectiveRule, limits.objectiveLengthMax)
      .meta({ description: "The aim that it serves, for the trace." })
      .optional(),
    decision: ruled(limits.objectiveRule, limits.objectiveLengthMax)
      .meta({ description: "The decision behind it, for the trace." })
      .optional(),
    labels: z
      .array(ruled(limits.labelRule, limits.labelLengthMax))
      .max(limits.labelsMax)
      .transform(distinct)
      .meta({ description: "Words to find it by.", default: [] })
      .optional(),
    run: run.optional(),
    tools: z
      .array(z.unknown())
      .max(0, { error: "cannot hold calls: tool calls are not supported yet" })
      .meta({
        description:
          "`[]` only: nothing to do, no workspace, no child. Exactly one of `run` and `tools`.",
      })
      .optional(),
    cwd: z
      .string()
      .transform((text, { issues }) => {
        const parsed = normalisePath(text);
        if (parsed.ok) return parsed.path;
        issues.push({ code: "custom", input: text, message: parsed.message });
        return ".";
      })
      .meta({
        maxLength: pathLengthMax,
        description: "Directory inside the repository that the command starts in.",
        default: ".",
      })
      .optional(),
    workspace: z
      .enum(["clone", "none"])
      .meta({
        description:
          "`clone`: a private clone of the repository. `none`: without workspace and git; lands nothing.",
        default: "clone",
      })
      .optional(),
    claims: claims.optional(),
    after: ids
      .meta({ description: "Tasks that must have succeeded and landed first.", default: [] })
      .optional(),
    after_any: ids
      .meta({ description: "Tasks that must have ended first, in any way.", default: [] })
      .optional(),
    priority: z
      .int()
      .min(-limits.priorityMax)
      .max(limits.priorityMax)
      .meta({ description: "Higher starts earlier.", default: 0 })
      .optional(),
    not_before: notBefore.optional(),
    estimate: duration(0)
      .meta({
        pattern: durationSchemaPattern,
        description: "How long it will probably take; for plans only.",
      })
      .optional(),
    timeout: duration(limits.timeoutMsMin)
      .meta({
        pattern: durationSchemaPattern,
        description: "Each attempt is ended after that time, up to 30 d.",
        default: "1h",
      })
      .optional(),
    retries: retries.optional(),
    env: named(variableName, ruled(wordRule(wordLengthMax), wordLengthMax), limits.envMax)
      .meta({
        description:
          "Variables for the command. The values are journaled; use `secrets` for what must not be.",
        default: {},
      })
      .optional(),
    secrets: z
      .array(ruled(variableName))
      .max(limits.secretsMax)
      .transform(distinct)
      .meta({
        description:
          "Names of variables whose values come from the supervisor's environment and are never written anywhere.",
        default: [],
      })
      .optional(),
    verify: commands
      .meta({
        description: "Commands that must pass on the combined tree before it lands, in order.",
        default: [],
      })
      .optional(),
    commit: commit.optional(),
  },
  notYet,
).meta({ title: "Task", description: "One task." });

/** One task as a file says it, each field parsed, defaults not yet filled in. */
export type TaskFields = z.output<typeof taskSchema>;

export const behaviors = ["parallel", "sequential", "exclusive", "main-only"] as const;
export const tasksPerFileMax = 10_000;

export const taskFileSchema = strict({
  behavior: z
    .enum(behaviors)
    .meta({
      description:
        "`parallel`: as claims allow. `sequential`: each after the one before. `exclusive` (or `main-only`): one at a time, each alone in the repository.",
      default: "parallel",
    })
    .optional(),
  tasks: z
    .array(taskSchema, { error: listHint("a list of tasks") })
    .min(1)
    .max(tasksPerFileMax)
    .meta({ description: `The tasks, 1 to ${tasksPerFileMax}.` }),
}).meta({ title: "Task file", description: "Several tasks." });
