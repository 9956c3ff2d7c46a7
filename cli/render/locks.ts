import type { LockView } from "../../ipc/claimViews.ts";
import type { Look } from "./paint.ts";
import type { Cell } from "./table.ts";
import { table } from "./table.ts";
import { listed, plain } from "./text.ts";
import { span } from "./time.ts";

const pathsShown = 4;

/** One line a lock: who holds (or waits for) what, since when, its last sign of life, and who waits for it. */
export function lockTable(locks: readonly LockView[], look: Look): string {
  if (locks.length === 0) return "No locks are held.";
  const rows = locks.map((lock): Cell[] => [
    lock.attempt === null ? plain(lock.holder) : `${lock.holder}.${lock.attempt}`,
    ownerWords(lock),
    heldWords(lock),
    lock.waiters.length > 0 ? { text: listed(lock.waiters, 3), style: "warn" } : "",
    lock.fence === null ? "waits" : `${lock.fence}`,
    span(look.now - (lock.granted_at ?? lock.requested_at)),
    lock.heartbeat_age_ms === null ? "" : span(lock.heartbeat_age_ms),
  ]);
  return table(
    [
      { heading: "HOLDER", shrinkTo: 24 },
      { heading: "BY" },
      { heading: "HOLDS", shrinkTo: 20 },
      { heading: "WAITED FOR BY", shrinkTo: 13 },
      { heading: "FENCE", align: "right" },
      { heading: "AGE", align: "right" },
      { heading: "SEEN", align: "right" },
    ],
    rows,
    look,
  );
}

function ownerWords({ worker, pid }: LockView): string {
  if (worker !== null) return worker;
  return pid === null ? "" : `pid ${pid}`;
}

function heldWords(lock: LockView): string {
  const parts = [
    lock.optimistic ? "a share of everything (optimistic)" : "",
    lock.writes.length > 0 ? `writes ${listed(lock.writes, pathsShown)}` : "",
    lock.reads.length > 0 ? `reads ${listed(lock.reads, pathsShown)}` : "",
    ...Object.entries(lock.resources).map(([name, count]) => `${plain(name)} × ${count}`),
  ];
  return parts.filter((part) => part !== "").join("; ") || "nothing";
}
