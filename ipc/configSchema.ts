import { posix } from "node:path";
import * as z from "zod";
import { branchRule } from "./branchRule.ts";
import { commitSchema, saveSchema } from "./commitSchema.ts";
import { defaultConfig } from "./configDefaults.ts";
import { formatDuration } from "./duration.ts";
import { limitsSchema } from "./limitsSchema.ts";
import { quoted } from "./location.ts";
import { pushSchema } from "./pushSchema.ts";
import {
  about,
  command,
  commands,
  duration,
  durationSchemaPattern,
  globs,
  globsMax,
  later,
  named,
  ruled,
  strict,
} from "./schemaParts.ts";
import * as limits from "./taskRules.ts";
import { resourceName, wordRule } from "./textRules.ts";
import type { Rule } from "./textRules.ts";

/**
 * The one schema of `orchd.yaml`: every key optional, the values parsed, defaults not yet filled in.
 * `ipc/config.ts` uses it for the file, the environment and the flags alike.
 */
export const maxParallelMax = 64;
const pathLengthMax = 4_096;
const generatedMax = 32;
const resourcesNamedMax = 256;
export const attemptsKeptMax = 1_000_000;
const hourMs = 60 * 60 * 1000;
export const keptMsMax = 3_650 * 24 * hourMs;

/** As for any branch, and none of orchd's own. */
const targetRule: Rule = (name) =>
  /^orchd(?:\/|$)/.test(name) ? "orchd's own branches cannot be the target" : branchRule(name);

const absolutePath: Rule = (path) => {
  if (!posix.isAbsolute(path)) return `${quoted(path)} is not absolute; begin it with \`/\``;
  return wordRule(pathLengthMax)(path);
};

/** A relative entry would find other programs in every directory. */
const searchPath: Rule = (path) => {
  const relative = path.split(":").find((entry) => !posix.isAbsolute(entry));
  if (relative === undefined) return wordRule(pathLengthMax)(path);
  return `has the entry ${quoted(relative)}, which is not absolute`;
};

const { workspace: workspaceDefaults } = defaultConfig;

const workspace = strict({
  root: ruled(absolutePath, pathLengthMax)
    .meta(
      about(
        "Parent folder of the workspaces, absolute, outside the repository and no other repository's.",
        "`$XDG_STATE_HOME/orchd/<repository id>`",
      ),
    )
    .optional(),
  setup: commands
    .meta(
      about(
        "Run in a fresh workspace, and again when the content of `setup_inputs` changes: `npm ci`, for example.",
        workspaceDefaults.setup,
      ),
    )
    .optional(),
  setup_inputs: globs(globsMax)
    .meta(
      about("Files that decide whether `setup` must run again.", workspaceDefaults.setup_inputs),
    )
    .optional(),
  copy: globs(globsMax)
    .meta(
      about(
        "Files that git ignores and tasks need, such as `.env`; copied before each attempt.",
        workspaceDefaults.copy,
      ),
    )
    .optional(),
  clean: z
    .enum(["untracked", "all"])
    .meta(
      about(
        "What is removed between attempts: `untracked` keeps ignored files (installed packages), `all` does not.",
        `\`${workspaceDefaults.clean}\``,
      ),
    )
    .optional(),
}).meta(about("How the workspaces of workers are made."));

function keptFor(name: "landed_ms" | "unlanded_ms" | "unsaved_ms", description: string) {
  return duration(hourMs, keptMsMax)
    .meta({
      pattern: durationSchemaPattern,
      ...about(description, `\`${formatDuration(defaultConfig.retention[name])}\``),
    })
    .optional();
}

const generated = strict({
  paths: globs(globsMax)
    .refine((list) => list.length > 0, { error: "is empty; name the files" })
    .meta(about("The files that the command makes, as globs.")),
  run: command.meta(
    about(
      'The command: words, or `{"shell":"…"}`. It runs on the merged tree, where nothing was set up.',
    ),
  ),
  timeout: duration(limits.timeoutMsMin)
    .meta({
      pattern: durationSchemaPattern,
      ...about("It fails when it takes longer.", "`limits.verify_timeout`"),
    })
    .optional(),
}).transform(({ paths, run, timeout }) => ({ paths, run, timeout_ms: timeout ?? null }));

const retentionSchema = strict({
  attempts: z
    .int()
    .min(1)
    .max(attemptsKeptMax)
    .meta(
      about(
        "How many attempts each worker keeps the logs and records of.",
        defaultConfig.retention.attempts,
      ),
    )
    .optional(),
  age: duration(hourMs)
    .meta({
      pattern: durationSchemaPattern,
      ...about(
        "For how long they are kept, and workspaces of workers that there are no more; at least an hour.",
        `\`${formatDuration(defaultConfig.retention.age_ms)}\``,
      ),
    })
    .optional(),
  landed: keptFor(
    "landed_ms",
    "For how long git keeps what attempts of succeeded tasks did, besides what landed.",
  ),
  unlanded: keptFor(
    "unlanded_ms",
    "The same of failed and cancelled tasks, and branches as they were before a rewind.",
  ),
  saved: z
    .int()
    .min(1)
    .max(attemptsKeptMax)
    .meta(about("How many attempts of succeeded tasks git keeps.", defaultConfig.retention.saved))
    .optional(),
  unsaved: keptFor(
    "unsaved_ms",
    "For how long what could not be saved in git lies on disk: files kept back, workspaces put aside, copies of damaged journals.",
  ),
}).meta(about("How long logs and records of attempts are kept, and in git what attempts did."));

/** Later features; empty they are taken, so that a prepared file is no mistake. */
export const laterKeys = ["agents", "hooks", "metrics"] as const;

export const configSchema = strict(
  {
    max_parallel: z
      .int()
      .min(1)
      .max(maxParallelMax)
      .meta(
        about(
          `Workers, and so tasks that run at the same time; 1 to ${maxParallelMax}.`,
          defaultConfig.max_parallel,
        ),
      )
      .optional(),
    target: ruled(targetRule)
      .meta(about("The branch that the work is for.", "the branch checked out at the start"))
      .optional(),
    follow: z
      .enum(["auto", "manual", "off"])
      .meta(
        about(
          "Whether the target is brought along with orchd's own branch: by itself, on `orchd land`, or never.",
          `\`${defaultConfig.follow}\``,
        ),
      )
      .optional(),
    verify: commands
      .meta(
        about(
          "Commands that must pass on the combined tree before anything lands, before a task's own.",
          defaultConfig.verify,
        ),
      )
      .optional(),
    gate: z
      .enum(["chain", "each"])
      .meta(
        about(
          "What is tested of tasks that land together: only the last commit (red: which of them is guilty), or each.",
          `\`${defaultConfig.gate}\``,
        ),
      )
      .optional(),
    outside_claims: z
      .enum(["extend", "fail", "allow"])
      .meta(
        about(
          "When a task changed paths outside its claims: claim them late, fail it, or let it land.",
          `\`${defaultConfig.outside_claims}\``,
        ),
      )
      .optional(),
    generated: z
      .array(generated)
      .max(generatedMax)
      .meta(
        about(
          "Files that a command makes, such as `package-lock.json`: where two changes of them meet they are made anew, not merged as text.",
          defaultConfig.generated,
        ),
      )
      .optional(),
    workspace: workspace.optional(),
    save: saveSchema.optional(),
    commit: commitSchema.optional(),
    resources: named(resourceName, z.int().min(1).max(limits.resourceCountMax), resourcesNamedMax)
      .meta(
        about("Capacity of named resources; one that is not named has 1.", defaultConfig.resources),
      )
      .optional(),
    path: ruled(searchPath, pathLengthMax)
      .meta(about("`PATH` of tasks; absolute entries.", "that of whoever started the supervisor"))
      .optional(),
    limits: limitsSchema.optional(),
    retention: retentionSchema.optional(),
    push: pushSchema.optional(),
    maintenance: z
      .enum(["auto", "off"])
      .meta(
        about(
          "Whether the supervisor packs git's objects and removes what `retention` no longer keeps in git; `off`: only at `orchd gc`, and nothing is packed.",
          `\`${defaultConfig.maintenance}\``,
        ),
      )
      .optional(),
  },
  later(...laterKeys),
).meta({ title: "orchd.yaml", ...about("Configuration of orchd for one repository.") });

export type ConfigFields = z.output<typeof configSchema>;
