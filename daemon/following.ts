import { isTesting } from "./core/chain.ts";
import { unreachable } from "../ipc/errors.ts";
import { WarnOnce } from "./observe/warnOnce.ts";
import type { EffectPorts } from "./effectPorts.ts";
import type { FollowRequest, FollowResult } from "./landing/target.ts";
import type { Oid } from "../ipc/ids.ts";
import type { Timer } from "../system/clock.ts";

/** How long a follow that could not be carried out waits for the next try. */
const retryMs = 2_000;

/** Brings the person's branch along with what has landed. */
export class Following {
  readonly #ports: EffectPorts;
  readonly #run: (step: Promise<unknown>) => void;
  readonly #warn: WarnOnce;
  #timer: Timer | null = null;
  #following: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | null = null;
  /** Whether the wish that waits is one to take in what the person committed. */
  #takeIn = false;
  #closed = false;

  /** `run`: watches over a step until it has ended. */
  constructor(ports: EffectPorts, run: (step: Promise<unknown>) => void) {
    this.#ports = ports;
    this.#run = run;
    this.#warn = new WarnOnce(ports.log, "following failed");
  }

  /** Brings the person's branch along now; resolves when that was tried. */
  async now(): Promise<void> {
    const from = await this.#ports.loop().read(({ landing }) => landing.followed);
    await this.follow(from);
  }

  /** Resolves when the following that was asked for so far has been tried. */
  async tried(): Promise<void> {
    await (this.#waiting ?? this.#following);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** One at a time; a wish that comes meanwhile is carried out afterwards. `takeIn`: see `FollowRequest`. */
  follow(from: Oid | null, takeIn = true): Promise<void> {
    this.#takeIn ||= takeIn;
    this.#waiting ??= this.#following.then(() => {
      this.#waiting = null;
      this.#following = this.#once({ from, takeIn: this.#takeIn });
      this.#takeIn = false;
      return this.#following;
    });
    return this.#waiting;
  }

  async #once(request: FollowRequest): Promise<void> {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#followed(await this.#ports.landing.follow(request));
  }

  #followed(result: FollowResult): void {
    const { loop, die } = this.#ports;
    if (result.kind !== "problem") this.#warn.clear();
    switch (result.kind) {
      case "followed":
        return loop().tell({ type: "followed", result: { kind: "followed", to: result.to } });
      case "current":
        return loop().tell({ type: "followed", result: { kind: "followed", to: result.tip } });
      case "waiting": {
        const { reason, paths } = result;
        loop().tell({ type: "followed", result: { kind: "waiting", reason, paths } });
        return this.#later();
      }
      case "rewound": {
        // In the words of a landing that meets it: one condition, told once.
        const { message } = result;
        loop().tell({ type: "landingHeld", reason: { kind: "rewound", message } });
        return this.#later();
      }
      case "problem":
        this.#warn.about(result.message);
        loop().tell({
          type: "followed",
          result: { kind: "waiting", reason: result.message, paths: [] },
        });
        return this.#later();
      case "fenced":
        return die(new Error("another supervisor has taken over this repository"));
      default:
        return unreachable(result);
    }
  }

  #later(): void {
    if (this.#closed) return;
    this.#timer ??= this.#ports.setTimer(retryMs, () => this.#again());
  }

  /**
   * What is under way is what `settled` waits for: not the read, which a broken journal never answers. A
   * person who commits more often than the checks take would else have them begin anew for ever.
   */
  #again(): void {
    this.#timer = null;
    void this.#ports
      .loop()
      .read((state) => ({ from: state.landing.followed, takeIn: !isTesting(state) }))
      .then(({ from, takeIn }) => this.#run(this.follow(from, takeIn)));
  }
}
