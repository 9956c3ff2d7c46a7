import {
  absentOr,
  integer,
  list,
  nullOr,
  oneOf,
  oneOrMore,
  record,
  shape,
  text,
  variant,
} from "./check.ts";
import type { Check, CheckFault } from "./check.ts";
import { claimsFault, claimsMax } from "./claimLimits.ts";
import { durationMsMax } from "./duration.ts";
import { fail, failure, ok, unreachable } from "./errors.ts";
import type { Result } from "./errors.ts";
import { normaliseGlob } from "./glob.ts";
import { quoted } from "./location.ts";
import { normalisePath } from "./repoPath.ts";
import * as limits from "./taskRules.ts";
import type { ClaimSet, TaskSpec, Work } from "./taskSpec.ts";
import {
  authorRule,
  resourceName,
  trailerKey,
  variableName,
  wordLengthMax,
  wordRule,
} from "./textRules.ts";
import type { Rule } from "./textRules.ts";

/**
 * The check of a finished spec, as the supervisor makes it on what any program on the socket may have
 * sent. What `ipc/taskFile.ts` makes from a file always passes; what passes is safe to journal, to
 * show, and to put into refs, paths and environments. A spec is refused at its first fault.
 *
 * The spec that comes back has its keys in one fixed order, those of its records
 * sorted: `JSON.stringify` of two specs is equal when the specs are.
 */
export function validateSpec(value: unknown): Result<TaskSpec> {
  const checked = checkSpec(value);
  return checked.ok ? ok(checked.value.spec) : checked;
}

/** The same, with the spec as JSON: it is needed for its length, and for a digest. */
export function checkSpec(
  value: unknown,
): Result<{ readonly spec: TaskSpec; readonly text: string }> {
  const fault = specShape(value, "");
  if (fault !== null) return refused(value, fault);
  // Every field was looked at just now.
  const spec = inOrder(value as TaskSpec);
  const text = JSON.stringify(spec);
  const together = fieldsTogetherFault(spec) ?? lengthFault(text);
  return together === null ? ok({ spec, text }) : refused(value, together);
}

/** A glob or a path that is not yet in normal form could name something else in two places. */
const normalGlob: Rule = (written) => {
  const parsed = normaliseGlob(written);
  if (!parsed.ok) return parsed.message;
  return parsed.glob === written ? null : `must be in normal form: ${quoted(parsed.glob)}`;
};
const normalPath: Rule = (written) => {
  const parsed = normalisePath(written);
  if (!parsed.ok) return parsed.message;
  return parsed.path === written ? null : `must be in normal form: ${quoted(parsed.path)}`;
};

const duration = integer(0, durationMsMax);
const word = text(wordRule(wordLengthMax));
const programWord = text((written) => (written === "" ? "is empty; it must name a program" : null));
const ids = list(text(limits.taskIdRule), limits.afterMax);
const globs = list(text(normalGlob), claimsMax);
const words = list(word, limits.argvMax, 1);

/** Claims in normal form; how many there are together is asked of the whole. */
export const claimSet = shape({
  writes: globs,
  reads: globs,
  resources: record(resourceName, integer(1, limits.resourceCountMax), limits.resourcesMax),
} satisfies Record<keyof ClaimSet, Check>);

const argv: Check = (value, field) =>
  words(value, field) ?? programWord(Array.isArray(value) ? value[0] : null, `${field}[0]`);

const fields: Readonly<Record<keyof TaskSpec, Check>> = {
  id: text(limits.taskIdRule),
  title: text(limits.titleRule),
  objective: nullOr(text(limits.objectiveRule)),
  decision: nullOr(text(limits.objectiveRule)),
  labels: list(text(limits.labelRule), limits.labelsMax),
  work: variant("kind", {
    run: shape({ kind: oneOf("run"), argv }),
    shell: shape({ kind: oneOf("shell"), script: text(limits.scriptRule) }),
    tools: shape({ kind: oneOf("tools"), calls: list(word, 0) }),
  } satisfies Record<Work["kind"], Check>),
  cwd: text(normalPath),
  workspace: oneOf("clone", "none"),
  claims: nullOr(claimSet),
  after: ids,
  after_any: ids,
  priority: integer(-limits.priorityMax, limits.priorityMax),
  not_before: nullOr(notBefore),
  estimate_ms: nullOr(duration),
  timeout_ms: integer(limits.timeoutMsMin, durationMsMax),
  retries: shape({ max: integer(0, limits.retriesMax), backoff_ms: duration }),
  on_conflict: absentOr(oneOf("continue")),
  env: record(variableName, word, limits.envMax),
  secrets: list(text(variableName), limits.secretsMax),
  verify: list(argv, limits.verifyMax),
  commit: shape({
    message: nullOr(text(limits.messageRule)),
    author: nullOr(text(authorRule)),
    trailers: record(
      trailerKey,
      oneOrMore(text(limits.trailerRule), limits.trailersMax),
      limits.trailersMax,
    ),
  }),
};
const specShape = shape(fields);

const notBeforeMoment = shape({ at_ms: integer(0, limits.momentMsMax) });
const notBeforeDelay = shape({ delay_ms: duration });

function notBefore(value: unknown, field: string): CheckFault | null {
  const isDelay = typeof value === "object" && value !== null && Object.hasOwn(value, "delay_ms");
  return isDelay ? notBeforeDelay(value, field) : notBeforeMoment(value, field);
}

/** What each field allows and the whole does not. */
function fieldsTogetherFault(spec: TaskSpec): CheckFault | null {
  const { claims } = spec;
  if (claims === null && touchesNothing(spec)) {
    return {
      field: "claims",
      message: "must not be null: a task without a workspace touches nothing",
    };
  }
  const tooMuch = claims === null ? null : claimsFault(claims);
  if (tooMuch !== null) return { field: "claims", message: tooMuch };
  if (spec.after.includes(spec.id) || spec.after_any.includes(spec.id)) {
    return { field: "after", message: limits.waitsForItself };
  }
  const both = spec.secrets.find((name) => Object.hasOwn(spec.env, name));
  if (both !== undefined) return { field: "secrets", message: limits.alsoInEnv(both) };
  return landsNothingFault(spec);
}

export function touchesNothing(spec: Pick<TaskSpec, "workspace" | "work">): boolean {
  return spec.workspace === "none" || spec.work.kind === "tools";
}

function landsNothingFault(spec: TaskSpec): CheckFault | null {
  const message = limits.nothingLandsFault(spec.workspace, spec.work.kind === "tools");
  if (message === null) return null;
  const { commit } = spec;
  const commits =
    commit.message !== null || commit.author !== null || Object.keys(commit.trailers).length > 0;
  if (spec.verify.length > 0) return { field: "verify", message };
  if (spec.on_conflict !== undefined) return { field: "on_conflict", message };
  return commits ? { field: "commit", message } : null;
}

function lengthFault(text: string): CheckFault | null {
  const message = limits.specLengthFault(text.length);
  return message === null ? null : { field: "", message };
}

/** Written out, so that the order stands in one place and the copy is fast. */
export function inOrder(spec: TaskSpec): TaskSpec {
  const { claims, commit } = spec;
  return {
    id: spec.id,
    title: spec.title,
    objective: spec.objective,
    decision: spec.decision,
    labels: spec.labels,
    work: workInOrder(spec.work),
    cwd: spec.cwd,
    workspace: spec.workspace,
    claims:
      claims === null
        ? null
        : { writes: claims.writes, reads: claims.reads, resources: sorted(claims.resources) },
    after: spec.after,
    after_any: spec.after_any,
    priority: spec.priority,
    not_before: spec.not_before,
    estimate_ms: spec.estimate_ms,
    timeout_ms: spec.timeout_ms,
    retries: { max: spec.retries.max, backoff_ms: spec.retries.backoff_ms },
    ...(spec.on_conflict === undefined ? {} : { on_conflict: spec.on_conflict }),
    env: sorted(spec.env),
    secrets: spec.secrets,
    verify: spec.verify,
    commit: { message: commit.message, author: commit.author, trailers: sorted(commit.trailers) },
  };
}

function workInOrder(work: Work): Work {
  switch (work.kind) {
    case "run":
      return { kind: "run", argv: work.argv };
    case "shell":
      return { kind: "shell", script: work.script };
    case "tools":
      return { kind: "tools", calls: work.calls };
    default:
      return unreachable(work);
  }
}

/** Keys in code unit order; those that are whole numbers come first, as in every object. */
function sorted<Value>(record: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  const names = Object.keys(record);
  if (names.length < 2) return record;
  names.sort();
  return Object.fromEntries(names.map((name) => [name, record[name] as Value]));
}

function refused(value: unknown, { field, message }: CheckFault): Result<never> {
  const id = typeof value === "object" && value !== null && "id" in value ? value.id : null;
  const name = typeof id === "string" ? `task ${quoted(id)}` : "a task";
  return fail(
    failure("invalid_task", `${name} is not valid: ${[field, message].filter(Boolean).join(" ")}`, {
      problems: [{ file: null, line: null, column: null, field, message }],
    }),
  );
}
