import { attemptLayout, workerLayout } from "../system/paths.ts";
import { completeSpec } from "./settings.ts";
import { eventView } from "./server/views/event.ts";
import { FailureError, failure } from "../ipc/errors.ts";
import { packageVersion } from "../ipc/version.ts";
import { recordedOf, storedTask } from "./recovery.ts";
import type { LandingView } from "../ipc/landingViews.ts";
import type { HistoryRow } from "../ipc/historyViews.ts";
import type { Ground, Parts } from "./assembly.ts";
import type { Journal } from "./journal/journal.ts";
import type { JournalProblem } from "./journal/records.ts";
import type { ServerContext } from "./server/context.ts";

/** What a call can ask of the supervisor as a whole. */
type Whole = Pick<
  ServerContext,
  "startedAt" | "daemonState" | "land" | "config" | "reload" | "stop"
>;

/** The parts of the supervisor, as the methods see them. */
export function makeServerContext(
  { hub, loop, locks, holds, pool, effects, foresight, resolving, outbox, upkeep }: Parts,
  {
    layout,
    spelling,
    epoch,
    journal,
    landing,
  }: Pick<Ground, "layout" | "spelling" | "epoch" | "journal" | "landing">,
  whole: Whole,
): ServerContext {
  const readers = journalReaders(journal);
  return {
    ...whole,
    pid: process.pid,
    epoch,
    version: packageVersion(),
    wallMs: () => Date.now(),
    ask: (command) => loop.ask(command),
    read: (look) => loop.read(look),
    journalProblem: () => loop.journalProblem,
    shortage: () => loop.shortage,
    ...readers,
    isAncestor: (old, young) => landing.isAncestor(old, young).catch(() => false),
    hasRef: (ref) => landing.hasRef(ref).catch(() => true),
    hub,
    workers: () =>
      pool.slots().map((slot) => ({
        worker: slot.worker,
        pid: slot.pid,
        state: slot.state,
        since: slot.since,
        heartbeat: slot.heartbeat,
        heartbeatAgeMs: slot.heartbeat === null ? null : performance.now() - slot.heartbeatAt,
      })),
    lockFile: (id) => locks.fileOf(id),
    holds: holds.ports,
    outbox: () => outbox.view(),
    collect: (how) => upkeep.collect(how),
    branches: async () => {
      const { tip, targetTip, ahead, rewound } = await landing.view();
      const attributes_left_out = leftOutView(landing.leftOutAttributes());
      return { tip, target_tip: targetTip, ahead, rewound, attributes_left_out };
    },
    attemptFolder: (worker, task, attempt) =>
      attemptLayout(workerLayout(layout, worker), { task, attempt }).dir,
    completeSpec: (spec) => completeSpec(spec, spelling),
    hasSecret: (name) => process.env[name] !== undefined,
    followTried: () => effects.followTried(),
    foreseen: () => foresight.views(),
    worktreeFor: (task) => `${layout.workTree}-resolve-${task}`,
    roomFor: (task) => landing.roomFor(task).catch(() => null),
    resolve: (asked) => resolving.resolve(asked),
  };
}

function journalReaders(
  journal: Journal,
): Pick<ServerContext, "readTask" | "eventsSince" | "taskEvents" | "historyStep"> {
  return {
    readTask: (id) => storedTask(journal, id),
    eventsSince: async (fromSeq, max) => {
      const read = await journal.readEvents(fromSeq, max);
      if (!read.ok) throw unreadable(read.problem);
      return read.value.map((row) => eventView(recordedOf(row)));
    },
    taskEvents: async (id) => {
      const read = await journal.readTask(id);
      if (!read.ok) throw unreadable(read.problem);
      return read.value.events.map((row) => ({ ...recordedOf(row), epoch: row.epoch }));
    },
    historyStep: async (query, ids) => {
      const read = await journal.readHistory(query, ids);
      if (!read.ok) throw unreadable(read.problem);
      const { rows, next, heads } = read.value;
      return { rows: rows.map((row) => JSON.parse(row) as HistoryRow), next, heads };
    },
  };
}

const leftOutShownMax = 10;

function leftOutView(paths: readonly string[]): LandingView["attributes_left_out"] {
  if (paths.length === 0) return null;
  return { paths: paths.slice(0, leftOutShownMax), total: paths.length };
}

function unreadable(problem: JournalProblem): FailureError {
  const reason =
    problem.kind === "full"
      ? failure("disk_full", "the journal cannot tell all of it while its disk is full")
      : failure("internal", "the journal cannot be read");
  return new FailureError(reason);
}
