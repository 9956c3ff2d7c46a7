import { spawnSync } from "node:child_process";
import { appendFileSync, closeSync, openSync } from "node:fs";
import { join } from "node:path";

/**
 * Failpoints: places right before and right after each call that changes what survives a crash. A
 * test can stop the process exactly there; nothing else can.
 *
 *     await failpoint("held.write", () => writeDurably(path, text))
 *
 * has the points `held.write:before` and `held.write:after`. A name is written out, once, so that the
 * list of all of them can be read from the sources; `scripts/failpoints.ts` does, and a test fails on
 * a durable call that is not inside one.
 *
 * For tests only: without `armFromEnvironment` or a hook a failpoint calls its step and no more.
 * `armFromEnvironment` does nothing unless `ORCHD_TEST_RUN`, which a test run sets, is there as well.
 */
export type Failpoint = {
  /** `<name>:before` or `<name>:after`. */
  readonly at: string;
  /** `kill`: the whole process, at once. `full`, `io`: as if SQLite had met ENOSPC, EIO. `bug`: no more than an error. */
  readonly action: "kill" | "full" | "io" | "bug";
  /** Which passing is the first to fail, from 1 (default 1), and how many fail (default: all). */
  readonly nth?: number;
  readonly times?: number;
};

/** What `ORCHD_TEST_FAILPOINTS` holds, as JSON. */
export type FailpointPlan = {
  /**
   * A folder, absolute. A point that a process is about to be killed at is a file `<role>.<point>`
   * here, made before: it kills one process and never a second. `<role>.passed` lists, one a line,
   * the points that were passed.
   */
  readonly folder: string;
  readonly kill: readonly Place[];
  /** Commands to be run at a point, as if somebody else did so at that moment. */
  readonly run?: readonly (Place & { readonly command: readonly [string, ...string[]] })[];
};

type Place = { readonly role: Role; readonly at: string; readonly nth?: number };

type Role = "supervisor" | "worker";
type Hook = (point: string) => void | Promise<void>;

const errcodes = { full: 13, io: 10 } as const;

/** Of this thread. */
let hook: Hook | null = null;

/** Runs a step that must not be cut off unnoticed, between its two points. */
export async function failpoint<Value>(name: string, step: () => Promise<Value>): Promise<Value> {
  if (hook === null) return await step();
  await hook(`${name}:before`);
  const value = await step();
  await hook(`${name}:after`);
  return value;
}

/** The same for a step that does not wait. */
export function failpointNow<Value>(name: string, step: () => Value): Value {
  if (hook === null) return step();
  void hook(`${name}:before`);
  const value = step();
  void hook(`${name}:after`);
  return value;
}

/** Calls `passing` at every point of this thread until it is disposed of. */
export function onFailpoint(passing: Hook): Disposable {
  hook = passing;
  return { [Symbol.dispose]: () => (hook = null) };
}

export function arm(failpoint: Failpoint): void {
  const first = failpoint.nth ?? 1;
  const last = first + (failpoint.times ?? Number.POSITIVE_INFINITY) - 1;
  let passed = 0;
  hook = (point) => {
    if (point !== failpoint.at) return;
    passed += 1;
    if (passed >= first && passed <= last) fail(failpoint.action);
  };
}

/** To be called by the processes and threads that may be killed; once in each. */
export function armFromEnvironment(role: Role): void {
  const { ORCHD_TEST_RUN, ORCHD_TEST_FAILPOINTS } = process.env;
  if (ORCHD_TEST_RUN === undefined || ORCHD_TEST_FAILPOINTS === undefined) return;
  const { folder, kill, run = [] } = JSON.parse(ORCHD_TEST_FAILPOINTS) as FailpointPlan;
  const passed = new Map<string, number>();
  hook = (point) => {
    const times = (passed.get(point) ?? 0) + 1;
    passed.set(point, times);
    if (times === 1) appendFileSync(join(folder, `${role}.passed`), `${point}\n`);
    const isHere = (one: Place): boolean =>
      one.role === role && one.at === point && times === (one.nth ?? 1);
    for (const { command } of run.filter(isHere)) spawnSync(command[0], command.slice(1));
    if (kill.some(isHere)) killOnce(join(folder, `${role}.${point}`));
  };
}

function killOnce(record: string): void {
  try {
    closeSync(openSync(record, "wx"));
  } catch {
    return;
  }
  fail("kill");
}

function fail(action: Failpoint["action"]): void {
  if (action === "bug") throw new Error("failpoint: bug");
  if (action === "kill") process.kill(process.pid, "SIGKILL");
  else throw Object.assign(new Error(`failpoint: ${action}`), { errcode: errcodes[action] });
}
