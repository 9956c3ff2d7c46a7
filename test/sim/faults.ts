/** What can go wrong. A fault counts as fired only when it really met something. */
export const faultKinds = [
  "worker_crash",
  "worker_hang",
  "worker_zombie",
  "short_pause",
  "report_lost",
  "report_duplicated",
  "report_reordered",
  "report_late",
  "supervisor_crash",
  "power_loss",
  "torn_tail",
  "unsynced_lost",
  "bit_flip",
  "eio",
  "enospc",
  "merge_conflict",
  "resolved",
  "continued",
  "gate_red",
  "gate_timeout",
  "gate_outage",
  "setup_broken",
  "generated",
  "generation_failed",
  "landed_together",
  "reapplied",
  "clock_hour_ahead",
  "clock_hour_back",
  "clock_years_ahead",
  "clock_years_back",
  "client_gone",
  "answer_lost",
  "person_commit",
  "person_edit",
  "person_reset",
  "git_late",
  "git_problem",
  "lock_file_slow",
  "restart",
  "reload",
] as const;

export type FaultKind = (typeof faultKinds)[number];

export type FaultCounts = Record<FaultKind, number>;

export function noFaults(): FaultCounts {
  return Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as FaultCounts;
}

/** Those that the world brings about by itself, in the course of other things. */
const consequences: ReadonlySet<FaultKind> = new Set([
  "merge_conflict",
  "resolved",
  "continued",
  "gate_red",
  "gate_outage",
  "setup_broken",
  "generated",
  "generation_failed",
  "landed_together",
  "reapplied",
]);

export const causes: readonly FaultKind[] = faultKinds.filter((kind) => !consequences.has(kind));
