import { existsSync } from "node:fs";
import { join } from "node:path";
import { mkdir } from "node:fs/promises";
import { call } from "./server/methods.ts";
import {
  completeReport,
  completeSpec,
  coreSettings,
  readConfig,
  workerConfig,
} from "./settings.ts";
import { drain } from "./drain.ts";
import { Effects } from "./effects.ts";
import { eventView } from "./server/views/event.ts";
import { FailureError, failure, ok, unreachable } from "../ipc/errors.ts";
import { attemptLayout, socketPathFor, workerLayout } from "../system/paths.ts";
import { Hub } from "./server/hub.ts";
import { Holds } from "./holds.ts";
import { identityOf } from "../system/processIdentity.ts";
import { connectionsMax, listen } from "./server/listener.ts";
import { openFilesLimit, openFilesReserved } from "../system/openFiles.ts";
import { LockFiles } from "./locks/lockFiles.ts";
import { Loop } from "./loop.ts";
import { openInbox } from "./inbox/inbox.ts";
import { packageVersion } from "../ipc/version.ts";
import { pending } from "./core/react.ts";
import { Pool } from "./pool/pool.ts";
import { protocolVersion } from "../ipc/protocol.ts";
import { realClock } from "../system/clock.ts";
import { recordedOf, recoverState } from "./recovery.ts";
import { submitFile } from "./inboxSubmit.ts";
import type { Config } from "../ipc/configSpec.ts";
import type { Flags } from "./settings.ts";
import type { Journal } from "./journal/journal.ts";
import type { JournalProblem } from "./journal/records.ts";
import type { Landing } from "./landing/landing.ts";
import type { Rewind } from "./landing/rewind.ts";
import type { LandingStart } from "./landing/prepare.ts";
import type { Layout } from "../system/paths.ts";
import type { Listener } from "./server/listener.ts";
import type { Log } from "./observe/log.ts";
import type { ConfigView, HistoryRow, Methods } from "../ipc/methods.ts";
import type { Report } from "../ipc/workerMessages.ts";
import type { Result } from "../ipc/errors.ts";
import type { ServerContext } from "./server/context.ts";
import type { Spelling } from "../system/claimSpelling.ts";
import type { StoredTask } from "./core/state.ts";
import type { Oid, WorkerId } from "../ipc/ids.ts";

/**
 * The supervisor put together. It is opened in this order, and closed in the opposite one:
 *
 *     journal recovered ─► landing prepared ─► loop ─► socket ─► announced ─► workers, locks, inbox
 */
export type SupervisorOptions = {
  readonly layout: Layout;
  readonly spelling: Spelling;
  readonly epoch: number;
  readonly journal: Journal;
  readonly landing: Landing;
  readonly prepared: Extract<LandingStart, { kind: "ready" }>;
  readonly config: Config;
  readonly configured: boolean;
  readonly flags: Flags;
  /** The person's branch. */
  readonly target: string;
  readonly workerEntry: string;
  readonly log: Log;
  /** False: the file of the supervisor's lock was removed or replaced, so it shuts out nobody. */
  readonly isLockIntact: () => boolean;
  /** Called once, when the process should end. */
  readonly onEnd: (end: End) => void;
};

export type End =
  { readonly why: "stopped" | "restart" } | { readonly why: "died"; readonly reason: unknown };

/** How often the folders and the socket are looked after: people run `git clean -fdx`. */
const scanMs = 500;
/** In `.aibrain/logs`. */
export const logFile = "orchd.log";
/** Beyond the grace period of a task: time for saving what it did. */
const savingMs = 30_000;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #hub = new Hub();
  readonly #startedAt = Date.now();
  #config: Config;
  #configured: boolean;
  #loop!: Loop;
  #pool!: Pool;
  #locks!: LockFiles;
  #effects!: Effects;
  #holds!: Holds;
  #listener: Listener | null = null;
  #inbox: { close(): Promise<void> } | null = null;
  #scan: NodeJS.Timeout | null = null;
  #scanning: Promise<void> = Promise.resolve();
  #state: "running" | "draining" | "stopping" = "running";
  #ended = false;
  #isBuilt = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#configured = options.configured;
  }

  /** Ready when it resolves: submits are accepted. Workers dial in afterwards. */
  async open(): Promise<Result<{ readonly socket: string }>> {
    const { layout, epoch, journal, prepared, target } = this.#options;
    void journal.bug.then((error) => this.#die(error));
    const { state, replayed } = recoverState(await journal.recover(), Date.now());
    this.#build(state, replayed);
    this.#setSigning();
    const settings = coreSettings(this.#config, target);
    const started = this.#loop.ask({ type: "supervisorStarted", epoch, settings });
    const { tip, targetTip } = prepared;
    await Promise.all([started, this.#loop.ask({ type: "branchPrepared", tip, targetTip })]);
    for (const file of prepared.foreignLocks)
      this.#options.log.warn("a lock file of git is in the way", { file });
    const socket = socketPathFor(layout);
    this.#listener = await listen({
      socketPath: socket,
      connectionsMax: connectionsAllowed(openFilesLimit()),
      hello: () => ({
        protocol: protocolVersion,
        version: packageVersion(),
        pid: process.pid,
        epoch,
      }),
      onCall: (method, params, session) => call(method, params, this.#context(), session),
      onWorker: (hello, peer) => this.#pool.admit(hello, peer),
      onBug: (error, method) => this.#bug(error, method),
      onDropped: (reason) => this.#options.log.info("a connection was closed", { ...reason }),
    });
    return ok({ socket });
  }

  /** After `open`, once others can find the socket. */
  async begin(): Promise<void> {
    const { layout } = this.#options;
    const needed = await this.#loop.read((state) =>
      [...state.tasks.values()].flatMap(({ life }) =>
        life.status === "running" ? [life.worker] : [],
      ),
    );
    await this.#pool.start(this.#config.max_parallel, needed);
    await this.#locks.open();
    await this.#holds.open();
    this.#effects.carryOut(await this.#loop.read(pending));
    await this.#openInbox();
    this.#scan = setInterval(() => {
      this.#scanning = this.#scanning
        .then(() => {
          this.#note("the journal cannot be written", this.#loop.journalProblem);
          return this.#lookAfter();
        })
        .then(
          () => this.#note("looking after .aibrain failed", null),
          (error: unknown) => this.#note("looking after .aibrain failed", String(error)),
        );
    }, scanMs);
    this.#options.log.info("ready", { epoch: this.#options.epoch, brain: layout.brainDir });
    // In the next turn, when whoever waits for this has been told.
    setImmediate(() => this.#pool.launch());
  }

  /** Answers if the main loop works: why the journal cannot be written, `null` when it can. */
  async problem(): Promise<string | null> {
    return await this.#loop.read(() => this.#loop.journalProblem);
  }

  async reload(): Promise<ConfigView> {
    const { layout, flags, target } = this.#options;
    const read = await readConfig(layout, flags);
    if (!read.ok) throw new FailureError(read.failure);
    const named = read.value.config.target;
    if (named !== null && named !== target)
      throw new FailureError(
        failure(
          "refused",
          `orchd.yaml names the target ${named}, and this supervisor lands on ${target}`,
          {
            hint: "`orchd restart` takes up another target.",
          },
        ),
      );
    this.#config = read.value.config;
    this.#configured = read.value.configured;
    this.#setSigning();
    const settings = coreSettings(this.#config, target);
    await this.#loop.ask({ type: "settingsChanged", settings });
    await this.#pool.grow(this.#config.max_parallel);
    this.#pool.reconnect();
    return this.#configView();
  }

  /** Begins to stop; the answer is how many attempts run, and why landing is held. The rest happens behind it. */
  async stop(mode: Methods["stop"]["params"]["mode"]): Promise<Methods["stop"]["result"]> {
    const running = await this.#loop.read(({ counts, landing }) => ({
      running: counts.running + counts.landing,
      held: landing.held?.message ?? null,
    }));
    if (this.#state === "stopping") return running;
    const why = mode === "restart" ? "restart" : "stopped";
    if (mode === "drain") {
      this.#state = "draining";
      this.#drain();
    } else {
      this.#state = "stopping";
      this.#loop.stopping = true;
      setImmediate(() => this.#options.onEnd({ why }));
    }
    return running;
  }

  /** `restart` leaves workers running for the next supervisor. */
  async close(why: "stopped" | "restart"): Promise<void> {
    this.#state = "stopping";
    this.#ended = true;
    if (this.#scan !== null) clearInterval(this.#scan);
    if (!this.#isBuilt) return;
    this.#loop.stopping = true;
    await this.#scanning;
    // Not waited for yet: what it submits may wait for space on the disk, as long as the loop does.
    const inboxClosed = this.#inbox?.close();
    await this.#holds.close();
    if (why === "restart") this.#pool.abandon();
    else await this.#pool.stop(this.#config.limits.grace_ms + savingMs);
    this.#effects.close();
    this.#options.landing.stopSigning();
    await this.#effects.settled();
    await this.#options.landing.close();
    await this.#loop.end();
    await Promise.race([inboxClosed, this.#loop.broken]);
    await this.#listener?.close();
    await this.#locks.close();
  }

  #build(state: Loop["state"], replayed: ConstructorParameters<typeof Loop>[1]): void {
    const { journal, layout, epoch, log } = this.#options;
    this.#loop = new Loop(state, replayed, {
      journal,
      wallMs: realClock.wallMs,
      setTimer: realClock.setTimer,
      carryOut: (effects) => this.#effects.carryOut(effects),
      publish: (batch) => {
        if (this.#hub.hasListeners) this.#hub.publish(batch.map(eventView));
      },
      die: (reason) => this.#die(reason),
    });
    this.#locks = new LockFiles({
      folder: layout.locksDir,
      epoch,
      onPutBack: (file) =>
        log.warn("a lock file was removed by hand and has been put back", { file }),
      onProblem: (message) => log.warn("lock files", { message }),
    });
    this.#holds = new Holds({
      layout,
      spelling: this.#options.spelling,
      loop: this.#loop,
      locks: this.#locks,
      config: () => this.#config,
      log,
    });
    this.#pool = this.#makePool();
    this.#effects = new Effects({
      loop: () => this.#loop,
      pool: this.#pool,
      locks: this.#locks,
      holds: this.#holds,
      landing: this.#options.landing,
      epoch,
      ttlMs: () => this.#config.limits.stale_after_ms,
      commit: () => this.#config.commit,
      secret: (name) => process.env[name],
      ownerOf: (worker) => this.#ownerOf(worker),
      log,
      setTimer: realClock.setTimer,
      die: (reason) => this.#die(reason),
    });
    this.#isBuilt = true;
  }

  #makePool(): Pool {
    const { layout, epoch, log, target, workerEntry } = this.#options;
    const path = this.#config.path ?? process.env["PATH"] ?? "";
    return new Pool({
      epoch,
      brain: layout.brainDir,
      stateDir: layout.stateDir,
      logs: layout.logsDir,
      entry: workerEntry,
      path,
      staleAfterMs: () => this.#config.limits.stale_after_ms,
      settings: () => ({
        epoch,
        git_dir: layout.commonDir,
        work_tree: layout.workTree,
        landing_ref: `refs/heads/orchd/${target}`,
        path,
        config: workerConfig(this.#config, layout),
      }),
      onReady: (worker, holding, known) =>
        this.#loop.tell({ type: "workerReady", worker, holding }, known),
      onGone: (worker) => this.#loop.tell({ type: "workerGone", worker }),
      onHeartbeat: ({ attempt }) => {
        if (attempt !== null) this.#locks.touch(attempt.task);
      },
      onReports: (worker, reports) => this.#takeReports(worker, reports),
      onProblem: (worker, message) => log.warn("worker", { worker, message }),
      onBug: (error, method) => this.#bug(error, method),
    });
  }

  /** A report is acknowledged when what it led to is durable. */
  #takeReports(worker: WorkerId, reports: readonly Report[]): void {
    let open = reports.length;
    for (const sent of reports) {
      const report = completeReport(sent, this.#options.spelling);
      this.#loop.tell({ type: "report", worker, report }, () => {
        open -= 1;
        if (open > 0) return;
        const keys = reports.map(({ task, attempt, fence }) => ({ task, attempt, fence }));
        this.#pool.acknowledge(worker, keys);
      });
    }
  }

  #ownerOf(worker: WorkerId) {
    const pid = this.#pool.slot(worker)?.pid;
    return pid === undefined || pid === null ? null : (identityOf(pid) ?? null);
  }

  /** Takes no new task, and ends when nothing runs, and nothing lands that could. */
  #drain(): void {
    this.#loop.draining = true;
    drain({
      hub: this.#hub,
      read: (look) => this.#loop.read(look),
      setTimer: realClock.setTimer,
      onDrained: ({ landing, held }) => {
        if (this.#ended) return;
        if (held !== null)
          this.#options.log.warn("drained, but landing is held", { landing, held });
        this.#ended = true;
        this.#options.onEnd({ why: "stopped" });
      },
    });
  }

  async #openInbox(): Promise<void> {
    const { layout, log } = this.#options;
    this.#inbox = await openInbox({
      folder: layout.inboxDir,
      submit: (content, name) => submitFile(content, name, this.#context()),
      onTaken: (name, refused) => log.info("inbox", { name, refused }),
      onProblem: (message) => log.warn("inbox", { message }),
    });
  }

  /** What lasts is logged when it begins, changes and ends, not at every look. */
  #note(what: string, problem: string | null): void {
    const before = this.#noted.get(what) ?? null;
    if (before === problem) return;
    if (problem === null) this.#noted.delete(what);
    else this.#noted.set(what, problem);
    if (problem === null) this.#options.log.info("it works again", { before: what });
    else this.#options.log.warn(what, { problem });
  }
  readonly #noted = new Map<string, string>();

  /** Makes again what was removed under us. */
  async #lookAfter(): Promise<void> {
    if (this.#ended) return;
    const { layout, log, isLockIntact } = this.#options;
    if (!isLockIntact())
      return this.#die(new Error("supervisor.db was removed or replaced: the lock is lost"));
    await mkdir(layout.logsDir, { recursive: true, mode: 0o700 });
    if (!existsSync(join(layout.logsDir, logFile))) log.reopen();
    if (await this.#listener?.relisten()) log.warn("the socket was removed and made again");
    if (existsSync(this.#locks.folder)) await this.#locks.reconcile();
    else {
      await this.#locks.rebuild();
      await this.#holds.rebuild();
    }
    if (!existsSync(layout.inboxDir)) {
      void this.#inbox?.close();
      await this.#openInbox();
    }
  }

  #context(): ServerContext {
    this.#contextMade ??= this.#makeContext();
    return this.#contextMade;
  }
  #contextMade: ServerContext | null = null;

  #makeContext(): ServerContext {
    const { layout, epoch, journal } = this.#options;
    return {
      pid: process.pid,
      epoch,
      version: packageVersion(),
      startedAt: this.#startedAt,
      wallMs: () => Date.now(),
      ask: (command) => this.#loop.ask(command),
      read: (look) => this.#loop.read(look),
      daemonState: () => this.#state,
      journalProblem: () => this.#loop.journalProblem,
      readTask: async (id) => {
        const read = await journal.readTask(id);
        if (!read.ok || read.value.body === null) return null;
        return JSON.parse(read.value.body) as StoredTask;
      },
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
      isAncestor: (old, young) => this.#options.landing.isAncestor(old, young).catch(() => false),
      hub: this.#hub,
      workers: () =>
        this.#pool.slots().map((slot) => ({
          worker: slot.worker,
          pid: slot.pid,
          state: slot.state,
          since: slot.since,
          heartbeat: slot.heartbeat,
          heartbeatAgeMs: slot.heartbeat === null ? null : performance.now() - slot.heartbeatAt,
        })),
      lockFile: (id) => this.#locks.fileOf(id),
      holds: this.#holds.ports,
      branches: async () => {
        const { tip, targetTip, ahead } = await this.#options.landing.view();
        return { tip, target_tip: targetTip, ahead };
      },
      attemptFolder: (worker, task, attempt) =>
        attemptLayout(workerLayout(layout, worker), { task, attempt }).dir,
      completeSpec: (spec) => completeSpec(spec, this.#options.spelling),
      hasSecret: (name) => process.env[name] !== undefined,
      followTried: () => this.#effects.followTried(),
      land: (rewind) => this.#land(rewind),
      config: () => this.#configView(),
      reload: () => this.reload(),
      stop: (mode) => this.stop(mode),
    };
  }

  async #land(rewind: Rewind | null): Promise<void> {
    this.#setSigning();
    const settled = rewind === null ? null : await this.#settleRewind(rewind);
    const { tip, target: followed } = settled ?? { tip: null, target: null };
    await this.#loop.ask({ type: "landingReleased", tip, followed });
    if (this.#config.follow !== "off") await this.#effects.followNow();
  }

  #setSigning(): void {
    const { commit, limits } = this.#config;
    this.#options.landing.signBy({ sign: commit.sign, timeoutMs: limits.signing_timeout_ms });
  }

  /** `null`: there was nothing to settle. */
  async #settleRewind(how: Rewind): Promise<{ readonly tip: Oid; readonly target: Oid } | null> {
    const result = await this.#options.landing.settleRewind(how);
    switch (result.kind) {
      case "accepted":
        return result;
      case "nothing":
        return null;
      case "held":
      case "problem":
        throw new FailureError(failure("refused", result.message));
      case "fenced":
        this.#die(new Error("another supervisor has taken over"));
        return null;
      default:
        return unreachable(result);
    }
  }

  #configView(): ConfigView {
    const { layout } = this.#options;
    return { file: this.#configured ? layout.configFile : null, config: this.#config };
  }

  #bug(error: unknown, method: string): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#options.log.error("a bug", { method, error: text });
  }

  #die(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.onEnd({ why: "died", reason });
  }
}

function unreadable(problem: JournalProblem): FailureError {
  const reason =
    problem.kind === "full"
      ? failure("disk_full", "the journal cannot tell all of it while its disk is full")
      : failure("internal", "the journal cannot be read");
  return new FailureError(reason);
}

/** A connection takes an open file; what else needs one must not go without. */
function connectionsAllowed(openFiles: number | null): number {
  return Math.min(connectionsMax, (openFiles ?? Number.POSITIVE_INFINITY) - openFilesReserved);
}
