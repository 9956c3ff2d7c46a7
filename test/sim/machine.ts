import { Checker } from "./checker.ts";
import { Disk } from "./disk.ts";
import { Holders } from "./holders.ts";
import { noFaults } from "./faults.ts";
import { Random } from "./random.ts";
import { SimRemote } from "./remote.ts";
import { breaksSetup, Repository } from "./repository.ts";
import { Timeline } from "./timeline.ts";
import { WorkerHome, WorkerProcess } from "./worker.ts";
import { commands } from "./scenario.ts";
import { must } from "./violation.ts";
import { recoverState } from "../../daemon/recovery.ts";
import { SimSupervisor } from "./supervisor.ts";
import type { Clients } from "./clients.ts";
import type { CoreSettings } from "../../daemon/core/coreSettings.ts";
import type { FaultKind } from "./faults.ts";
import type { Rewind } from "../../daemon/landing/rewind.ts";
import type { Report } from "../../ipc/workerMessages.ts";
import type { RunOptions } from "./run.ts";
import type { Scenario } from "./scenario.ts";
import type { HolderId, TaskId, WorkerId } from "../../ipc/ids.ts";

/**
 * What there is whether or not a supervisor runs: time, disk, repository, worker processes and what
 * they left on disk, lock files; and the supervisor of the moment. Every part finds the others here.
 */
export class Machine {
  readonly scenario: Scenario;
  readonly random: Random;
  readonly timeline = new Timeline();
  readonly disk: Disk;
  readonly repository: Repository;
  readonly remote: SimRemote;
  readonly checker: Checker;
  readonly holders: Holders;
  readonly counts = noFaults();
  /** Calls between a supervisor and its world, by name → how often one died there. */
  readonly deathsAt = new Map<string, number>();
  /** Task → the epoch and attempt of its lock file. */
  readonly locks = new Map<HolderId, string>();
  epoch = 0;
  supervisor: SimSupervisor | null = null;
  /** While true, things go wrong. */
  storming = true;
  readonly trace: unknown[][] = [];
  readonly #tracing: boolean;
  readonly #armed = new Set<FaultKind>();
  readonly #homes = new Map<WorkerId, WorkerHome>();
  readonly #processes = new Map<WorkerId, WorkerProcess>();
  #tokens = 0;
  #settings: CoreSettings;
  /** It was told to stop, and nobody starts another. */
  stopped = false;
  /** Told when work of a task was parked. */
  onParked: (task: TaskId) => void = () => {};

  /** The call at which a supervisor dies the first time that it comes there. */
  #aim: string | null;

  constructor(scenario: Scenario, { trace = false, aim = null }: RunOptions) {
    this.scenario = scenario;
    this.#tracing = trace;
    this.#aim = aim;
    this.#settings = scenario.settings;
    this.random = new Random(scenario.seed + 1);
    this.repository = new Repository(this.random);
    this.remote = new SimRemote(this);
    this.disk = new Disk(this);
    this.checker = new Checker(this);
    this.holders = new Holders(this);
  }

  note(...parts: unknown[]): void {
    if (this.#tracing) this.trace.push([this.timeline.nowMs, ...parts]);
  }

  fired(kind: FaultKind): void {
    this.counts[kind] += 1;
    this.note("fault", kind);
  }

  /** Whether a death at this call was asked for; only one is, and none after which nobody starts another. */
  takeAim(call: string): boolean {
    if (call !== this.#aim || this.stopped) return false;
    this.#aim = null;
    return true;
  }

  /** The fault happens at the next occasion there is for it. */
  arm(kind: FaultKind): void {
    this.#armed.add(kind);
  }

  takeArmed(kind: FaultKind): boolean {
    if (!this.#armed.delete(kind)) return false;
    this.fired(kind);
    return true;
  }

  disarm(): void {
    this.#armed.clear();
  }

  /** The batch that is being written is to be torn, or lost: its supervisor dies now. */
  diesBeforeSync(): boolean {
    return this.#armed.has("torn_tail") || this.#armed.has("unsynced_lost");
  }

  takeFate(): "torn" | "lost" | "whole" {
    if (this.#armed.delete("torn_tail")) return "torn";
    if (this.#armed.delete("unsynced_lost")) return "lost";
    return this.random.pick(["torn", "lost", "whole"]);
  }

  /** Armed, or by chance: of one message. */
  strikes(kind: FaultKind): boolean {
    if (this.takeArmed(kind)) return true;
    if (!this.storming || !this.random.chance(this.scenario.messageFaults / 4)) return false;
    this.fired(kind);
    return true;
  }

  /** The process that is there for this worker, if one is. */
  processOf(worker: WorkerId): WorkerProcess | null {
    const process = this.#processes.get(worker);
    return process?.alive === true ? process : null;
  }

  get processes(): readonly WorkerProcess[] {
    return [...this.#processes.values()].filter(({ alive }) => alive);
  }

  spawn(worker: WorkerId): WorkerProcess {
    this.#processes.get(worker)?.kill();
    const home = this.#homes.get(worker) ?? new WorkerHome(worker);
    this.#homes.set(worker, home);
    this.#tokens += 1;
    const process = new WorkerProcess(this, home, String(this.#tokens));
    this.#processes.set(worker, process);
    this.note("worker", worker, "starts, holding", process.holding());
    this.redial(process);
    return process;
  }

  /** Until somebody answers; a worker that is refused ends itself. */
  redial(process: WorkerProcess, pauseMs = 50): void {
    this.timeline.after(pauseMs * (0.5 + this.random.fraction()), () =>
      process.whileAwake(() => {
        if (process.line !== null) return;
        const answer = this.supervisor?.admit(process) ?? "nobody";
        if (answer === "refused") process.end();
        else if (answer === "nobody") this.redial(process, Math.min(pauseMs * 2, 2_000));
      }),
    );
  }

  /** Has written a report and hangs before it tells; it will be killed, and its report still comes. */
  becomesZombie(process: WorkerProcess, report: Report): void {
    this.freeze(process, this.scenario.staleAfterMs * 3);
    this.deliverLate(process.worker, [report], this.scenario.staleAfterMs * 2);
  }

  freeze(process: WorkerProcess, ms: number): void {
    process.freeze();
    this.supervisor?.checkStale(process);
    this.timeline.after(ms, () => process.thaw());
  }

  deliverLate(worker: WorkerId, reports: readonly Report[], ms: number): void {
    this.timeline.after(ms, () => this.supervisor?.hearLate(worker, reports));
  }

  get isUp(): boolean {
    return this.supervisor?.port.alive === true;
  }

  jumpClock(ms: number): void {
    this.timeline.wallOffsetMs += ms;
  }

  /** A bug that showed inside the product; ends the run. */
  bug(reason: unknown): void {
    this.#bug ??= reason instanceof Error ? reason : new Error(String(reason));
  }
  #bug: Error | null = null;

  rethrow(): void {
    if (this.#bug !== null) throw this.#bug;
  }

  /** Starts a supervisor; whenever one dies, the next one comes after a while. */
  boot(): void {
    const found = this.disk.recover();
    if (found.kind === "damaged") return this.#repair();
    must(this.disk.flipped === null, "S6", () => "a flipped bit was not noticed");
    const supervisor = new SimSupervisor(this, this.#settings, () => this.#died());
    this.supervisor = supervisor;
    supervisor.open(found.recovered).catch((error: unknown) => this.bug(error));
  }

  restart(): void {
    const { supervisor } = this;
    if (supervisor?.begun !== true || !this.isUp) return;
    this.fired("restart");
    supervisor.restart().catch((error: unknown) => this.bug(error));
  }

  reload(): void {
    const { supervisor } = this;
    if (supervisor?.begun !== true || !this.isUp) return;
    this.fired("reload");
    const { verify, generated } = this.#settings;
    const slots = this.random.int(1, 6);
    this.#settings = {
      ...this.#settings,
      slots,
      verify: this.random.pick([verify, [], [commands[0]], [...commands]]),
      ...(generated === undefined ? {} : { generated: this.random.pick([generated, []]) }),
    };
    supervisor.reload(this.#settings).catch((error: unknown) => this.bug(error));
  }

  /** Faults stop. */
  calm(): void {
    this.storming = false;
    this.#armed.clear();
    this.disk.fullUntilMs = -1;
    this.timeline.setClockRight();
    for (const process of this.processes) process.thaw();
    this.supervisor?.port.spare();
    this.note("calm");
  }

  /** What people do when they see what `status` tells them. */
  tidyUp(clients: Clients): void {
    const { repository, supervisor } = this;
    repository.edits.clear();
    clients.resumeAll();
    if (supervisor?.begun !== true || !this.isUp) return;
    const { landing, push } = this.checker.shadow;
    if (push?.problem?.kind === "held") repository.personPushes();
    const { held } = landing;
    if (held === null) return;
    const { isRewound } = repository;
    // Who commits at each hold keeps whatever is tested meanwhile from being what lands.
    const isWhole = !breaksSetup(repository.tip.tree) && !breaksSetup(repository.target.tree);
    const isNobodysMend = held.kind === "gate_unavailable" && isWhole;
    if (!isRewound && !isNobodysMend) repository.personMends();
    supervisor
      .land(isRewound ? this.#drawRewind() : null)
      .catch((error: unknown) => this.bug(error));
  }

  /** `orchd land --accept-rewind` or `--reapply`, if there is something to accept and somebody to tell. */
  settleRewind(): void {
    const { repository, supervisor } = this;
    if (supervisor?.begun !== true || !this.isUp || !repository.isRewound) return;
    supervisor.land(this.#drawRewind()).catch((error: unknown) => this.bug(error));
  }

  /** What cannot be made again is given up at some time. */
  #drawRewind(): Rewind {
    const { reapply } = this.scenario;
    if (reapply === 0) return "accept";
    return this.random.chance(this.storming ? reapply : reapply / 2) ? "reapply" : "accept";
  }

  /** Dies somewhere while it stops, or stops and is started again: either way another one follows. */
  stopBadly(): void {
    this.supervisor?.port.dieAfter(this.random.int(1, 12));
    this.supervisor?.stop().catch((error: unknown) => this.bug(error));
  }

  stop(): void {
    this.stopped = true;
    this.supervisor?.stop().catch((error: unknown) => this.bug(error));
  }

  allEnded(ids: readonly TaskId[]): boolean {
    const { tasks, finals } = this.checker.shadow;
    return ids.every((id) => finals.has(id)) && [...tasks.keys()].every((id) => finals.has(id));
  }

  /** What landed is where it is to be pushed to (L1). */
  get allPushed(): boolean {
    const { push, landing } = this.checker.shadow;
    return push === null || landing.tip === null || push.accepted === landing.tip;
  }

  stillOpen(ids: readonly TaskId[]): string {
    const { shadow } = this.checker;
    const open = ids.filter((id) => !shadow.finals.has(id));
    const lives = open.map((id) => `${id} ${JSON.stringify(shadow.tasks.get(id)?.life)}`);
    return `${lives.slice(0, 5).join("\n")}\nlanding: ${JSON.stringify(shadow.landing.held)}, push: ${JSON.stringify(shadow.push)}`;
  }

  get isQuiet(): boolean {
    return this.isUp && this.supervisor?.loop.state.seq === this.disk.synced;
  }

  checkAtRest(ids: readonly TaskId[]): void {
    const { loop } = this.supervisor ?? {};
    if (loop !== undefined) this.checker.sameAsJournal(loop.state, "the state in memory");
    this.checker.checkAtRest(ids);
  }

  checkStopped(): void {
    const [process] = this.processes;
    must(process === undefined, "S10", () => `${process?.worker} outlives the supervisor`);
    must(this.locks.size === 0, "S10", () => "lock files are left behind");
    const found = this.disk.recover();
    must(found.kind === "good", "S6", () => "the journal is damaged at the end");
    this.checker.recovered(recoverState(found.recovered, this.timeline.clock.wallMs()).state);
  }

  /** The damaged journal was set aside and nothing was changed; its owner puts a good copy in place. */
  #repair(): void {
    const { flipped } = this.disk;
    must(flipped !== null, "S6", () => "a journal nobody touched is found damaged");
    this.timeline.after(1_000, () => {
      flipped();
      this.boot();
    });
  }

  #died(): void {
    this.disk.crash(this.takeFate());
    if (this.stopped) return;
    const pauseMs = this.random.logarithmic(10, 4_000);
    this.timeline.after(pauseMs, () => this.boot());
  }
}
