import { dirname } from "node:path";
import { locksBelow, logsOf } from "./living.ts";
import type { Site } from "./site.ts";

/** `work`, or an error that says what was not over. What still waits for it is left behind. */
export async function inTime<Value>(
  work: Promise<Value>,
  { timeoutMs, what }: { readonly timeoutMs: number; readonly what: string },
): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = new Error(`${what}: not over after ${timeoutMs} ms`);
  const timer = setTimeout(() => reject(late), timeoutMs);
  return await Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

/**
 * What a round found to be broken. If it fails, or takes longer than it may, that is broken too, the
 * answer says what is to be seen at that moment, and nothing runs in its repository any more.
 */
export async function roundProblems(
  site: Site,
  timeoutMs: number,
  round: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const problems = await inTime(round(), { timeoutMs, what: "the round" }).catch(
    (error: unknown) => [error instanceof Error ? (error.stack ?? error.message) : String(error)],
  );
  return problems.length === 0 ? [] : [...problems, ...(await abandoned(site))];
}

/** What is to be seen where something is broken, before everything there is ended. */
export async function abandoned(site: Site): Promise<string[]> {
  const { stdout, stderr } = await site.orchd(["status"]);
  const seen = [
    `status:\n${stdout}${stderr}`,
    `lock files:\n${locksBelow(dirname(site.repository.dir)).join("\n")}`,
    `the logs:\n${logsOf(site.repository)}`,
  ];
  await site.abandon();
  return seen;
}
