import type { Assignment } from "../ipc/workerMessages.ts";
import type { Effect } from "./core/effects.ts";
import type { EffectPorts } from "./effectPorts.ts";
import type { TaskId, WorkerId } from "../ipc/ids.ts";

/** The effects of one moment: lock files that are being placed, and what each worker is to be sent. */
export type Departure = {
  readonly locked: Map<TaskId, Promise<void>>;
  readonly assignments: Map<WorkerId, Assignment[]>;
};

/**
 * How attempts reach their workers, and their cancellations: each behind the lock file that says what
 * the attempt holds.
 */
export class Dispatching {
  readonly #ports: EffectPorts;
  /** Assignments that wait for their lock file. */
  readonly #dispatching = new Map<TaskId, Promise<void>>();

  constructor(ports: EffectPorts) {
    this.#ports = ports;
  }

  placeLock(effect: Extract<Effect, { kind: "placeLock" }>, { locked }: Departure): void {
    const { task, attempt, fence, worker, holding, grantedAt } = effect;
    const { writes, reads, resources, optimistic } = holding;
    const placed = this.#ports.locks.place({
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
    locked.set(task, placed);
  }

  /**
   * The lock file is in place before the worker hears of the attempt, also when the attempt is asked
   * for again meanwhile. A disk can take so long over it that the attempt has ended when it is done.
   */
  dispatch(
    effect: Extract<Effect, { kind: "dispatch" }>,
    { locked, assignments }: Departure,
  ): void {
    const assignment = this.#assignment(effect);
    if (assignment === null) return;
    const lock = locked.get(effect.task);
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

  /** Behind the assignment, which may wait for its lock file: a worker ignores what it does not hold. */
  cancel(effect: Extract<Effect, { kind: "cancelAttempt" }>): void {
    const { task, attempt, fence } = effect;
    const cancellation = { task, attempt, fence, reason: "cancelled" } as const;
    void (this.#dispatching.get(task) ?? Promise.resolve()).then(() =>
      this.#ports.pool.cancel(effect.worker, cancellation),
    );
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
}
