import type { LockView } from "../../ipc/methods.ts";
import type { Look } from "./paint.ts";
import type { Cell } from "./table.ts";
import { table } from "./table.ts";
import { listed, plain } from "./text.ts";
import { span } from "./time.ts";

const pathsShown = 4;

/** One line a held lock: who holds what, since when, and who waits for it. */
export function lockTable(locks: readonly LockView[], look: Look): string {
  if (locks.length === 0) return "No locks are held.";
  const rows = locks.map((lock): Cell[] => [
    `${lock.task}.${lock.attempt}`,
    lock.worker ?? "",
    heldWords(lock),
    lock.waiters.length > 0 ? { text: listed(lock.waiters, 3), style: "warn" } : "",
    `${lock.fence}`,
    span(look.now - lock.granted_at),
  ]);
  return table(
    [
      { heading: "HOLDER", shrinkTo: 24 },
      { heading: "WORKER" },
      { heading: "HOLDS", shrinkTo: 20 },
      { heading: "WAITED FOR BY", shrinkTo: 13 },
      { heading: "FENCE", align: "right" },
      { heading: "AGE", align: "right" },
    ],
    rows,
    look,
  );
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
