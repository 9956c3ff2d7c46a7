import { gateWorker } from "./pool/pool.ts";
import { joinTrailers } from "../ipc/trailers.ts";
import { landingEffects, lookEffects } from "./core/landingEffects.ts";
import { taskText } from "../ipc/commitText.ts";
import { WarnOnce } from "./observe/warnOnce.ts";
import type { Effect } from "./core/effects.ts";
import type { EffectPorts } from "./effectPorts.ts";
import type { Held } from "./landing/branch.ts";
import type { MergeResult } from "./landing/merge.ts";
import type { MoveResult } from "./landing/move.ts";
import type { Timer } from "../system/clock.ts";

/** How long a landing step that could not be carried out waits for the next try. */
const retryMs = 5_000;
/** Between two looks at a branch that is red by itself. */
const lookMs = 2_000;

/** The steps of a landing: merge, generated files, gate, move. One that cannot be carried out is tried again later. */
export class LandingSteps {
  readonly #ports: EffectPorts;
  readonly #carryOut: (effects: readonly Effect[]) => void;
  readonly #warn: WarnOnce;
  #timer: Timer | null = null;
  #lookTimer: Timer | null = null;

  /** `carryOut`: of what is to be done again. */
  constructor(ports: EffectPorts, carryOut: (effects: readonly Effect[]) => void) {
    this.#ports = ports;
    this.#carryOut = carryOut;
    this.#warn = new WarnOnce(ports.log, "landing is held");
  }

  close(): void {
    this.#timer?.cancel();
    this.#lookTimer?.cancel();
  }

  async merge(effect: Extract<Effect, { kind: "merge" }>): Promise<void> {
    const { task, fence, attempt, spec, saved, at, onto, generated } = effect;
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
      ...(generated === undefined ? {} : { generated }),
    });
    if (this.#stuck(result)) return;
    const asked = onto === undefined ? {} : { onto: onto.commit };
    this.#ports.loop().tell({ type: "merged", task, fence, result, ...asked });
  }

  async gate(effect: Extract<Effect, { kind: "gate" }>): Promise<void> {
    const { task, attempt, fence, commit, commands, timeoutMs } = effect;
    await this.#ports.pool.ensure(gateWorker);
    this.#ports.pool.assign(gateWorker, [
      { kind: "gate", task, attempt, fence, candidate: commit, commands, timeout_ms: timeoutMs },
    ]);
  }

  async generate(effect: Extract<Effect, { kind: "generate" }>): Promise<void> {
    const { task, attempt, fence, commit } = effect;
    const rules = effect.rules.map(({ paths, run, timeoutMs }) => ({
      paths,
      run,
      timeout_ms: timeoutMs,
    }));
    await this.#ports.pool.ensure(gateWorker);
    this.#ports.pool.assign(gateWorker, [
      { kind: "generate", task, attempt, fence, commit, rules },
    ]);
  }

  cancelGate({ task, attempt, fence }: Extract<Effect, { kind: "cancelGate" }>): void {
    this.#ports.pool.cancel(gateWorker, { task, attempt, fence, reason: "cancelled" });
  }

  async move(effect: Extract<Effect, { kind: "move" }>): Promise<void> {
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

  /**
   * Takes in what the person has committed meanwhile; as long as there is nothing, again and again. Who
   * takes the commit that made the branch red away from their own hears what to say to have that count.
   */
  async look({ tip, rewound }: Extract<Effect, { kind: "look" }>): Promise<void> {
    const seen = await this.#ports.landing.look();
    if (seen.kind === "fenced") {
      this.#stuck(seen);
      return;
    }
    const loop = this.#ports.loop();
    if (seen.kind === "held" && seen.why === "rewound")
      loop.tell({ type: "landingHeld", reason: { kind: "rewound", message: seen.message } });
    if (seen.kind === "ready" && seen.tip.oid !== tip)
      loop.tell({ type: "branchPrepared", tip: seen.tip.oid, targetTip: seen.target });
    if (seen.kind === "ready" && rewound) loop.tell({ type: "landingReleased", tip: null });
    this.#lookTimer ??= this.#ports.setTimer(lookMs, () => this.#lookAgain());
  }

  #lookAgain(): void {
    this.#lookTimer = null;
    void this.#ports
      .loop()
      .read(lookEffects)
      .then((effects) => this.#carryOut(effects));
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
      this.#warn.clear();
      return false;
    }
    const why = result.kind === "held" ? result.why : "problem";
    const kind = why === "rewound" || why === "signature" ? why : "problem";
    const message = result.kind === "held" ? heldWords(result) : result.message;
    const reason = { kind, message } as const;
    this.#warn.about(message);
    this.#ports.loop().tell({ type: "landingHeld", reason });
    this.#timer ??= this.#ports.setTimer(retryMs, () => this.#again());
    return true;
  }

  #again(): void {
    this.#timer = null;
    void this.#ports
      .loop()
      .read(landingEffects)
      .then((effects) => this.#carryOut(effects));
  }
}

const pathsShownMax = 3;

/** With the first of the files that it is about. */
function heldWords({ message, paths }: Held): string {
  if (paths.length === 0) return message;
  const more = paths.length > pathsShownMax ? ` and ${paths.length - pathsShownMax} more` : "";
  return `${message} (${paths.slice(0, pathsShownMax).join(", ")}${more})`;
}
