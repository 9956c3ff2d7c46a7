import * as z from "zod";
import { durationMsMax, formatDuration, parseDuration } from "./duration.ts";
import { globLengthMax, normaliseGlob } from "./glob.ts";
import { quoted } from "./location.ts";
import { nearest } from "./nearest.ts";
import { wanted } from "./schemaFaults.ts";
import * as limits from "./taskRules.ts";
import type { Argv } from "./taskSpec.ts";
import { trailerKey, wordLengthMax, wordRule } from "./textRules.ts";
import type { Rule } from "./textRules.ts";

/**
 * What the schemas of task files and of `orchd.yaml` are made of. Each part turns what a person wrote
 * into what the program uses; its messages say what to write instead. `.meta` goes into the published
 * JSON Schema and from there into the reference pages.
 */

/** Keys that will mean something one day. They are refused by name, never ignored. */
type Later = Readonly<Record<string, string>>;
const suggestionsMax = 20;

/** A map with these keys and no others. The message of an unknown key names the one probably meant. */
export function strict<Shape extends z.ZodRawShape>(shape: Shape, later: Later = {}) {
  const names = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key, index) => unknownKey(key, names, later, index)).join("\n")
        : undefined,
  });
}

/** Always one line: `ipc/schemaFaults.ts` takes the lines apart again, one for each key. */
function unknownKey(key: string, names: readonly string[], later: Later, index: number): string {
  const reason = Object.hasOwn(later, key) ? later[key] : undefined;
  if (reason !== undefined) return reason;
  const meant = index < suggestionsMax ? nearest(key, names) : null;
  if (meant !== null) return `unknown key ${quoted(key)}; did you mean ${quoted(meant)}?`;
  return `unknown key ${quoted(key)}; the keys here are ${names.join(", ")}`;
}

export function later(...names: string[]): Later {
  return Object.fromEntries(names.map((name) => [name, `\`${name}\` is not supported yet`]));
}

/** What the reference says of a key; a default that is words is given as they are, any other value as JSON. */
export function about(description: string, otherwise?: unknown): { description: string } {
  if (otherwise === undefined) return { description };
  const shown = typeof otherwise === "string" ? otherwise : `\`${JSON.stringify(otherwise)}\``;
  return { description: `${description} Default: ${shown}.` };
}

export function ruled(rule: Rule, lengthMax?: number) {
  const schema = z.string().check(({ value, issues }) => {
    const message = rule(value);
    if (message !== null) issues.push({ code: "custom", input: value, message });
  });
  return lengthMax === undefined ? schema : schema.meta({ maxLength: lengthMax });
}

/** A duration as text, at least `msMin`; milliseconds come out. */
export function duration(msMin: number, msMax = durationMsMax) {
  return z
    .string({ error: ({ input }) => (typeof input === "number" ? bareNumber(input) : undefined) })
    .transform((text, { issues }) => {
      const parsed = parseDuration(text, Math.max(msMax, durationMsMax));
      const message = parsed.ok ? rangeFault(parsed.ms, msMin, msMax) : parsed.message;
      if (message !== null) issues.push({ code: "custom", input: text, message });
      return parsed.ok ? parsed.ms : 0;
    });
}

function bareNumber(input: number): string {
  return `${input} has no unit; write a duration such as 90s, 20m or 1h30m`;
}

function rangeFault(ms: number, min: number, max: number): string | null {
  if (ms < min) return `must be at least ${formatDuration(min)}`;
  return ms > max ? `must be at most ${formatDuration(max)}` : null;
}

/** A pattern for JSON Schema; `parseDuration` decides. */
export const durationSchemaPattern = "^(?=\\d)(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?$";

export const glob = z
  .string()
  .transform((text, { issues }) => {
    const parsed = normaliseGlob(text);
    if (parsed.ok) return parsed.glob;
    issues.push({ code: "custom", input: text, message: `${quoted(text)} ${parsed.message}` });
    return text;
  })
  .meta({ maxLength: globLengthMax });

/** Of one list in `orchd.yaml`. */
export const globsMax = 256;

export function globs(max: number) {
  return z
    .array(glob, { error: wanted('a list of globs such as ["src/auth/"]') })
    .max(max)
    .transform(distinct);
}

export function distinct<Item>(items: readonly Item[]): Item[] {
  return [...new Set(items)];
}

const word = ruled(wordRule(wordLengthMax));
const program = ruled((text) => (text === "" ? "is empty; it must name a program" : null));

/** `["prog","arg"]`; the words reach the program as they are, no shell reads them. */
export const argv = z
  .array(word)
  .min(1)
  .max(limits.argvMax)
  .transform((words, { issues }): Argv => {
    const [first = "", ...rest] = words;
    const checked = program.safeParse(first);
    for (const { message } of checked.error?.issues ?? []) {
      issues.push({ code: "custom", input: first, message, path: [0] });
    }
    return [first, ...rest];
  });

/** `{"shell":"…"}`; asked for by name, so that nobody gets a shell by accident. */
export const shell = strict({
  shell: ruled(limits.scriptRule, limits.scriptLengthMax).meta(
    about("A script, run with `sh -c`."),
  ),
});
const shellArgv = shell.transform(({ shell: script }): Argv => ["sh", "-c", script]);

const commandForm = 'a list of words such as ["npm","test"] or {"shell":"npm test"}';

/** One command. */
export const command = z.union([argv, shellArgv], { error: wanted(commandForm) });

/** Commands, in order: a list, each a list of words or a shell; one alone may stand without the list around it. */
export const commands = z.union(
  [
    z.array(command).max(limits.verifyMax),
    argv.transform((one): Argv[] => [one]),
    shellArgv.transform((one): Argv[] => [one]),
  ],
  { error: wanted('a list of commands such as [["npm","test"]]') },
);

/** A map from names that a rule allows to values of one kind; its keys come out sorted. */
export function named<Value extends z.ZodType>(nameRule: Rule, value: Value, max: number) {
  return z.record(z.string(), value).check(({ value: map, issues }) => {
    const names = Object.keys(map);
    if (names.length > max) {
      issues.push({
        code: "custom",
        input: map,
        message: `has ${names.length} keys; at most ${max}`,
      });
    }
    for (const name of names) {
      const message = nameRule(name);
      if (message !== null) {
        issues.push({ code: "custom", input: name, message, path: [name], params: { at: "key" } });
      }
    }
  });
}

const trailerValue = ruled(limits.trailerRule, limits.trailerLengthMax);

/** `{"Reviewed-by":"Ada <ada@example.org>","Fixes":["12","13"]}` */
export const trailers = named(
  trailerKey,
  z.union([trailerValue, z.array(trailerValue).min(1).max(limits.trailersMax)], {
    error: wanted("a text or a list of texts"),
  }),
  limits.trailersMax,
);
