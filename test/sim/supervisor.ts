import { checkIdle } from "./idle.ts";
import { defaultConfig } from "../../ipc/configDefaults.ts";
import { Effects } from "../../daemon/effects.ts";
import { Loop } from "../../daemon/loop.ts";
import { must } from "./violation.ts";
import { never } from "./timeline.ts";
import { Outbox } from "../../daemon/outbox.ts";
import { pending } from "../../daemon/core/react.ts";
import { Port } from "./port.ts";
import { pushWish } from "../../daemon/core/push.ts";
import { recoverState } from "../../daemon/recovery.ts";
import { FailureError } from "../../ipc/errors.ts";
import { Resolving } from "../../daemon/resolving.ts";
import { SimJournal } from "./disk.ts";
import { SimLanding } from "./landing.ts";
import { secretName, secretValue } from "./plan.ts";
import { SimPool } from "./pool.ts";
import type { Asked } from "../../daemon/resolving.ts";
import type { ErrorCode } from "../../ipc/errors.ts";
import type { Command, Decision } from "../../daemon/core/commands.ts";
import type { CoreSettings } from "../../daemon/core/coreSettings.ts";
import type { Log } from "../../daemon/observe/log.ts";
import type { Machine } from "./machine.ts";
import type { Recovered } from "../../daemon/journal/records.ts";
import type { Rewind } from "../../daemon/landing/rewind.ts";
import type { Report } from "../../ipc/workerMessages.ts";
import type { State, StoredTask } from "../../daemon/core/state.ts";
import type { TaskId, WorkerId } from "../../ipc/ids.ts";
import type { WorkerProcess } from "./worker.ts";

/**
 * One supervisor, from its start to its death: the product's loop, core, recovery and effects, wired
 * as daemon/supervisor.ts wires them, to simulated adapters behind a `Port` that can cut it off at
 * any call.
 */
/** A client's call that has no answer yet. */
type Call = { readonly lost: () => void };

export class SimSupervisor {
  readonly port: Port;
  readonly epoch: number;
  readonly #machine: Machine;
  readonly #calls = new Set<Call>();
  #settings: CoreSettings;
  #loop!: Loop;
  #pool!: SimPool;
  #effects!: Effects;
  #landing!: SimLanding;
  #outbox!: Outbox;
  #resolving!: Resolving;
  #listening = false;
  #begun = false;

  constructor(machine: Machine, settings: CoreSettings, onDeath: () => void) {
    this.#machine = machine;
    this.#settings = settings;
    machine.epoch += 1;
    this.epoch = machine.epoch;
    this.port = new Port(machine, () => {
      this.#release();
      onDeath();
    });
  }

  get loop(): Loop {
    return this.#loop;
  }

  get settings(): CoreSettings {
    return this.#settings;
  }

  get listening(): boolean {
    return this.#listening;
  }

  /** Everything that was asked for when it began was asked. */
  get begun(): boolean {
    return this.#begun;
  }

  async open(recovered: Recovered): Promise<void> {
    const machine = this.#machine;
    machine.note("supervisor", "starts, epoch", this.epoch);
    const journal = new SimJournal(machine, this.port, this.epoch);
    this.#landing = new SimLanding(machine, this.port, this.epoch);
    const { tip, target } = await this.#landing.prepare();
    const { state, replayed } = recoverState(recovered, machine.timeline.clock.wallMs());
    machine.checker.recovered(state);
    this.#build(state, replayed, journal);
    const settings = this.#settings;
    const started = this.#loop.ask({ type: "supervisorStarted", epoch: this.epoch, settings });
    const tips = { tip: tip.oid, targetTip: target.oid };
    await Promise.all([started, this.#loop.ask({ type: "branchPrepared", ...tips })]);
    this.#listening = true;
    await this.#begin();
  }

  /** Durable when it answers; `lost`: the connection broke, and nobody knows. */
  call(command: Command, answered: (decision: Decision) => void, lost: () => void): void {
    if (!this.#listening || !this.port.pass("call")) return lost();
    const call = { lost };
    this.#calls.add(call);
    this.#loop
      .ask(command)
      .then((decision) => {
        if (!this.port.pass("answer")) return;
        this.#calls.delete(call);
        answered(decision);
      })
      .catch((error: unknown) => this.#machine.bug(error));
  }

  /** The same of a person's resolution; `refused`: why it was not taken. */
  resolve(asked: Asked, answered: (refused: ErrorCode | null) => void, lost: () => void): void {
    if (!this.#listening || !this.port.pass("call")) return lost();
    const call = { lost };
    this.#calls.add(call);
    this.#resolving
      .resolve(asked)
      .then(() => null, codeOf)
      .then((refused) => {
        if (!this.port.pass("answer")) return;
        this.#calls.delete(call);
        answered(refused);
      })
      .catch((error: unknown) => this.#machine.bug(error));
  }

  /** What `retry` needs of tasks that left the memory. */
  async archived(ids: readonly TaskId[]): Promise<ReadonlyMap<TaskId, StoredTask>> {
    const evicted = await this.#loop.read((state) =>
      ids.filter((id) => !state.tasks.has(id) && state.finals.has(id)),
    );
    return new Map(
      evicted.flatMap((id) => {
        const body = this.#machine.disk.tasks.get(id)?.body;
        return body === undefined ? [] : [[id, JSON.parse(body) as StoredTask] as const];
      }),
    );
  }

  async reload(settings: CoreSettings): Promise<void> {
    this.#settings = settings;
    await this.#loop.ask({ type: "settingsChanged", settings });
    await this.#pool.grow(settings.slots);
    this.#pool.reconnect();
  }

  async land(rewind: Rewind | null): Promise<void> {
    const settled = rewind === null ? null : await this.#landing.settleRewind(rewind);
    if (settled !== null && settled.kind !== "accepted" && settled.kind !== "nothing") return;
    const { tip, target: followed } =
      settled?.kind === "accepted" ? settled : { tip: null, target: null };
    await this.#loop.ask({ type: "landingReleased", tip, followed });
    if (this.#settings.follow !== "off") await this.#effects.followNow();
  }

  /** From who watches holds; what it says before a supervisor has begun, it says again then. */
  tell(command: Command): void {
    if (this.#begun && this.port.pass("hold")) this.#loop.tell(command);
  }

  admit(process: WorkerProcess): "admitted" | "refused" | "nobody" {
    if (!this.#listening || !this.port.pass("hello")) return "nobody";
    return this.#pool.admit(process) ? "admitted" : "refused";
  }

  checkStale(process: WorkerProcess): void {
    this.#pool?.checkStale(process);
  }

  hearLate(worker: WorkerId, reports: readonly Report[]): void {
    if (this.#listening) this.#pool.hear(worker, reports);
  }

  /** Leaves its workers to the next one. */
  async restart(): Promise<void> {
    this.#loop.stopping = true;
    this.#pool.abandon();
    this.#effects.close();
    await Promise.all([this.#effects.settled(), this.#outbox.close(), this.#resolving.close()]);
    await this.#loop.end();
    this.port.die();
  }

  /** Ends its workers first. */
  async stop(): Promise<void> {
    this.#loop.stopping = true;
    this.#pool.stop();
    for (let waited = 0; this.#pool.running > 0 && waited < 60; waited += 1)
      await this.#machine.timeline.elapse(1_000);
    this.#pool.kill();
    this.#effects.close();
    await Promise.all([this.#effects.settled(), this.#outbox.close(), this.#resolving.close()]);
    await this.#loop.end();
    this.#machine.locks.clear();
    this.port.die();
  }

  /** Looks at every state that is durable, once. */
  check(): void {
    if (!this.port.alive) return;
    if (this.#loop?.journalProblem) return this.#checkReads();
    const seq = this.#begun ? this.#loop.state.seq : this.#checkedAt;
    if (seq === this.#checkedAt || seq !== this.#machine.disk.synced) return;
    this.#checkedAt = seq;
    checkIdle(this.#loop, this.#machine.checker);
  }
  #checkedAt = 0;

  /** What is read while a batch waits for space is what the journal tells; looked at once a batch. */
  #checkReads(): void {
    const { checker, disk } = this.#machine;
    if (this.#readAt === disk.synced) return;
    this.#readAt = disk.synced;
    const read = this.#loop.read((state) => {
      must(state.seq === disk.synced, "S1", () => "what is not durable is shown");
      checker.sameAsJournal(state, "what is read on a full disk");
    });
    read.catch((error: unknown) => this.#machine.bug(error));
  }
  #readAt = -1;

  #build(state: State, replayed: ConstructorParameters<typeof Loop>[1], journal: SimJournal): void {
    const machine = this.#machine;
    const { clock } = machine.timeline;
    const die = (reason: unknown): void => this.#diesOf(reason);
    const setTimer = (ms: number, run: () => void) =>
      clock.setTimer(ms, () => {
        if (this.port.pass("timer")) run();
      });
    this.#loop = new Loop(
      state,
      replayed,
      {
        journal,
        wallMs: clock.wallMs,
        setTimer,
        carryOut: (effects) => {
          if (this.port.pass("effects")) this.#effects.carryOut(effects);
        },
        publish: () => {},
        die,
      },
      machine.scenario.limits,
    );
    this.#pool = new SimPool(machine, this.port, {
      onReady: (worker, holding, known) =>
        this.#loop.tell({ type: "workerReady", worker, holding }, known),
      onGone: (worker) => this.#loop.tell({ type: "workerGone", worker }),
      onReports: (worker, reports) => this.#takeReports(worker, reports),
    });
    this.#outbox = new Outbox({
      wish: () => this.#loop.read(pushWish),
      push: (wish) => machine.remote.push(wish, this.port),
      takeIn: async () => {
        if (this.#settings.follow === "auto") await this.#effects.followNow();
      },
      tell: (command, durable) => this.#loop.tell(command, durable),
      settings: () => ({ quietMs: 2_000, every: 3 }),
      setTimer,
      wallMs: clock.wallMs,
      random: () => machine.remote.fraction,
      die,
    });
    this.#resolving = new Resolving({
      loop: this.#loop,
      landing: this.#landing,
      readTask: async (id) => (await this.archived([id])).get(id) ?? null,
      spelling: { workTree: "/", foldsCase: false },
      log: logOf(machine),
      die,
    });
    this.#effects = new Effects({
      loop: () => this.#loop,
      pool: this.#pool,
      locks: {
        place: ({ holder, attempt }) =>
          this.#lockFile("place", () => machine.locks.set(holder, `e${this.epoch}/${attempt}`)),
        remove: (holder) => this.#lockFile("remove", () => machine.locks.delete(holder)),
      },
      holds: {
        break: (hold) => {
          if (this.port.pass("hold break")) machine.holders.broken(hold);
        },
        forget: () => {},
      },
      landing: this.#landing,
      outbox: this.#outbox,
      epoch: this.epoch,
      ttlMs: () => machine.scenario.staleAfterMs,
      commit: () => defaultConfig.commit,
      secret: (name) => (name === secretName ? secretValue : undefined),
      ownerOf: () => null,
      log: logOf(machine),
      setTimer,
      die,
    });
  }

  async #begin(): Promise<void> {
    const needed = await this.#loop.read((state) =>
      [...state.tasks.values()].flatMap(({ life }) =>
        life.status === "running" ? [life.worker] : [],
      ),
    );
    await this.#pool.start(this.#settings.slots, needed);
    if (!this.port.pass("locks opened")) return await never();
    for (const [task, file] of this.#machine.locks)
      if (!file.startsWith(`e${this.epoch}/`)) this.#machine.locks.delete(task);
    const holds = await this.#loop.read((state) => [...state.holds.values()]);
    const effects = await this.#loop.read(pending);
    if (this.port.pass("pending")) this.#effects.carryOut(effects);
    this.#resolving.begin();
    this.#begun = true;
    this.#machine.holders.take(holds);
  }

  /** A report is acknowledged when what it led to is durable. */
  #takeReports(worker: WorkerId, reports: readonly Report[]): void {
    let open = reports.length;
    for (const report of reports)
      this.#loop.tell({ type: "report", worker, report }, () => {
        open -= 1;
        if (open === 0) this.#pool.acknowledge(worker, reports);
      });
  }

  #lockTurn: Promise<void> = Promise.resolve();

  /** One file operation after the other. */
  #lockFile(name: string, change: () => void): Promise<void> {
    this.#lockTurn = this.#lockTurn.then(async () => {
      if (!this.port.pass(`lock ${name}`)) return await never();
      const { timeline, random } = this.#machine;
      const isSlow = name === "place" && this.#machine.takeArmed("lock_file_slow");
      await timeline.elapse(isSlow ? random.logarithmic(100, 20_000) : random.int(0, 2));
      if (this.port.alive) change();
      else await never();
    });
    return this.#lockTurn;
  }

  /** The journal or git told it to end; anything else is a bug. */
  #diesOf(reason: unknown): void {
    if (!this.port.alive) return;
    const name = reason instanceof Error ? reason.name : "";
    const expected = name === "JournalFailure" || /taken over/.test(String(reason));
    if (!expected) this.#machine.bug(reason);
    this.#machine.note("supervisor", "ends itself", String(reason));
    this.port.die();
  }

  #release(): void {
    this.#machine.note("supervisor", "is gone, epoch", this.epoch);
    this.#listening = false;
    this.#pool?.abandon();
    for (const { lost } of this.#calls) lost();
    this.#calls.clear();
  }
}

function codeOf(error: unknown): ErrorCode {
  if (error instanceof FailureError) return error.failure.code;
  throw error;
}

/** Nothing is kept of what is logged; it is only searched (S12). */
function logOf({ checker }: Machine): Log {
  const write = (message: string, more?: unknown): void =>
    checker.holdsNoSecret("the log", `${message} ${JSON.stringify(more)}`);
  const [reopen, close] = [() => {}, () => Promise.resolve()];
  return { info: write, warn: write, error: write, reopen, close };
}
