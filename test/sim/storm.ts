import type { FaultKind } from "./faults.ts";
import type { Machine } from "./machine.ts";
import type { WorkerProcess } from "./worker.ts";

/** Brings a fault about: at once where that makes sense, else at the next occasion. */
const hourMs = 3_600_000;
const yearsMs = 10 * 365 * 24 * hourMs;
const clockJumpsMs = {
  clock_hour_ahead: hourMs,
  clock_hour_back: -hourMs,
  clock_years_ahead: yearsMs,
  clock_years_back: -yearsMs,
} as const;

export function strike(machine: Machine, kind: FaultKind): void {
  const { random, repository, scenario } = machine;
  switch (kind) {
    case "worker_crash":
      return withWorker(machine, (process) => {
        machine.fired(kind);
        process.kill();
      });
    case "worker_hang":
      return withWorker(machine, (process) => {
        machine.fired(kind);
        machine.freeze(process, scenario.staleAfterMs * random.int(2, 5));
      });
    case "short_pause":
      return withWorker(machine, (process) => {
        machine.fired(kind);
        machine.freeze(process, scenario.staleAfterMs * 0.9 * random.fraction());
      });
    case "worker_zombie":
    case "report_lost":
    case "report_duplicated":
    case "report_reordered":
    case "report_late":
    case "torn_tail":
    case "unsynced_lost":
    case "eio":
    case "gate_timeout":
    case "client_gone":
    case "answer_lost":
    case "git_late":
    case "git_problem":
    case "lock_file_slow":
      return machine.arm(kind);
    case "supervisor_crash":
      return crash(machine);
    case "power_loss":
      if (!machine.isUp) return;
      machine.fired(kind);
      machine.supervisor?.port.die();
      for (const process of machine.processes) process.kill();
      return;
    case "bit_flip":
      if (!machine.disk.flipBit()) return;
      machine.fired(kind);
      machine.supervisor?.port.die();
      return;
    case "enospc":
      machine.disk.fullUntilMs = machine.timeline.nowMs + random.logarithmic(200, 8_000);
      return;
    case "clock_hour_ahead":
    case "clock_hour_back":
    case "clock_years_ahead":
    case "clock_years_back":
      machine.fired(kind);
      return machine.jumpClock(clockJumpsMs[kind]);
    case "person_commit":
      machine.fired(kind);
      return repository.personCommits();
    case "person_edit":
      machine.fired(kind);
      return repository.personEdits();
    case "person_reset":
      if (!repository.personResets()) return;
      machine.fired(kind);
      // Some say that they meant it before the storm is over.
      machine.timeline.after(random.logarithmic(500, 60_000), () => machine.settleRewind());
      return;
    case "restart":
      return machine.restart();
    case "reload":
      return machine.reload();
    case "merge_conflict":
    case "resolved":
    case "continued":
    case "gate_red":
    case "gate_outage":
    case "setup_broken":
    case "generated":
    case "generation_failed":
    case "landed_together":
    case "reapplied":
      return;
  }
}

/** Soon, wherever that is; or at a kind of call that is rare. */
function crash({ supervisor, random, deathsAt }: Machine): void {
  if (random.chance(0.5)) supervisor?.port.dieAfter(random.int(1, 12));
  else if (deathsAt.size > 0) supervisor?.port.dieAt(random.pick([...deathsAt.keys()]));
}

function withWorker(machine: Machine, act: (process: WorkerProcess) => void): void {
  const { processes } = machine;
  if (processes.length > 0) act(machine.random.pick(processes));
}
