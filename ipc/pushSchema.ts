import * as z from "zod";
import { branchLengthMax, branchRule } from "./branchRule.ts";
import { defaultConfig } from "./configDefaults.ts";
import { formatDuration } from "./duration.ts";
import { quoted } from "./location.ts";
import { about, duration, durationSchemaPattern, ruled, strict } from "./schemaParts.ts";
import { timeoutMsMin } from "./taskRules.ts";
import type { Rule } from "./textRules.ts";

const { push: pushDefaults } = defaultConfig;
const pushEveryMax = 1_000;
const pushQuietMsMax = 10 * 60 * 1000;

/** The file is tracked, so it names a remote of the repository's configuration: no URL, and no password in one. */
const remoteRule: Rule = (name) =>
  /^[A-Za-z0-9][\w./-]*$/.test(name) && !name.includes("..")
    ? null
    : `${quoted(name)} is no name of a remote; write one that \`git remote\` lists`;

/** `push` in `orchd.yaml`. */
export const pushSchema = strict({
  remote: ruled(remoteRule, branchLengthMax)
    .meta(
      about(
        "Remote, as `git remote` names it, that what landed is pushed to.",
        "nothing is pushed",
      ),
    )
    .optional(),
  branch: ruled(branchRule)
    .meta(about("Branch of the remote that orchd's branch is pushed to.", "the target"))
    .optional(),
  quiet: duration(0, pushQuietMsMax)
    .meta({
      pattern: durationSchemaPattern,
      ...about(
        "How long a push waits for more to land.",
        `\`${formatDuration(pushDefaults.quiet_ms)}\``,
      ),
    })
    .optional(),
  every: z
    .int()
    .min(1)
    .max(pushEveryMax)
    .meta(about("When so many have landed, it does not wait.", pushDefaults.every))
    .optional(),
  timeout: duration(timeoutMsMin)
    .meta({
      pattern: durationSchemaPattern,
      ...about(
        "Of one call of git that talks to the remote.",
        `\`${formatDuration(pushDefaults.timeout_ms)}\``,
      ),
    })
    .optional(),
  hook: z
    .boolean()
    .meta(about("Whether your `pre-push` hook runs; git LFS needs it.", `\`${pushDefaults.hook}\``))
    .optional(),
}).meta(about("Pushing of what landed, once its checks have passed. Off unless `remote` is set."));
