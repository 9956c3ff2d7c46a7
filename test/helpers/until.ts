import { setTimeout as pause } from "node:timers/promises";

const pollMsMin = 5;
const pollMsMax = 50;
/** A look that comes late by so much of what was waited already costs a long wait little. */
const lateByMax = 1 / 40;
const defaultTimeoutMs = 5_000;

type Falsy = false | 0 | "" | null | undefined;

/**
 * Polls until `condition` returns (or resolves to) something truthy, and returns that: every 5 ms, and
 * less often the longer it takes, for each look may start a git.
 * A condition that throws has not happened yet: `until(() => readFile(path))` waits for the file.
 * After `timeoutMs` (default 5 s) it rejects with `what` was waited for and the last error as cause.
 */
export async function until<Value>(
  condition: () => Value | Promise<Value>,
  options: { readonly timeoutMs?: number; readonly what?: string } = {},
): Promise<Exclude<Value, Falsy>> {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const what = options.what ?? condition.toString().slice(0, 200);
  const begun = performance.now();
  const deadline = begun + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value as Exclude<Value, Falsy>;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    const now = performance.now();
    if (now >= deadline) throw gaveUp(what, timeoutMs, lastError);
    await pause(Math.min(pollMsMax, Math.max(pollMsMin, (now - begun) * lateByMax)));
  }
}

function gaveUp(what: string, timeoutMs: number, cause: unknown): Error {
  const because = cause instanceof Error ? `; last error: ${cause.message}` : "";
  return new Error(`waited ${timeoutMs} ms in vain for: ${what}${because}`, { cause });
}
