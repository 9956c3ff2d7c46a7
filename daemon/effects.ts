import { gateWorker } from "./pool/pool.ts";
import { isHold } from "./core/state.ts";
import { joinTrailers } from "../ipc/trailers.ts";
import { landingEffects } from "./core/react.ts";
import { taskText } from "../ipc/commitText.ts";
import { unreachable } from "../ipc/errors.ts";
import type { Assignment } from "../ipc/workerMessages.ts";
import type { Clock, Timer } from "../system/clock.ts";
import type { CommitConfig } from "../ipc/configSpec.ts";
import type { Effect } from "./core/effects.ts";
import type { FollowResult } from "./landing/target.ts";
import type { Holds } from "./holds.ts";
import type { Landing } from "./landing/landing.ts";
import type { LockFiles } from "./locks/lockFiles.ts";
import type { Log } from "./observe/log.ts";
import type { Loop } from "./loop.ts";
import type { MergeResult } from "./landing/merge.ts";
import type { MoveResult } from "./landing/move.ts";
import type { Pool } from "./pool/pool.ts";
import type { ProcessIdentity } from "../system/processIdentity.ts";
import type { Oid, TaskId, WorkerId } from "../ipc/ids.ts";

/**
 * From effect to adapter: one complete switch, and what adapters found out told back to the core.
 * Nothing is decided here except when to try again what the world did not allow.
 */
export type EffectPorts = {
  readonly loop: () => Pick<Loop, "tell" | "read" | "state">;
  readonly pool: Pick<Pool, "assign" | "cancel" | "ensure">;
  readonly locks: Pick<LockFiles, "place" | "remove">;
  readonly holds: Pick<Holds, "break" | "forget">;
  readonly landing: Pick<Landing, "merge" | "move" | "follow">;
  readonly epoch: number;
  readonly ttlMs: () => number;
  readonly commit: () => CommitConfig;
  readonly secret: (name: string) => string | undefined;
  readonly ownerOf: (worker: WorkerId) => ProcessIdentity | null;
  readonly log: Log;
  readonly setTimer: Clock["setTimer"];
  /** Another supervisor has taken over, or a bug showed: this process has to end. */
  readonly die: (reason: unknown) => void;
};

/** How long a landing step or a follow that could not be carried out waits for the next try. */
const landingRetryMs = 5_000;
const followRetryMs = 2_000;

export class Effects {
  readonly #ports: EffectPorts;
  #landingTimer: Timer | null = null;
  #followTimer: Timer | null = null;
  #following: Promise<void> = Promise.resolve();
  #followWaiting: Promise<void> | null = null;
  /** Assignments that wait for their lock file. */
  readonly #dispatching = new Map<TaskId, Promise<void>>();
  readonly #underWay = new Set<Promise<unknown>>();
  /** What stands in the way of a landing and of following, as it was logged last. */
  readonly #logged = new Map<"landing is held" | "following failed", string>();
  #closed = false;

  constructor(ports: EffectPorts) {
    this.#ports = ports;
  }

  /** Assignments to one worker travel together. */
  carryOut(effects: readonly Effect[]): void {
    if (this.#closed) return;
    const locked = new Map<TaskId, Promise<void>>();
    const assignments = new Map<WorkerId, Assignment[]>();
    for (const effect of effects) this.#carryOutOne(effect, locked, assignments);
    for (const [worker, list] of assignments) this.#ports.pool.assign(worker, list);
  }

  /** Brings the person's branch along now; resolves when that was tried. */
  async followNow(): Promise<void> {
    const from = await this.#ports.loop().read(({ landing }) => landing.followed);
    await this.#follow(from);
  }

  /** Resolves when the following that was asked for so far has been tried. */
  async followTried(): Promise<void> {
    await (this.#followWaiting ?? this.#following);
  }

  close(): void {
    this.#closed = true;
    this.#landingTimer?.cancel();
    this.#followTimer?.cancel();
  }

  /** No step is under way any more: the next supervisor must not meet a git of ours at work. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  #carryOutOne(
    effect: Effect,
    locked: Map<TaskId, Promise<void>>,
    assignments: Map<WorkerId, Assignment[]>,
  ): void {
    switch (effect.kind) {
      case "placeLock":
        locked.set(effect.task, this.#placeLock(effect));
        return;
      case "dispatch":
        return this.#dispatch(effect, locked.get(effect.task), assignments);
      case "cancelAttempt": {
        const { task, attempt, fence } = effect;
        const cancellation = { task, attempt, fence, reason: "cancelled" } as const;
        // Behind the assignment, which may wait for its lock file: a worker ignores what it does not hold.
        void (this.#dispatching.get(task) ?? Promise.resolve()).then(() =>
          this.#ports.pool.cancel(effect.worker, cancellation),
        );
        return;
      }
      case "removeLock":
        void this.#ports.locks.remove(effect.holder);
        if (isHold(effect.holder)) this.#ports.holds.forget(effect.holder);
        return;
      case "placeHold":
        return this.#placeHold(effect.hold);
      case "endHold":
        return this.#ports.holds.break(effect.hold);
      case "merge":
        return this.#run(this.#merge(effect));
      case "gate":
        return this.#run(this.#gate(effect));
      case "cancelGate":
        return this.#ports.pool.cancel(gateWorker, {
          task: effect.task,
          attempt: effect.attempt,
          fence: effect.fence,
          reason: "cancelled",
        });
      case "move":
        return this.#run(this.#move(effect));
      case "follow":
        return this.#run(this.#follow(effect.from));
      default:
        return unreachable(effect);
    }
  }

  #placeLock(effect: Extract<Effect, { kind: "placeLock" }>): Promise<void> {
    const { task, attempt, fence, worker, holding, grantedAt } = effect;
    const { writes, reads, resources, optimistic } = holding;
    return this.#ports.locks.place({
      holder: task,
      attempt,
      fence,
      epoch: this.#ports.epoch,
      worker,
      note: null,
      writes,
      reads,
      resources,
      optimistic,
      grantedAt,
      ttlMs: this.#ports.ttlMs(),
      owner: this.#ports.ownerOf(worker),
    });
  }

  #placeHold(hold: Extract<Effect, { kind: "placeHold" }>["hold"]): void {
    const { id, claims, granted, note, owner } = hold;
    const { fence, at: grantedAt } = granted;
    const { epoch, ttlMs, locks } = this.#ports;
    void locks.place({
      holder: id,
      attempt: null,
      fence,
      epoch,
      worker: null,
      note,
      ...claims,
      optimistic: false,
      grantedAt,
      ttlMs: ttlMs(),
      owner,
    });
  }

  /**
   * The lock file is in place before the worker hears of the attempt, also when the attempt is asked
   * for again meanwhile. A disk can take so long over it that the attempt has ended when it is done.
   */
  #dispatch(
    effect: Extract<Effect, { kind: "dispatch" }>,
    lock: Promise<void> | undefined,
    assignments: Map<WorkerId, Assignment[]>,
  ): void {
    const assignment = this.#assignment(effect);
    if (assignment === null) return;
    const before = lock ?? this.#dispatching.get(effect.task);
    if (before !== undefined) {
      const dispatched = before.then(() => {
        if (this.#isOpen(effect)) this.#ports.pool.assign(effect.worker, [assignment]);
        if (this.#dispatching.get(effect.task) === dispatched)
          this.#dispatching.delete(effect.task);
      });
      this.#dispatching.set(effect.task, dispatched);
      return;
    }
    const list = assignments.get(effect.worker);
    if (list === undefined) assignments.set(effect.worker, [assignment]);
    else list.push(assignment);
  }

  /** As of now, durable or not: what a crash opens again is asked for again after it. */
  #isOpen({ task, fence }: Extract<Effect, { kind: "dispatch" }>): boolean {
    const life = this.#ports.loop().state.tasks.get(task)?.life;
    return life?.status === "running" && life.fence === fence;
  }

  #assignment(effect: Extract<Effect, { kind: "dispatch" }>): Assignment | null {
    const { task, attempt, fence, spec, worker, earlier } = effect;
    if (spec.work.kind === "tools") return { kind: "instant", task, attempt, fence };
    const secrets: Record<string, string> = {};
    for (const name of spec.secrets) {
      const value = this.#ports.secret(name);
      if (value === undefined) {
        const message = `the secret ${name} is not set in the supervisor's environment`;
        const failure = { kind: "not_started", message } as const;
        const outcome = { result: "failed", failure, saved: null } as const;
        const report = { task, attempt, fence, outcome, elapsed_ms: 0 };
        this.#ports.loop().tell({ type: "report", worker, report });
        return null;
      }
      secrets[name] = value;
    }
    const before = earlier === undefined ? {} : { earlier };
    return { kind: "task", task, attempt, fence, spec, secrets, ...before };
  }

  async #merge(effect: Extract<Effect, { kind: "merge" }>): Promise<void> {
    const { task, fence, attempt, spec, saved, at, onto } = effect;
    const { template, author, trailers } = this.#ports.commit();
    const result = await this.#ports.landing.merge({
      task,
      attempt,
      saved: saved.commit,
      base: saved.base,
      message: saved.message ?? taskText({ spec, attempt, template }),
      author: spec.commit.author ?? author,
      trailers: joinTrailers(spec.commit.trailers, trailers),
      at_ms: at,
      ...(onto === undefined ? {} : { onto }),
    });
    if (this.#stuck(result)) return;
    const asked = onto === undefined ? {} : { onto: onto.commit };
    this.#ports.loop().tell({ type: "merged", task, fence, result, ...asked });
  }

  async #gate(effect: Extract<Effect, { kind: "gate" }>): Promise<void> {
    const { task, attempt, fence, commit, commands, timeoutMs } = effect;
    await this.#ports.pool.ensure(gateWorker);
    this.#ports.pool.assign(gateWorker, [
      { kind: "gate", task, attempt, fence, candidate: commit, commands, timeout_ms: timeoutMs },
    ]);
  }

  async #move(effect: Extract<Effect, { kind: "move" }>): Promise<void> {
    const { task, fence, candidate } = effect;
    const { commit, onto } = candidate;
    const result = await this.#ports.landing.move({ task, candidate: commit, onto });
    if (this.#stuck(result)) return;
    this.#ports.loop().tell({
      type: "moved",
      task,
      fence,
      result: result.kind === "outdated" ? { kind: "outdated" } : { kind: "moved", commit },
    });
  }

  /** True: the step could not be carried out; it is held, shown, and tried again later. */
  #stuck<Kind extends MergeResult | MoveResult>(
    result: Kind,
  ): result is Extract<Kind, { kind: "held" | "problem" | "fenced" }> {
    if (result.kind === "fenced") {
      this.#ports.die(new Error("another supervisor has taken over this repository"));
      return true;
    }
    if (result.kind !== "held" && result.kind !== "problem") {
      this.#logged.delete("landing is held");
      return false;
    }
    const why = result.kind === "held" ? result.why : "problem";
    const kind = why === "rewound" || why === "signature" ? why : "problem";
    const reason = { kind, message: result.message } as const;
    this.#warnOnce("landing is held", result.message);
    this.#ports.loop().tell({ type: "landingHeld", reason });
    this.#landingTimer ??= this.#ports.setTimer(landingRetryMs, () => this.#landAgain());
    return true;
  }

  /** It is tried again every few seconds, perhaps for hours: only what is new is worth a line. */
  #warnOnce(what: "landing is held" | "following failed", reason: string): void {
    if (this.#logged.get(what) === reason) return;
    this.#logged.set(what, reason);
    this.#ports.log.warn(what, { reason });
  }

  #landAgain(): void {
    this.#landingTimer = null;
    void this.#ports
      .loop()
      .read(landingEffects)
      .then((effects) => this.carryOut(effects));
  }

  /** One at a time; a wish that comes meanwhile is carried out afterwards. */
  #follow(from: Oid | null): Promise<void> {
    this.#followWaiting ??= this.#following.then(() => {
      this.#followWaiting = null;
      this.#following = this.#followOnce(from);
      return this.#following;
    });
    return this.#followWaiting;
  }

  async #followOnce(from: Oid | null): Promise<void> {
    if (this.#closed) return;
    this.#followTimer?.cancel();
    this.#followTimer = null;
    this.#followed(await this.#ports.landing.follow({ from }));
  }

  #followed(result: FollowResult): void {
    const { loop, die } = this.#ports;
    if (result.kind !== "problem") this.#logged.delete("following failed");
    switch (result.kind) {
      case "followed":
        return loop().tell({ type: "followed", result: { kind: "followed", to: result.to } });
      case "current":
        return loop().tell({ type: "followed", result: { kind: "followed", to: result.tip } });
      case "waiting": {
        const { reason, paths } = result;
        loop().tell({ type: "followed", result: { kind: "waiting", reason, paths } });
        return this.#followLater();
      }
      case "rewound": {
        const message =
          "the target was reset to before what has landed: `orchd land` with --accept-rewind or --reapply goes on";
        loop().tell({ type: "landingHeld", reason: { kind: "rewound", message } });
        return this.#followLater();
      }
      case "problem":
        this.#warnOnce("following failed", result.message);
        loop().tell({
          type: "followed",
          result: { kind: "waiting", reason: result.message, paths: [] },
        });
        return this.#followLater();
      case "fenced":
        return die(new Error("another supervisor has taken over this repository"));
      default:
        return unreachable(result);
    }
  }

  #followLater(): void {
    if (this.#closed) return;
    this.#followTimer ??= this.#ports.setTimer(followRetryMs, () => this.#followAgain());
  }

  /** What is under way is what `settled` waits for: not the read, which a broken journal never answers. */
  #followAgain(): void {
    this.#followTimer = null;
    void this.#ports
      .loop()
      .read(({ landing }) => landing.followed)
      .then((from) => this.#run(this.#follow(from)));
  }

  #run(step: Promise<unknown>): void {
    const watched = step
      .catch((error: unknown) => {
        if (!this.#closed) this.#ports.die(error);
      })
      .finally(() => this.#underWay.delete(watched));
    this.#underWay.add(watched);
  }
}
