import { fieldName, quoted } from "./location.ts";
import type { Rule } from "./textRules.ts";

/**
 * Checks of decoded values that cost nothing to load and little to run: the supervisor looks at every
 * submit with them. (The schema package takes 25 to 70 ms and 18 MB to load; it reads files only.)
 *
 * A check is a function from a value and its field to the first thing that is wrong, or `null`.
 */
export type Check = (value: unknown, field: string) => CheckFault | null;
export type CheckFault = { readonly field: string; readonly message: string };

export function text(rule: Rule): Check {
  return (value, field) => {
    const message = typeof value === "string" ? rule(value) : "must be a text";
    return message === null ? null : { field, message };
  };
}

export function nullOr(check: Check): Check {
  return (value, field) => (value === null ? null : check(value, field));
}

/** Of a key that may be left out. */
export function absentOr(check: Check): Check {
  return (value, field) => (value === undefined ? null : check(value, field));
}

export function integer(min: number, max: number): Check {
  return (value, field) =>
    Number.isInteger(value) && Number(value) >= min && Number(value) <= max
      ? null
      : { field, message: `must be a whole number from ${min} to ${max}` };
}

export function oneOf(...choices: readonly string[]): Check {
  return (value, field) =>
    choices.some((choice) => choice === value)
      ? null
      : { field, message: `must be ${choices.map((choice) => quoted(choice)).join(" or ")}` };
}

export function list(item: Check, max: number, min = 0): Check {
  return (value, field) => {
    if (!Array.isArray(value)) return { field, message: "must be a list" };
    if (value.length > max) return { field, message: `has ${value.length} items; at most ${max}` };
    if (value.length < min) return { field, message: `must have at least ${min} item` };
    for (let index = 0; index < value.length; index += 1) {
      const fault = item(value[index], field);
      if (fault !== null)
        return { ...fault, field: `${field}[${index}]${fault.field.slice(field.length)}` };
    }
    return null;
  };
}

/** The thing itself, or a list of at least one. */
export function oneOrMore(item: Check, max: number): Check {
  const several = list(item, max, 1);
  return (value, field) => (Array.isArray(value) ? several : item)(value, field);
}

/** A map from names to values of one kind. */
export function record(key: Rule, item: Check, max: number): Check {
  return (value, field) => {
    if (!isPlainRecord(value)) return { field, message: "must be a map" };
    const keys = Object.keys(value);
    if (keys.length > max) return { field, message: `has ${keys.length} keys; at most ${max}` };
    for (const name of keys) {
      const message = key(name);
      if (message !== null) return { field, message };
      const fault = item(value[name], `${field}.${name}`);
      if (fault !== null) return fault;
    }
    return null;
  };
}

/** Exactly these keys; all of them, but for those that may be left out. */
export function shape(checks: Readonly<Record<string, Check>>): Check {
  const entries = Object.entries(checks);
  return (value, field) => {
    if (!isPlainRecord(value)) return { field, message: "must be a map" };
    const prefix = field === "" ? "" : `${field}.`;
    let fault: CheckFault | null = null;
    let found = 0;
    for (let at = 0; at < entries.length && fault === null; at += 1) {
      const [name, check] = entries[at] as (typeof entries)[number];
      fault = check(value[name], prefix + name);
      if (value[name] !== undefined) found += 1;
    }
    // As many keys as checks that found their own: none is left to be unknown.
    const keys = Object.keys(value);
    if (fault === null && keys.length === found) return null;
    const unknown = keys.find((name) => !Object.hasOwn(checks, name));
    return unknown === undefined ? fault : unknownKey(unknown, field);
  };
}

function unknownKey(name: string, field: string): CheckFault {
  const key = fieldName([name]);
  return {
    field: field === "" || key.startsWith("[") ? `${field}${key}` : `${field}.${key}`,
    message: `unknown key ${quoted(name)}`,
  };
}

/** One of several shapes, told apart by the value of one key. */
export function variant(key: string, shapes: Readonly<Record<string, Check>>): Check {
  return (value, field) => {
    const name = isPlainRecord(value) ? value[key] : undefined;
    const check =
      typeof name === "string" && Object.hasOwn(shapes, name) ? shapes[name] : undefined;
    if (check !== undefined) return check(value, field);
    return { field, message: `must have a \`${key}\`: ${Object.keys(shapes).join(", ")}` };
  };
}

/** Not a list, a date, a map or anything else with behaviour of its own. */
function isPlainRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
