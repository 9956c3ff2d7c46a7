import { expect } from "chai";
import { Outbox } from "../../../daemon/outbox.ts";
import { oid } from "../../helpers/core.ts";
import type { Command } from "../../../daemon/core/commands.ts";
import type { PushEffect } from "../../../daemon/core/effects.ts";
import type { PushResult } from "../../../daemon/push/push.ts";

const place = { remote: "origin", branch: "main" };
const wish: PushEffect = { kind: "push", place, to: oid("tip"), accepted: null, commits: 1 };

/** Pushes are answered by the test; timers fire when it says so. */
function makeRig() {
  const pushes: { to: string; signal: AbortSignal; answer: (result: PushResult) => void }[] = [];
  const timers: { ms: number; run: () => void; cancelled: boolean }[] = [];
  const told: Command[] = [];
  const world = { wish: wish as PushEffect | null, taken: 0 };
  const outbox = new Outbox({
    wish: () => Promise.resolve(world.wish),
    push: ({ to }, signal) =>
      new Promise((answer) => {
        pushes.push({ to, signal, answer });
        signal.addEventListener("abort", () => answer({ kind: "failed", message: "stopped" }));
      }),
    takeIn: () => {
      world.taken += 1;
      return Promise.resolve();
    },
    tell: (command, durable) => {
      told.push(command);
      if (command.type === "pushed") world.wish = null;
      durable?.();
    },
    settings: () => ({ quietMs: 2_000, every: 20 }),
    setTimer: (ms, run) => {
      const timer = { ms, run, cancelled: false };
      timers.push(timer);
      return { cancel: () => (timer.cancelled = true) };
    },
    wallMs: () => 1_000_000,
    random: () => 1,
    die: (reason) => {
      throw reason instanceof Error ? reason : new Error(String(reason));
    },
  });
  const fire = async (): Promise<number> => {
    const timer = timers.findLast(({ cancelled }) => !cancelled);
    if (timer === undefined) throw new Error("nothing is waited for");
    timer.cancelled = true;
    timer.run();
    await turn();
    return timer.ms;
  };
  const answer = async (result: PushResult): Promise<void> => {
    pushes.at(-1)?.answer(result);
    await turn();
  };
  return { outbox, pushes, timers, told, world, fire, answer };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const failed = { kind: "failed", message: "away" } as const;
const held = { kind: "held", message: "pull first" } as const;

describe("the outbox", () => {
  it("waits a while for more to land, and pushes what there is then, once", async () => {
    const { outbox, pushes, timers, told, world, fire, answer } = makeRig();
    outbox.want(wish);
    outbox.want(wish);
    expect(timers).to.have.length(1);
    world.wish = { ...wish, to: oid("later"), commits: 2 };
    expect(await fire()).to.equal(2_000);
    expect(pushes.map(({ to }) => to)).to.deep.equal([oid("later")]);
    await answer({ kind: "pushed" });
    expect(told).to.deep.equal([{ type: "pushed", place, to: oid("later"), commits: 2 }]);
    expect(outbox.view()).to.deep.equal({ state: "idle", nextTryAt: null });
  });

  it("does not wait when as many have landed as are worth a push", async () => {
    const { outbox, pushes, timers } = makeRig();
    outbox.want({ commits: 19 });
    expect(pushes).to.have.length(0);
    outbox.want({ commits: 20 });
    await turn();
    expect(pushes).to.have.length(1);
    expect(timers.every(({ cancelled }) => cancelled)).to.equal(true);
  });

  it("tries what is left once before a drain ends, whatever it waits for, and no more", async () => {
    const { outbox, pushes, world, answer } = makeRig();
    world.wish = null;
    await outbox.lastTry();
    expect(pushes).to.have.length(0);
    world.wish = wish;
    outbox.want({ commits: 1 });
    let over = false;
    const last = outbox.lastTry().then(() => (over = true));
    await turn();
    expect([pushes.length, over]).to.deep.equal([1, false]);
    await answer(failed);
    await last;
    expect(outbox.view().state).to.equal("waiting");
    const again = outbox.lastTry();
    await turn();
    expect(pushes).to.have.length(2);
    await answer({ kind: "pushed" });
    await again;
    expect(outbox.view().state).to.equal("idle");
  });

  it("waits for the push under way, and then tries what landed meanwhile", async () => {
    const { outbox, pushes, world, answer } = makeRig();
    outbox.want({ commits: 20 });
    await turn();
    const last = outbox.lastTry();
    pushes[0]?.answer({ kind: "pushed" });
    await Promise.resolve();
    world.wish = { ...wish, to: oid("later") };
    await turn();
    world.wish = { ...wish, to: oid("later") };
    await turn();
    await answer({ kind: "pushed" });
    await last;
    expect(pushes.map(({ to }) => to).at(-1)).to.equal(oid("later"));
  });

  it("pushes one at a time, and afterwards what landed meanwhile", async () => {
    const { outbox, pushes, world, fire, answer } = makeRig();
    outbox.want(wish);
    await fire();
    outbox.want({ commits: 50 });
    await turn();
    expect(pushes).to.have.length(1);
    const more = { ...wish, to: oid("more") };
    const { promise, resolve } = Promise.withResolvers<void>();
    void promise.then(() => (world.wish = more));
    resolve();
    await answer({ kind: "pushed" });
    world.wish = more;
    outbox.want(more);
    await fire();
    expect(pushes.at(-1)?.to).to.equal(oid("more"));
  });

  it("tries again after growing pauses, the longest ten minutes, and forgets them after a success", async () => {
    const { outbox, told, fire, answer, world } = makeRig();
    outbox.want(wish);
    await fire();
    const pauses: number[] = [];
    for (let at = 0; at < 9; at += 1) {
      await answer(failed);
      outbox.want({ commits: 50 });
      expect(outbox.view().state).to.equal("waiting");
      pauses.push(await fire());
    }
    expect(pauses.slice(0, 4)).to.deep.equal([5_000, 10_000, 20_000, 40_000]);
    expect(pauses.at(-1)).to.equal(600_000);
    expect(told.at(-1)).to.deep.equal({ type: "pushFailed", place, problem: failed });
    await answer({ kind: "pushed" });
    world.wish = wish;
    outbox.want(wish);
    await fire();
    await answer(failed);
    expect(outbox.view().nextTryAt).to.equal(1_005_000);
  });

  it("looks soon again when a person is to act, and at their branch first", async () => {
    const { outbox, world, fire, answer } = makeRig();
    outbox.want(wish);
    await fire();
    for (let at = 0; at < 8; at += 1) {
      await answer(held);
      expect(await fire()).to.be.at.most(60_000);
    }
    expect(world.taken).to.equal(8);
  });

  it("tries at once when a person asks, and does nothing where nothing waits", async () => {
    const { outbox, pushes, fire, answer } = makeRig();
    outbox.tryNow();
    await turn();
    expect(pushes).to.have.length(0);
    outbox.want(wish);
    await fire();
    await answer(failed);
    outbox.tryNow();
    await turn();
    expect(pushes).to.have.length(2);
  });

  it("pushes nothing when nothing is wanted any more", async () => {
    const { outbox, pushes, world, fire } = makeRig();
    outbox.want(wish);
    world.wish = null;
    await fire();
    expect(pushes).to.have.length(0);
    expect(outbox.view().state).to.equal("idle");
  });

  it("ends the push under way when it is closed, and begins none after that", async () => {
    const { outbox, pushes, told, fire } = makeRig();
    outbox.want(wish);
    await fire();
    await outbox.close();
    expect(pushes[0]?.signal.aborted).to.equal(true);
    outbox.want(wish);
    outbox.tryNow();
    await turn();
    expect(pushes).to.have.length(1);
    expect(told).to.deep.equal([]);
  });
});
