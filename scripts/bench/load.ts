import { mintTaskId } from "../../ipc/ids.ts";
import { plainSpec } from "../../test/helpers/plainSpec.ts";
import type { Client } from "../../ipc/client.ts";
import type { RequestId } from "../../ipc/ids.ts";
import type { TaskSpec, Work } from "../../ipc/taskSpec.ts";

/** The tasks that the benchmarks submit, and ways to submit them. */
export const title200 = "a task of two hundred bytes ".padEnd(200, ".");

/** With nothing to land and nothing to claim. */
export function spec(work: Work, title: string): TaskSpec {
  return plainSpec(mintTaskId(), { work, title, workspace: "none", timeout_ms: 60_000 });
}

/** Nothing to do: it measures the path itself. */
export function instants(count: number): TaskSpec[] {
  return Array.from({ length: count }, () => spec({ kind: "tools", calls: [] }, title200));
}

/** Submits each task with a call of its own, at most `inFlight` of them unanswered; the times in ms. */
export async function submitEach(
  client: Client,
  specs: readonly TaskSpec[],
  inFlight: number,
): Promise<number[]> {
  const times: number[] = [];
  const queue = specs.values();
  const lane = async () => {
    for (const one of queue) {
      const begun = performance.now();
      await client.call("submit", { request: `r${one.id}` as RequestId, tasks: [one] });
      times.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return times;
}

/** `all` resolves when the event stream has told of so many tasks that they have ended. */
export async function whenFinal(
  client: Client,
  count: number,
): Promise<{ readonly all: Promise<void> }> {
  let left = count;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  await client.subscribe(null, ({ name, task, detail }) => {
    // A task that fails is sooner over: its figure would be a lie.
    if (name === "task:failed") reject(new Error(`${task} failed: ${JSON.stringify(detail)}`));
    if (name !== "task:succeeded") return;
    left -= 1;
    if (left === 0) resolve();
  });
  return { all: promise };
}
