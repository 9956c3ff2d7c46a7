import { assemble } from "./assembly.ts";
import { coreSettings, readConfig } from "./settings.ts";
import { drain } from "./drain.ts";
import { FailureError, failure, ok } from "../ipc/errors.ts";
import { makeServerContext } from "./serverContext.ts";
import { openInbox } from "./inbox/inbox.ts";
import { openSocket } from "./socket.ts";
import { ownRoot } from "./ownRoot.ts";
import { pending } from "./core/react.ts";
import { realClock } from "../system/clock.ts";
import { recoverState } from "./recovery.ts";
import { releaseLanding } from "./release.ts";
import { Scan } from "./scan.ts";
import { socketPathFor, workspaceRoot } from "../system/paths.ts";
import { SpaceWatch } from "./spaceWatch.ts";
import { unsavedWorkers } from "./pool/leftFolders.ts";
import { submitFile } from "./inboxSubmit.ts";
import type { Config } from "../ipc/configSpec.ts";
import type { ConfigView, Methods } from "../ipc/methods.ts";
import type { Flags } from "./settings.ts";
import type { Ground, Parts } from "./assembly.ts";
import type { LandingStart } from "./landing/prepare.ts";
import type { Listener } from "./server/listener.ts";
import type { Oid } from "../ipc/ids.ts";
import type { Result } from "../ipc/errors.ts";
import type { Rewind } from "./landing/rewind.ts";
import type { ScanPorts } from "./scan.ts";
import type { ServerContext } from "./server/context.ts";

/**
 * The supervisor put together. It is opened in this order, and closed in the opposite one:
 *
 *     journal recovered ─► landing prepared ─► loop ─► socket ─► announced ─► workers, locks, inbox
 */
export type SupervisorOptions = Omit<Ground, "config" | "onBug" | "die"> & {
  readonly prepared: Extract<LandingStart, { kind: "ready" }>;
  readonly config: Config;
  readonly configured: boolean;
  readonly flags: Flags;
  readonly isLockIntact: ScanPorts["isLockIntact"];
  /** Called once, when the process should end. */
  readonly onEnd: (end: End) => void;
};

export type End =
  { readonly why: "stopped" | "restart" } | { readonly why: "died"; readonly reason: unknown };

/** Beyond the grace period of a task: time for saving what it did. */
const savingMs = 30_000;
/** At the end of a drain, for what is not pushed yet. */
const lastPushMs = 30_000;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #startedAt = Date.now();
  #config: Config;
  #configured: boolean;
  #parts: Parts | null = null;
  #listener: Listener | null = null;
  #inbox: { close(): Promise<void> } | null = null;
  #scan: Scan | null = null;
  #state: "running" | "draining" | "stopping" = "running";
  #ended = false;

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
    const parts = assemble(state, replayed, this.#ground());
    this.#parts = parts;
    this.#setSigning();
    const { loop } = parts;
    const settings = coreSettings(this.#config, target);
    const before = state.settings.target === target ? state.landing.tip : null;
    const started = loop.ask({ type: "supervisorStarted", epoch, settings });
    const { tip, targetTip } = prepared;
    await Promise.all([started, loop.ask({ type: "branchPrepared", tip, targetTip })]);
    await this.#tellOfLostTip(before, tip);
    for (const file of prepared.foreignLocks)
      this.#options.log.warn("a lock file of git is in the way", { file });
    const socket = socketPathFor(layout);
    this.#listener = await openSocket(socket, parts, this.#ground(), () => this.#context());
    return ok({ socket });
  }

  /** Somebody has removed or moved orchd's branch: what had landed there is a person's to bring back. */
  async #tellOfLostTip(before: Oid | null, tip: Oid): Promise<void> {
    const { landing, log, target } = this.#options;
    if (before === null || before === tip) return;
    if (await landing.isAncestor(before, tip).catch(() => false)) return;
    const branch = `orchd/${target}`;
    const hint = `\`git merge ${before}\` on ${target} brings it back`;
    log.warn(`${branch} does not have what had landed on it`, { was: before, is: tip, hint });
  }

  /** After `open`, once others can find the socket. */
  async begin(): Promise<void> {
    const { layout } = this.#options;
    const { loop, locks, holds, pool, effects, foresight, resolving, upkeep } = this.#built;
    const needed = await loop.read((state) =>
      [...state.tasks.values()].flatMap(({ life }) =>
        life.status === "running" ? [life.worker] : [],
      ),
    );
    const space = new SpaceWatch({ ...this.#ground(), loop });
    space.look();
    const root = workspaceRoot(layout, this.#config.workspace.root, process.env);
    const unsaved = await unsavedWorkers(root);
    await pool.start(this.#config.max_parallel, [...needed, ...unsaved]);
    await locks.open();
    await holds.open();
    effects.carryOut(await loop.read(pending));
    await this.#openInbox();
    foresight.begin();
    resolving.begin();
    upkeep.begin();
    this.#beginScan(space);
    this.#options.log.info("ready", { epoch: this.#options.epoch, brain: layout.brainDir });
    // In the next turn, when whoever waits for this has been told.
    setImmediate(() => pool.launch());
  }

  /** Answers if the main loop works: why the journal cannot be written, `null` when it can. */
  async problem(): Promise<string | null> {
    const { loop } = this.#built;
    return await loop.read(() => loop.journalProblem);
  }

  async reload(): Promise<ConfigView> {
    const { layout, flags, target } = this.#options;
    const read = await readConfig(layout, flags);
    if (!read.ok) throw new FailureError(read.failure);
    await this.#mustSuit(read.value.config);
    this.#config = read.value.config;
    this.#configured = read.value.configured;
    this.#setSigning();
    const settings = coreSettings(this.#config, target);
    const { loop, pool, outbox } = this.#built;
    await loop.ask({ type: "settingsChanged", settings });
    await pool.grow(this.#config.max_parallel);
    pool.reconnect();
    outbox.tryNow();
    return this.#configView();
  }

  /** Throws a `FailureError` where this supervisor cannot go by it. */
  async #mustSuit({ target: named, workspace }: Config): Promise<void> {
    const { layout, target } = this.#options;
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
    const rootOf = ({ root }: Config["workspace"]) => workspaceRoot(layout, root, process.env);
    const root = rootOf(workspace);
    const shared = root === rootOf(this.#config.workspace) ? null : await ownRoot(root, layout);
    if (shared !== null) throw new FailureError(shared);
  }

  /** Begins to stop; the answer is how many attempts run, and why landing is held. The rest happens behind it. */
  async stop(mode: Methods["stop"]["params"]["mode"]): Promise<Methods["stop"]["result"]> {
    const { loop } = this.#built;
    const running = await loop.read(({ counts, landing }) => ({
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
      loop.stopping = true;
      setImmediate(() => this.#options.onEnd({ why }));
    }
    return running;
  }

  /** `restart` leaves workers running for the next supervisor. */
  async close(why: "stopped" | "restart"): Promise<void> {
    this.#state = "stopping";
    this.#ended = true;
    const scanned = this.#scan?.end();
    if (this.#parts === null) return;
    const { loop, locks, holds, pool, effects, foresight, resolving, outbox, upkeep } = this.#parts;
    loop.stopping = true;
    await scanned;
    // Not waited for yet: what it submits may wait for space on the disk, as long as the loop does.
    const inboxClosed = this.#inbox?.close();
    await holds.close();
    if (why === "restart") pool.abandon();
    else await pool.stop(this.#config.limits.grace_ms + savingMs);
    effects.close();
    this.#options.landing.stopSigning();
    await Promise.all([effects.settled(), outbox.close(), upkeep.close()]);
    await Promise.all([foresight.close(), resolving.close()]);
    await this.#options.landing.close();
    await loop.end();
    await Promise.race([inboxClosed, loop.broken]);
    await this.#listener?.close();
    await locks.close();
  }

  get #built(): Parts {
    if (this.#parts === null) throw new Error("the supervisor is not open yet");
    return this.#parts;
  }

  #ground(): Ground {
    return {
      ...this.#options,
      config: () => this.#config,
      onBug: (error, method) => this.#bug(error, method),
      die: (reason) => this.#die(reason),
    };
  }

  /** Takes no new task, and ends when nothing runs, and nothing lands that could. */
  #drain(): void {
    const { hub, loop } = this.#built;
    loop.draining = true;
    drain({
      hub,
      read: (look) => loop.read(look),
      setTimer: realClock.setTimer,
      onDrained: ({ landing, held }) => {
        if (held !== null)
          this.#options.log.warn("drained, but landing is held", { landing, held });
        void this.#endDrained();
      },
    });
  }

  /** Nothing is left but a push: that has its chance, and nobody waits for a server that is away. */
  async #endDrained(): Promise<void> {
    const { outbox } = this.#built;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const limit = realClock.setTimer(lastPushMs, resolve);
    await Promise.race([outbox.lastTry(), late]);
    limit.cancel();
    if (this.#ended || this.#state !== "draining") return;
    this.#ended = true;
    this.#options.onEnd({ why: "stopped" });
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

  #beginScan(space: SpaceWatch): void {
    this.#scan = new Scan({
      ...this.#options,
      ...this.#built,
      space,
      listener: () => this.#listener,
      reopenInbox: async () => {
        void this.#inbox?.close();
        await this.#openInbox();
      },
      hasEnded: () => this.#ended,
      die: (reason) => this.#die(reason),
    });
    this.#scan.begin();
  }

  #context(): ServerContext {
    this.#contextMade ??= makeServerContext(this.#built, this.#options, {
      startedAt: this.#startedAt,
      daemonState: () => this.#state,
      land: (rewind) => this.#land(rewind),
      config: () => this.#configView(),
      reload: () => this.reload(),
      stop: (mode) => this.stop(mode),
    });
    return this.#contextMade;
  }
  #contextMade: ServerContext | null = null;

  async #land(rewind: Rewind | null): Promise<void> {
    this.#setSigning();
    const follows = () => this.#config.follow !== "off";
    await releaseLanding(rewind, { ...this.#ground(), ...this.#built, follows });
  }

  #setSigning(): void {
    const { commit, limits } = this.#config;
    this.#options.landing.signBy({ sign: commit.sign, timeoutMs: limits.signing_timeout_ms });
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
