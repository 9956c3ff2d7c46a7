import { Dispatching } from "./dispatching.ts";
import { Following } from "./following.ts";
import { isHold } from "./core/state.ts";
import { LandingSteps } from "./landingSteps.ts";
import { unreachable } from "../ipc/errors.ts";
import type { Departure } from "./dispatching.ts";
import type { Effect } from "./core/effects.ts";
import type { EffectPorts } from "./effectPorts.ts";

/**
 * From effect to adapter: one complete switch, and what adapters found out told back to the core.
 * Nothing is decided here except when to try again what the world did not allow.
 */
export class Effects {
  readonly #ports: EffectPorts;
  readonly #dispatching: Dispatching;
  readonly #landing: LandingSteps;
  readonly #following: Following;
  readonly #underWay = new Set<Promise<unknown>>();
  #closed = false;

  constructor(ports: EffectPorts) {
    this.#ports = ports;
    this.#dispatching = new Dispatching(ports);
    this.#landing = new LandingSteps(ports, (effects) => this.carryOut(effects));
    this.#following = new Following(ports, (step) => this.#run(step));
  }

  /** Assignments to one worker travel together. */
  carryOut(effects: readonly Effect[]): void {
    if (this.#closed) return;
    const departure: Departure = { locked: new Map(), assignments: new Map() };
    for (const effect of effects) this.#carryOutOne(effect, departure);
    for (const [worker, list] of departure.assignments) this.#ports.pool.assign(worker, list);
  }

  /** Brings the person's branch along now; resolves when that was tried. */
  async followNow(): Promise<void> {
    await this.#following.now();
  }

  /** Resolves when the following that was asked for so far has been tried. */
  async followTried(): Promise<void> {
    await this.#following.tried();
  }

  close(): void {
    this.#closed = true;
    this.#landing.close();
    this.#following.close();
  }

  /** No step is under way any more: the next supervisor must not meet a git of ours at work. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  #carryOutOne(effect: Effect, departure: Departure): void {
    switch (effect.kind) {
      case "placeLock":
        return this.#dispatching.placeLock(effect, departure);
      case "dispatch":
        return this.#dispatching.dispatch(effect, departure);
      case "cancelAttempt":
        return this.#dispatching.cancel(effect);
      case "removeLock":
        void this.#ports.locks.remove(effect.holder);
        if (isHold(effect.holder)) this.#ports.holds.forget(effect.holder);
        return;
      case "placeHold":
        return this.#placeHold(effect.hold);
      case "endHold":
        return this.#ports.holds.break(effect.hold);
      case "merge":
        return this.#run(this.#landing.merge(effect));
      case "gate":
        return this.#run(this.#landing.gate(effect));
      case "generate":
        return this.#run(this.#landing.generate(effect));
      case "cancelGate":
        return this.#landing.cancelGate(effect);
      case "move":
        return this.#run(this.#landing.move(effect));
      case "look":
        return this.#run(this.#landing.look(effect));
      case "follow":
        return this.#run(this.#following.follow(effect.from));
      case "push":
        return this.#ports.outbox.want(effect);
      default:
        return unreachable(effect);
    }
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

  #run(step: Promise<unknown>): void {
    const watched = step
      .catch((error: unknown) => {
        if (!this.#closed) this.#ports.die(error);
      })
      .finally(() => this.#underWay.delete(watched));
    this.#underWay.add(watched);
  }
}
