import type { FaultKind } from "./faults.ts";
import type { Machine } from "./machine.ts";
import type { WorkerProcess } from "./worker.ts";

/** Brings a fault about: at once where that makes sense, else at the next occasion. */
const hourMs = 3_600_000;
const yearsMs = 10 * 365 * 24 * hourMs;

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
    case "git_late":
    case "git_problem":
      return machine.arm(kind);
    case "supervisor_crash":
      return crashSoon(machine, kind);
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
    case "clock_hour":
      machine.fired(kind);
      return machine.jumpClock(random.pick([hourMs, -hourMs]));
    case "clock_years":
      machine.fired(kind);
      return machine.jumpClock(random.pick([yearsMs, -yearsMs]));
    case "person_commit":
      machine.fired(kind);
      return repository.personCommits();
    case "person_edit":
      machine.fired(kind);
      return repository.personEdits();
    case "person_reset":
      if (repository.personResets()) machine.fired(kind);
      return;
    case "restart":
      return machine.restart();
    case "reload":
      return machine.reload();
    case "merge_conflict":
    case "gate_red":
      return;
  }
}

/** Within the next few calls, whatever they are. */
function crashSoon(machine: Machine, kind: FaultKind): void {
  const port = machine.supervisor?.port;
  if (port?.alive !== true) return;
  machine.fired(kind);
  port.dieAfter = machine.random.int(1, 12);
}

function withWorker(machine: Machine, act: (process: WorkerProcess) => void): void {
  const { processes } = machine;
  if (processes.length > 0) act(machine.random.pick(processes));
}
