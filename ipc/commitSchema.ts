import * as z from "zod";
import { byteSizeSchema } from "./byteSizeSchema.ts";
import { byteSizeSchemaPattern } from "./byteSize.ts";
import { defaultConfig } from "./configDefaults.ts";
import { templateRule } from "./commitText.ts";
import { about, globs, globsMax, ruled, strict, trailers } from "./schemaParts.ts";
import { authorRule } from "./textRules.ts";
import { messageLengthMax } from "./taskRules.ts";

const { commit: commitDefaults } = defaultConfig;

/** `save` in `orchd.yaml`. */
export const saveSchema = strict({
  max_file: byteSizeSchema(1)
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

/** `commit` in `orchd.yaml`. */
export const commitSchema = strict({
  message: z
    .enum(["task", "agent"])
    .meta(
      about(
        "For tasks without `commit.message`: the template, or what the attempt's own commits say, where there are any.",
        `\`${commitDefaults.message}\``,
      ),
    )
    .optional(),
  template: ruled(templateRule, messageLengthMax)
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
