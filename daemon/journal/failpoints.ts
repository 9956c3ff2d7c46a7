/**
 * Places before and after every durable step of the journal where a test can make it fail. Reached
 * only through `openJournal(path, { failpoint })`, which nothing but tests passes.
 */
export const failpointNames = [
  "create:before",
  "create:after",
  "epoch:before",
  "epoch:after",
  "commit:before",
  "commit:after",
  "mark:before",
  "mark:after",
  "snapshot:before",
  "snapshot:after",
  "checkpoint:before",
  "checkpoint:after",
  "aside:before",
  "aside:after",
  "close:before",
  "close:after",
] as const;

export type FailpointName = (typeof failpointNames)[number];

export type Failpoint = {
  readonly at: FailpointName;
  /** `kill`: the whole process, at once. `full`, `io`: as if SQLite had met ENOSPC, EIO. */
  readonly action: "kill" | "full" | "io";
  /** Which passing is the first to fail, from 1 (default 1), and how many fail (default: all). */
  readonly nth?: number;
  readonly times?: number;
};

export type PassFailpoint = (name: FailpointName) => void;

const errcodes = { full: 13, io: 10 } as const;

export function passer(failpoint: Failpoint | undefined): PassFailpoint {
  if (failpoint === undefined) return () => undefined;
  const first = failpoint.nth ?? 1;
  const last = first + (failpoint.times ?? Number.POSITIVE_INFINITY) - 1;
  let passed = 0;
  return (name) => {
    if (name !== failpoint.at) return;
    passed += 1;
    if (passed >= first && passed <= last) fail(failpoint.action);
  };
}

function fail(action: Failpoint["action"]): void {
  if (action === "kill") process.kill(process.pid, "SIGKILL");
  else throw Object.assign(new Error(`failpoint: ${action}`), { errcode: errcodes[action] });
}
