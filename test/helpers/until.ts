import { setTimeout as pause } from "node:timers/promises";

const pollMs = 5;
const defaultTimeoutMs = 5_000;

type Falsy = false | 0 | "" | null | undefined;

/**
 * Polls every 5 ms until `condition` returns (or resolves to) something truthy, and returns that.
 * A condition that throws has not happened yet: `until(() => readFile(path))` waits for the file.
 * After `timeoutMs` (default 5 s) it rejects with `what` was waited for and the last error as cause.
 */
export async function until<Value>(
  condition: () => Value | Promise<Value>,
  options: { readonly timeoutMs?: number; readonly what?: string } = {},
): Promise<Exclude<Value, Falsy>> {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const what = options.what ?? condition.toString().slice(0, 200);
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value as Exclude<Value, Falsy>;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= deadline) throw gaveUp(what, timeoutMs, lastError);
    await pause(pollMs);
  }
}

function gaveUp(what: string, timeoutMs: number, cause: unknown): Error {
  const because = cause instanceof Error ? `; last error: ${cause.message}` : "";
  return new Error(`waited ${timeoutMs} ms in vain for: ${what}${because}`, { cause });
}
