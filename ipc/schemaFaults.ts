import type * as z from "zod";
import type { Fault } from "./document.ts";
import { quoted } from "./location.ts";
import type { FieldPath } from "./location.ts";
import { nearest } from "./nearest.ts";

/**
 * From what the schema package says to what orchd says: one fault for each thing that is wrong, in
 * the words of the person who wrote the file.
 */
type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;

const noValue = "has no value; give it one or leave it out";

/** The message of a union or of a list: the form that is wanted, unless nothing stands there. */
export function wanted(form: string) {
  return ({ code, input }: { code?: string; input?: unknown }): string | undefined => {
    if (code !== "invalid_type" && code !== "invalid_union") return undefined;
    return input === null ? noValue : `must be ${form}`;
  };
}

/** Given to every parse; a message that a schema part chose itself comes before it. */
export function wording(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return wrongType(issue.expected, issue.input);
    case "invalid_value":
      return wrongChoice(issue.values, issue.input);
    case "too_big":
      return `${amountOf(issue)}; at most ${issue.maximum} allowed`;
    case "too_small":
      return `${amountOf(issue)}; at least ${issue.minimum} needed`;
    default:
      return undefined;
  }
}

function wrongType(expected: string, input: unknown): string {
  if (input === undefined) return "is missing";
  if (input === null) return noValue;
  const isPlain = typeof input === "number" || typeof input === "boolean";
  if (expected === "string" && isPlain) return `must be a text; write it in quotes: "${input}"`;
  return `must be ${expectedWords[expected] ?? expected}, not ${described(input)}`;
}

const expectedWords: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

function described(input: unknown): string {
  if (Array.isArray(input)) return "a list";
  if (typeof input === "string") return `the text ${quoted(input, 30)}`;
  return typeof input === "number" || typeof input === "boolean" ? String(input) : "a map";
}

function wrongChoice(values: readonly z.core.util.Primitive[], input: unknown): string {
  if (input === undefined || input === null) return wrongType("", input);
  const choices = values.map(String);
  const meant = typeof input === "string" ? nearest(input, choices) : null;
  const choice = `must be ${choices.map((value) => quoted(value)).join(" or ")}`;
  return meant === null ? choice : `${choice}; did you mean ${quoted(meant)}?`;
}

function amountOf({ input, origin }: { input?: unknown; origin: string }): string {
  if (Array.isArray(input)) return `has ${input.length} items`;
  if (typeof input === "string") return `has ${input.length} characters`;
  return origin === "number" || origin === "int" ? `is ${String(input)}` : "has the wrong size";
}

/** Flattens unions and lists of unknown keys. `base` leads to the value that was parsed. */
export function faultsOf(issues: readonly Issue[], base: FieldPath = []): Fault[] {
  return issues.flatMap((issue): Fault[] => {
    const path = [...base, ...issue.path.map(step)];
    switch (issue.code) {
      case "unrecognized_keys":
        return unknownKeys(issue, path);
      case "invalid_union":
        return faultsOfUnion(issue, path);
      case "custom":
        return [{ path, message: issue.message, ...(isAtKey(issue) ? { at: "key" } : {}) }];
      default:
        return [{ path, message: issue.message }];
    }
  });
}

function step(key: PropertyKey): string | number {
  return typeof key === "symbol" ? String(key) : key;
}

function isAtKey({ params }: { params?: Record<string, unknown> | undefined }): boolean {
  return params?.["at"] === "key";
}

function unknownKeys(issue: z.core.$ZodIssueUnrecognizedKeys, path: FieldPath): Fault[] {
  const messages = issue.message.split("\n");
  return issue.keys.map((key, index) => ({
    path: [...path, key],
    message: messages[index] ?? `unknown key ${quoted(key)}`,
    at: "key",
  }));
}

/**
 * Of the forms that a value may have, it was probably meant to have the one whose outermost type fits
 * and that is wrong in the fewest places; those are told. If there is no such one, the message of the
 * union lists the forms.
 */
function faultsOfUnion(issue: z.core.$ZodIssueInvalidUnion, path: FieldPath): Fault[] {
  const [best, second] = issue.errors
    .filter((form) => !form.some(isOutermostType))
    .map((form) => faultsOf(form, path))
    .toSorted((a, b) => a.length - b.length);
  if (best === undefined || best.length === second?.length)
    return [{ path, message: issue.message }];
  return best;
}

function isOutermostType(issue: Issue): boolean {
  return (
    issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_union")
  );
}
