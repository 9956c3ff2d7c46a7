import { posix } from "node:path";
import * as z from "zod";
import { byteSizeSchemaPattern, parseByteSize } from "./byteSize.ts";
import { templateRule } from "./commitText.ts";
import { defaultConfig } from "./configDefaults.ts";
import type { Limits } from "./configSpec.ts";
import { formatDuration } from "./duration.ts";
import { quoted } from "./location.ts";
import {
  about,
  command,
  commands,
  duration,
  durationSchemaPattern,
  globs,
  later,
  named,
  ruled,
  strict,
  trailers,
} from "./schemaParts.ts";
import * as limits from "./taskRules.ts";
import { authorRule, resourceName, wordRule } from "./textRules.ts";
import { branchRule } from "./branchRule.ts";
import { pushSchema } from "./pushSchema.ts";
import type { Rule } from "./textRules.ts";

/**
 * The one schema of `orchd.yaml`: every key optional, the values parsed, defaults not yet filled in.
 * `ipc/config.ts` uses it for the file, the environment and the flags alike.
 */
export const maxParallelMax = 64;
export const tasksOpenMax = 1_000_000;
export const chainMax = 64;
export const heartbeatMsMin = 50;
export const outputBytesMin = 1024;
export const workspaceBytesMin = 1024 ** 2;
const pathLengthMax = 4_096;
const globsMax = 256;
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

const {
  workspace: workspaceDefaults,
  commit: commitDefaults,
  limits: limitDefaults,
} = defaultConfig;

const workspace = strict({
  root: ruled(absolutePath, pathLengthMax)
    .meta(
      about(
        "Parent folder of the workspaces, absolute and outside the repository.",
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

const commit = strict({
  message: z
    .enum(["task", "agent"])
    .meta(
      about(
        "For tasks without `commit.message`: the template, or what the attempt's own commits say, where there are any.",
        `\`${commitDefaults.message}\``,
      ),
    )
    .optional(),
  template: ruled(templateRule, limits.messageLengthMax)
    .meta(
      about(
        "Message with `{id}`, `{title}`, `{objective}`, `{decision}`, `{labels}`, `{attempt}`; `{{` is a brace.",
        `\`${commitDefaults.template}\``,
      ),
    )
    .optional(),
  author: ruled(authorRule)
    .meta(about("`Name <mail>`, for tasks that name none.", "git's identity of the repository"))
    .optional(),
  trailers: trailers
    .meta(
      about(
        "Trailers of every commit, such as `Co-authored-by`, each with a value or a list of them.",
        commitDefaults.trailers,
      ),
    )
    .optional(),
  sign: z
    .enum(["auto", "off", "required"])
    .meta(
      about(
        "Whether commits are signed with your key: if your `commit.gpgSign` says so, never, or always.",
        `\`${commitDefaults.sign}\``,
      ),
    )
    .optional(),
  hooks: z
    .enum(["run", "off"])
    .meta(
      about(
        "Whether your `pre-commit` and `commit-msg` hooks run in the workspace, on what an attempt did, before it lands.",
        `\`${commitDefaults.hooks}\``,
      ),
    )
    .optional(),
}).meta(about("How the commits look that tasks land as."));
type DurationLimit = Exclude<keyof Limits, "output_bytes" | "tasks_open" | "chain">;

function limit(name: DurationLimit, msMin: number, description: string) {
  return duration(msMin)
    .meta({
      pattern: durationSchemaPattern,
      ...about(description, `\`${formatDuration(limitDefaults[name])}\``),
    })
    .optional();
}

function byteSize(bytesMin: number) {
  return z
    .string({
      error: ({ input }) =>
        typeof input === "number" ? `${input} has no unit; write a size such as 512MiB` : undefined,
    })
    .transform((text, { issues }) => {
      const parsed = parseByteSize(text);
      const message = parsed.ok ? null : parsed.message;
      const tooSmall =
        parsed.ok && parsed.bytes < bytesMin ? `must be at least ${bytesMin}B` : null;
      const fault = message ?? tooSmall;
      if (fault !== null) issues.push({ code: "custom", input: text, message: fault });
      return parsed.ok ? parsed.bytes : 0;
    });
}

const saveSchema = strict({
  max_file: byteSize(1)
    .meta({
      pattern: byteSizeSchemaPattern,
      ...about(
        "A new file that is larger fails the attempt; it is kept beside the workspace.",
        "`10MiB`",
      ),
    })
    .optional(),
  secrets: z
    .enum(["refuse", "allow"])
    .meta(
      about(
        "New files that look like a key or a token: `refuse` fails the attempt and keeps them beside the workspace.",
        `\`${defaultConfig.save.secrets}\``,
      ),
    )
    .optional(),
  allow: globs(globsMax)
    .meta(about("Files to which neither applies, such as keys of tests.", defaultConfig.save.allow))
    .optional(),
}).meta(about("What of the new files of an attempt may become part of a commit."));

const limitsSchema = strict({
  timeout: limit("timeout_ms", limits.timeoutMsMin, "Of an attempt, for tasks that name none."),
  grace: limit("grace_ms", 0, "Between the polite and the hard end of a process tree."),
  setup_timeout: limit("setup_timeout_ms", limits.timeoutMsMin, "Of `workspace.setup`."),
  signing_timeout: limit(
    "signing_timeout_ms",
    limits.timeoutMsMin,
    "Of signing one commit, time for you to unlock the key included; then landing waits and tries again.",
  ),
  hook_timeout: limit(
    "hook_timeout_ms",
    limits.timeoutMsMin,
    "Of each of your hooks on the work of an attempt.",
  ),
  verify_timeout: limit("verify_timeout_ms", limits.timeoutMsMin, "Of the checks of one landing."),
  heartbeat: limit("heartbeat_ms", heartbeatMsMin, "Between two signs of life of a worker."),
  stale_after: limit(
    "stale_after_ms",
    heartbeatMsMin,
    "A worker that is silent for so long is ended; at least three heartbeats.",
  ),
  adoption_grace: limit(
    "adoption_grace_ms",
    0,
    "A worker whose supervisor is gone for so long ends its task, saves the work and exits.",
  ),
  prediction: limit(
    "prediction_ms",
    0,
    "Between two looks at what a running task has changed, to foresee conflicts; `0s`: none.",
  ),
  output: byteSize(outputBytesMin)
    .meta({
      pattern: byteSizeSchemaPattern,
      ...about("Of an attempt, standard output and standard error together.", "`1GiB`"),
    })
    .optional(),
  min_free_disk: byteSize(0)
    .meta({
      pattern: byteSizeSchemaPattern,
      ...about(
        "While a disk that attempts write to has less, none starts; what runs and lands goes on. `0B`: not looked at.",
        "`1GiB`",
      ),
    })
    .optional(),
  workspace_size: byteSize(workspaceBytesMin)
    .meta({
      pattern: byteSizeSchemaPattern,
      ...about(
        "Of a workspace on disk, its temporary files with it; an attempt that goes beyond it is ended and fails.",
        "`50GiB`",
      ),
    })
    .optional(),
  fairness_window: limit(
    "fairness_window_ms",
    0,
    "How long later tasks may overtake one that waits for a claim.",
  ),
  tasks_open: z
    .int()
    .min(1)
    .max(tasksOpenMax)
    .meta(
      about(
        "Tasks accepted and not yet ended; a submit beyond it is refused.",
        limitDefaults.tasks_open,
      ),
    )
    .optional(),
  chain: z
    .int()
    .min(1)
    .max(chainMax)
    .meta(about("Tasks that land together and are tested together.", limitDefaults.chain))
    .optional(),
}).meta(about("Limits in time, bytes and numbers."));

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
    commit: commit.optional(),
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
