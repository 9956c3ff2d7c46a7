import { expect } from "chai";
import { VirtualTime, fairnessWindowMs, randomFrom } from "../../../helpers/workload.ts";
import { id, ids, spec } from "../../../helpers/core.ts";
import type { Piece } from "../../../helpers/workload.ts";

const longestMs = 40_000;
const slots = 8;

/** Narrow tasks without end: there are always twice as many queued as there are places. */
class Stream {
  readonly time = new VirtualTime(slots);
  readonly #random: () => number;
  #next = 0;
  /** The number of the last narrow task submitted before it. */
  readonly #lastBefore = new Map<string, number>();

  constructor(seed: number) {
    this.#random = randomFrom(seed);
    this.#refill();
  }

  submit(name: string, claims: readonly string[]): void {
    this.time.submit({ spec: spec(name, { claims }), ms: longestMs, touched: [] });
    this.#lastBefore.set(name, this.#next);
  }

  flowFor(ms: number): void {
    const until = this.time.world.at + ms;
    while (this.time.world.at < until) this.flow();
  }

  flow(): void {
    if (!this.time.step()) throw new Error("the stream has dried up");
    this.#refill();
  }

  /**
   * Flows until the task has started. How long that takes from the first time on that a later one
   * starts instead of it: before that it only waits its turn.
   */
  waitOf(name: string, from = 0): number {
    const { startedAt, world } = this.time;
    const last = world.at + 10 * (fairnessWindowMs + longestMs);
    while (!startedAt.has(id(name)) && world.at < last) this.flow();
    const start = startedAt.get(id(name)) ?? Number.POSITIVE_INFINITY;
    let passed = start;
    for (let at = (this.#lastBefore.get(name) ?? 0) + 1; at <= this.#next; at += 1)
      passed = Math.min(passed, startedAt.get(id(`n${at}`)) ?? start);
    return start - Math.max(passed, from);
  }

  #refill(): void {
    const missing = 2 * slots - this.time.world.state.counts.queued;
    if (missing > 0) this.time.submit(...Array.from({ length: missing }, () => this.#narrow()));
  }

  #narrow(): Piece {
    this.#next += 1;
    const ms = 1_000 + Math.floor(this.#random() * (longestMs - 1_000));
    const folder = Math.floor(this.#random() * 50);
    const changes = { claims: [`src/m${folder}/f${this.#next}`] };
    return { spec: spec(`n${this.#next}`, changes), ms, touched: [] };
  }
}

const seeds = Array.from({ length: 20 }, (_, at) => at + 1);

describe("a task that wants everything, in a stream of narrow tasks that never ends", () => {
  it("starts within the fairness window and the longest running task", () => {
    for (const seed of seeds) {
      const stream = new Stream(seed);
      stream.flowFor(100_000);
      stream.submit("wide", ["**"]);
      const waited = stream.waitOf("wide");
      expect(waited, `seed ${seed}`).to.be.at.most(fairnessWindowMs + longestMs);
      stream.flowFor(100_000);
      expect(stream.time.world.state.finals.has(id("wide"))).to.equal(true);
    }
  });

  for (const type of ["cancel", "pause"] as const)
    it(`does so as well when one that waits before it is stopped by ${type}`, () => {
      for (const seed of seeds) {
        const stream = new Stream(seed);
        stream.flowFor(100_000);
        stream.submit("before", ["src/**"]);
        stream.submit("wide", ["**"]);
        while (stream.time.world.state.schedule.fairness.size < 2) stream.flow();
        expect(stream.time.world.status("before"), `seed ${seed}`).to.equal("queued");
        stream.time.turn({ type, ids: ids("before") });
        const waited = stream.waitOf("wide");
        expect(waited, `seed ${seed}`).to.be.at.most(fairnessWindowMs + longestMs);
      }
    });

  it("and one that is paused comes in its turn when it is resumed", () => {
    const stream = new Stream(1);
    stream.submit("wide", ["**"]);
    stream.flowFor(fairnessWindowMs / 2);
    stream.time.turn({ type: "pause", ids: ids("wide") });
    stream.flowFor(200_000);
    expect(stream.time.startedAt.has(id("wide"))).to.equal(false);
    stream.time.turn({ type: "resume", ids: ids("wide") });
    const resumed = stream.time.world.at;
    expect(stream.waitOf("wide", resumed)).to.be.at.most(fairnessWindowMs + longestMs);
  });
});
