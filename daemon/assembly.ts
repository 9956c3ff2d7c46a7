import { completeReport, searchPath, workerConfig } from "./settings.ts";
import { Effects } from "./effects.ts";
import { Foresight } from "./foresight.ts";
import { eventView } from "./server/views/event.ts";
import { Holds } from "./holds.ts";
import { Hub } from "./server/hub.ts";
import { identityOf } from "../system/processIdentity.ts";
import { makeOutbox, makeUpkeep } from "./besides.ts";
import { logHolds } from "./logHolds.ts";
import { LockFiles } from "./locks/lockFiles.ts";
import { Loop } from "./loop.ts";
import { Pool } from "./pool/pool.ts";
import { realClock } from "../system/clock.ts";
import { Resolving } from "./resolving.ts";
import { storedTask } from "./recovery.ts";
import type { Config } from "../ipc/configSpec.ts";
import type { Journal } from "./journal/journal.ts";
import type { Landing } from "./landing/landing.ts";
import type { Layout } from "../system/paths.ts";
import type { Log } from "./observe/log.ts";
import type { Outbox } from "./outbox.ts";
import type { Report } from "../ipc/workerMessages.ts";
import type { Spelling } from "../system/claimSpelling.ts";
import type { Upkeep } from "./upkeep.ts";
import type { WorkerId } from "../ipc/ids.ts";

/** What the supervisor consists of, each part wired to those that it talks to. */
export type Parts = {
  readonly hub: Hub;
  readonly loop: Loop;
  readonly locks: LockFiles;
  readonly holds: Holds;
  readonly pool: Pool;
  readonly effects: Effects;
  readonly foresight: Foresight;
  readonly resolving: Resolving;
  readonly outbox: Outbox;
  readonly upkeep: Upkeep;
};

/** What the parts stand on. */
export type Ground = {
  readonly layout: Layout;
  readonly spelling: Spelling;
  readonly epoch: number;
  readonly journal: Journal;
  readonly landing: Landing;
  /** The person's branch. */
  readonly target: string;
  readonly workerEntry: string;
  readonly log: Log;
  /** As it is now. */
  readonly config: () => Config;
  readonly onBug: (error: unknown, method: string) => void;
  readonly die: (reason: unknown) => void;
};

export function assemble(
  state: Loop["state"],
  replayed: ConstructorParameters<typeof Loop>[1],
  ground: Ground,
): Parts {
  const { layout, epoch, journal, log, config, die } = ground;
  const hub = new Hub();
  const loop: Loop = new Loop(state, replayed, {
    journal,
    wallMs: realClock.wallMs,
    setTimer: realClock.setTimer,
    carryOut: (list) => effects.carryOut(list),
    publish: (batch) => {
      foresight.afterBatch();
      logHolds(batch, log);
      if (hub.hasListeners) hub.publish(batch.map(eventView));
    },
    die,
  });
  const locks = new LockFiles({
    folder: layout.locksDir,
    epoch,
    onPutBack: (file) =>
      log.warn("a lock file was removed by hand and has been put back", { file }),
    onProblem: (message) => log.warn("lock files", { message }),
  });
  const holds = new Holds({
    layout,
    spelling: ground.spelling,
    loop,
    locks,
    config,
    clock: realClock,
    log,
  });
  const foresight = new Foresight({
    loop,
    landing: ground.landing,
    wallMs: realClock.wallMs,
    setTimer: realClock.setTimer,
    log,
  });
  const pool = makePool(ground, loop, locks, foresight);
  const outbox = makeOutbox(ground, loop, () => effects);
  const effects = new Effects({
    loop: () => loop,
    pool,
    locks,
    holds,
    landing: ground.landing,
    outbox,
    epoch,
    ttlMs: () => config().limits.stale_after_ms,
    commit: () => config().commit,
    secret: (name) => process.env[name],
    ownerOf: (worker) => ownerOf(pool, worker),
    log,
    setTimer: realClock.setTimer,
    die,
  });
  const resolving = new Resolving({
    ...ground,
    loop,
    readTask: (id) => storedTask(journal, id),
  });
  const upkeep = makeUpkeep(ground, loop, pool);
  return { hub, loop, locks, holds, pool, effects, foresight, resolving, outbox, upkeep };
}

function makePool(ground: Ground, loop: Loop, locks: LockFiles, foresight: Foresight): Pool {
  const { layout, epoch, log, target, workerEntry, config } = ground;
  const pool: Pool = new Pool({
    epoch,
    brain: layout.brainDir,
    stateDir: layout.stateDir,
    logs: layout.logsDir,
    entry: workerEntry,
    path: searchPath(config()),
    staleAfterMs: () => config().limits.stale_after_ms,
    settings: () => ({
      epoch,
      git_dir: layout.commonDir,
      work_tree: layout.workTree,
      landing_ref: `refs/heads/orchd/${target}`,
      path: searchPath(config()),
      config: workerConfig(config(), layout),
    }),
    onReady: (worker, holding, known) => loop.tell({ type: "workerReady", worker, holding }, known),
    onGone: (worker) => loop.tell({ type: "workerGone", worker }),
    onHeartbeat: ({ attempt, live }) => {
      if (attempt === null) return;
      locks.touch(attempt.task);
      if (live !== undefined) foresight.seen(attempt, live);
    },
    onReports: (worker, reports) => takeReports(worker, reports, ground.spelling, loop, pool),
    onProblem: (worker, message) => log.warn("worker", { worker, message }),
    onBug: ground.onBug,
  });
  return pool;
}

/** A report is acknowledged when what it led to is durable. */
function takeReports(
  worker: WorkerId,
  reports: readonly Report[],
  spelling: Spelling,
  loop: Loop,
  pool: Pool,
): void {
  let open = reports.length;
  for (const sent of reports) {
    const report = completeReport(sent, spelling);
    loop.tell({ type: "report", worker, report }, () => {
      open -= 1;
      if (open > 0) return;
      const keys = reports.map(({ task, attempt, fence }) => ({ task, attempt, fence }));
      pool.acknowledge(worker, keys);
    });
  }
}

function ownerOf(pool: Pool, worker: WorkerId) {
  const pid = pool.slot(worker)?.pid;
  return pid === undefined || pid === null ? null : (identityOf(pid) ?? null);
}
