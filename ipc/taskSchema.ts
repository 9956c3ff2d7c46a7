import * as z from "zod";
import { claimsFault, claimsMax } from "./claimLimits.ts";
import { formatDuration } from "./duration.ts";
import type { TaskId } from "./ids.ts";
import { parseMoment } from "./moment.ts";
import { normalisePath, pathLengthMax } from "./repoPath.ts";
import {
  about,
  argv,
  commands,
  distinct,
  duration,
  durationSchemaPattern,
  globs,
  later,
  named,
  ruled,
  shell,
  strict,
  trailers,
} from "./schemaParts.ts";
import { wanted } from "./schemaFaults.ts";
import * as limits from "./taskRules.ts";
import type { ClaimSet, NotBefore, Work } from "./taskSpec.ts";
import { authorRule, resourceName, variableName, wordLengthMax, wordRule } from "./textRules.ts";

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
  .array(taskId, { error: wanted('a list of task ids such as ["build"]') })
  .max(limits.afterMax)
  .transform(distinct);

const run = z
  .union(
    [argv.transform((words): Work => ({ kind: "run", argv: words })), shell.transform(shellWork)],
    {
      error: wanted('a list of words such as ["npm","test"] or {"shell":"npm test"}'),
    },
  )
  .meta(
    about(
      'The command: a list of words, started without a shell, or `{"shell":"…"}`, run with `sh -c`. Exactly one of `run` and `tools`.',
    ),
  );

function shellWork({ shell: script }: { shell: string }): Work {
  return { kind: "shell", script };
}

const resources = named(
  resourceName,
  z.int().min(1).max(limits.resourceCountMax),
  limits.resourcesMax,
).meta(about("Named resources and how many of each; capacities stand in `orchd.yaml`."));

const claims = z
  .union(
    [
      globs(claimsMax).transform((writes, { issues }): ClaimSet => {
        const message = claimsFault({ writes, reads: [] });
        if (message !== null) issues.push({ code: "custom", input: writes, message });
        return { writes, reads: [], resources: {} };
      }),
      strict({
        writes: globs(claimsMax).meta(about("Paths it may change.")).optional(),
        reads: globs(claimsMax).meta(about("Paths nobody may change meanwhile.")).optional(),
        resources: resources.optional(),
      }).transform(({ writes = [], reads = [], resources: counts = {} }, { issues }): ClaimSet => {
        const message = claimsFault({ writes, reads });
        if (message !== null) issues.push({ code: "custom", input: writes, message });
        return { writes, reads, resources: counts };
      }),
    ],
    {
      error: wanted(
        'a list of globs such as ["src/auth/"], or {"writes":[…],"reads":[…],"resources":{…}}',
      ),
    },
  )
  .meta(
    about(
      'What it reads and writes, as globs: a list is short for `writes`. `[]` touches nothing, `["**"]` is alone in the repository; without `claims` the task is optimistic: what it touched is checked when it lands.',
    ),
  );

const notBefore = z
  .string()
  .transform((text, { issues }): NotBefore => {
    const parsed = parseMoment(text);
    if (parsed.ok) return parsed.value;
    issues.push({ code: "custom", input: text, message: parsed.message });
    return { delay_ms: 0 };
  })
  .meta(
    about(
      "It does not start earlier: a time with its zone (`2026-05-01T08:00:00Z`) or a duration from the submit.",
      "now",
    ),
  );

const backoff = duration(0).meta({
  pattern: durationSchemaPattern,
  ...about("Wait before another attempt.", `\`${formatDuration(limits.backoffMsDefault)}\``),
});
const retriesMax = z
  .int()
  .min(0)
  .max(limits.retriesMax)
  .meta(about("Attempts after the first one."));
const retries = z
  .union(
    [
      retriesMax.transform((max) => ({ max, backoff_ms: limits.backoffMsDefault })),
      strict({ max: retriesMax, backoff: backoff.optional() }).transform(
        ({ max, backoff: backoff_ms = limits.backoffMsDefault }) => ({ max, backoff_ms }),
      ),
    ],
    { error: wanted('a whole number or {"max":2,"backoff":"30s"}') },
  )
  .meta(about("Further attempts after one that failed: a number, or `max` and `backoff`.", 0));

const commit = strict({
  message: ruled(limits.messageRule, limits.messageLengthMax)
    .meta(about("The whole message.", "`commit` of orchd.yaml"))
    .optional(),
  author: ruled(authorRule)
    .meta(about("`Name <mail>`.", "`commit.author` of orchd.yaml"))
    .optional(),
  trailers: trailers
    .meta(
      about(
        "Trailers such as `Reviewed-by`, each with a value or a list of them; `Orchd-…` is refused.",
        {},
      ),
    )
    .optional(),
}).meta(about("How the commit looks that it lands."));

const notYet = {
  ...later("agent", "prompt", "prompt_file", "budget", "iterate", "complexity"),
  behavior: '`behavior` belongs to a file of several tasks: {"behavior":"…","tasks":[…]}',
};

export const taskSchema = strict(
  {
    id: taskId
      .meta(
        about(
          "Becomes part of git refs, and is the idempotency key: the same id with the same content is the same task.",
          "made up",
        ),
      )
      .optional(),
    title: ruled(limits.titleRule, limits.titleLengthMax)
      .meta(about("One line for people and for the commit.", "from the command"))
      .optional(),
    objective: ruled(limits.objectiveRule, limits.objectiveLengthMax)
      .meta(about("The aim that it serves, for the trace."))
      .optional(),
    decision: ruled(limits.objectiveRule, limits.objectiveLengthMax)
      .meta(about("The decision behind it, for the trace."))
      .optional(),
    labels: z
      .array(ruled(limits.labelRule, limits.labelLengthMax))
      .max(limits.labelsMax)
      .transform(distinct)
      .meta(about("Words to find it by.", []))
      .optional(),
    run: run.optional(),
    tools: z
      .array(z.unknown())
      .max(0, { error: "cannot hold calls: tool calls are not supported yet" })
      .meta(
        about(
          "`[]` only: nothing to do, no workspace, no child. Exactly one of `run` and `tools`.",
        ),
      )
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
        ...about("Directory inside the repository that the command starts in.", "`.`"),
      })
      .optional(),
    workspace: z
      .enum(["clone", "none"])
      .meta(
        about(
          "`clone`: a private clone of the repository. `none`: without workspace and git; lands nothing.",
          "`clone`",
        ),
      )
      .optional(),
    claims: claims.optional(),
    after: ids.meta(about("Tasks that must have succeeded and landed first.", [])).optional(),
    after_any: ids.meta(about("Tasks that must have ended first, in any way.", [])).optional(),
    priority: z
      .int()
      .min(-limits.priorityMax)
      .max(limits.priorityMax)
      .meta(about("Higher starts earlier.", 0))
      .optional(),
    not_before: notBefore.optional(),
    estimate: duration(0)
      .meta({
        pattern: durationSchemaPattern,
        ...about("How long it will probably take; for plans only."),
      })
      .optional(),
    timeout: duration(limits.timeoutMsMin)
      .meta({
        pattern: durationSchemaPattern,
        ...about(
          "Each attempt is ended after that time, up to 30 d.",
          `\`limits.timeout\` of orchd.yaml, else \`${formatDuration(limits.timeoutMsDefault)}\``,
        ),
      })
      .optional(),
    retries: retries.optional(),
    on_conflict: z
      .enum(["rerun", "continue"])
      .meta(
        about(
          "After a conflict with what landed meanwhile, on the new base: `rerun`: it simply runs again. `continue`: its earlier change lies in the workspace, conflicts marked.",
          "`rerun`",
        ),
      )
      .optional(),
    env: named(variableName, ruled(wordRule(wordLengthMax), wordLengthMax), limits.envMax)
      .meta(
        about(
          "Variables for the command. The values are journaled; use `secrets` for what must not be.",
          {},
        ),
      )
      .optional(),
    secrets: z
      .array(ruled(variableName))
      .max(limits.secretsMax)
      .transform(distinct)
      .meta(
        about(
          "Names of variables whose values come from the supervisor's environment and are never written anywhere.",
          [],
        ),
      )
      .optional(),
    verify: commands
      .meta(about("Commands that must pass on the combined tree before it lands, in order.", []))
      .optional(),
    commit: commit.optional(),
  },
  notYet,
).meta({ title: "Task", ...about("One task.") });

/** One task as a file says it, each field parsed, defaults not yet filled in. */
export type TaskFields = z.output<typeof taskSchema>;

export const behaviors = ["parallel", "sequential", "exclusive", "main-only"] as const;
export const tasksPerFileMax = 10_000;

export const taskFileSchema = strict({
  behavior: z
    .enum(behaviors)
    .meta(
      about(
        "`parallel`: as claims allow. `sequential`: each after the one before. `exclusive` (or `main-only`): one at a time, each alone in the repository.",
        "`parallel`",
      ),
    )
    .optional(),
  tasks: z
    .array(taskSchema, { error: wanted("a list of tasks") })
    .min(1)
    .max(tasksPerFileMax)
    .meta(about(`The tasks, 1 to ${tasksPerFileMax}.`)),
}).meta({ title: "Task file", ...about("Several tasks.") });
