import * as z from "zod";
import { byteSizeSchema } from "./byteSizeSchema.ts";
import { byteSizeSchemaPattern } from "./byteSize.ts";
import { defaultConfig } from "./configDefaults.ts";
import { formatDuration } from "./duration.ts";
import { about, duration, durationSchemaPattern, strict } from "./schemaParts.ts";
import { timeoutMsMin } from "./taskRules.ts";
import type { Limits } from "./configSpec.ts";

const { limits: limitDefaults } = defaultConfig;
const tasksOpenMax = 1_000_000;
const chainMax = 64;
const heartbeatMsMin = 50;
const outputBytesMin = 1024;
const workspaceBytesMin = 1024 ** 2;

type DurationLimit = Exclude<keyof Limits, "output_bytes" | "tasks_open" | "chain">;

function limit(name: DurationLimit, msMin: number, description: string) {
  return duration(msMin)
    .meta({
      pattern: durationSchemaPattern,
      ...about(description, `\`${formatDuration(limitDefaults[name])}\``),
    })
    .optional();
}

/** `limits` in `orchd.yaml`. */
export const limitsSchema = strict({
  timeout: limit("timeout_ms", timeoutMsMin, "Of an attempt, for tasks that name none."),
  grace: limit("grace_ms", 0, "Between the polite and the hard end of a process tree."),
  setup_timeout: limit("setup_timeout_ms", timeoutMsMin, "Of `workspace.setup`."),
  signing_timeout: limit(
    "signing_timeout_ms",
    timeoutMsMin,
    "Of signing one commit, time for you to unlock the key included; then landing waits and tries again.",
  ),
  hook_timeout: limit(
    "hook_timeout_ms",
    timeoutMsMin,
    "Of each of your hooks on the work of an attempt.",
  ),
  verify_timeout: limit("verify_timeout_ms", timeoutMsMin, "Of the checks of one landing."),
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
  output: byteSizeSchema(outputBytesMin)
    .meta({
      pattern: byteSizeSchemaPattern,
      ...about("Of an attempt, standard output and standard error together.", "`1GiB`"),
    })
    .optional(),
  min_free_disk: byteSizeSchema(0)
    .meta({
      pattern: byteSizeSchemaPattern,
      ...about(
        "While a disk that attempts write to has less, none starts; what runs and lands goes on. `0B`: not looked at.",
        "`1GiB`",
      ),
    })
    .optional(),
  workspace_size: byteSizeSchema(workspaceBytesMin)
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
