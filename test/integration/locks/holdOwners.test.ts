import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "chai";
import { HoldOwners } from "../../../daemon/locks/holdOwners.ts";
import { identityOf, judge } from "../../../system/processIdentity.ts";
import { manualClock } from "../../helpers/manualClock.ts";
import { realClock } from "../../../system/clock.ts";
import { until } from "../../helpers/until.ts";
import type { ChildProcess } from "node:child_process";
import type { HoldId } from "../../../ipc/ids.ts";

describe("the owner of a hold", () => {
  it("that could not be swept once, for whatever reason, is swept at the next look", async () => {
    const problems: string[] = [];
    const ended: string[] = [];
    let asked = 0;
    const owners = new HoldOwners({
      // A marker that no environment can hold: looking for it throws.
      get repositoryId() {
        asked += 1;
        return asked === 1 ? "\0" : "a-repository";
      },
      staleAfterMs: () => 60_000,
      graceMs: () => 0,
      clock: realClock,
      giveUpWaiting: async () => true,
      onEnded: (hold, because) => void ended.push(`${hold} ${because}`),
      onProblem: (_hold, message) => void problems.push(message),
    });
    using sleeper = spawn("sleep", ["600"], { stdio: "ignore" });
    const owner = identityOf(sleeper.pid ?? 0);
    if (owner === undefined) throw new Error("no sleeper");
    owners.watch("lock:a" as HoldId, owner);
    sleeper.kill("SIGKILL");
    await until(() => problems.length === 1, { what: "the first try to fail" });
    await until(() => ended.length > 0, { what: "the hold to end" });
    expect(ended).to.deep.equal(["lock:a owner_gone"]);
    owners.close();
  });

  it("that is silent is killed if it holds, and only loses its place if it waits", async () => {
    await using rig = makeRig();
    const [holder, waiter] = [rig.sleeper(), rig.sleeper()];
    rig.owners.watch(hold("holds"), holder.identity);
    rig.owners.watch(hold("waits"), waiter.identity);
    rig.waiting.add(hold("waits"));
    rig.pass(staleAfterMs);
    await rig.until(() => rig.ended.length === 2);
    expect(rig.ended.toSorted()).to.deep.equal(["lock:holds owner_hung", "lock:waits given up"]);
    expect([judge(holder.identity), judge(waiter.identity)]).to.deep.equal(["dead", "alive"]);
  });

  it("is not called silent because the supervisor itself stood still", async () => {
    await using rig = makeRig();
    const { identity } = rig.sleeper();
    rig.owners.watch(hold("a"), identity);
    rig.pass(staleAfterMs / 2);
    for (let night = 0; night < 3; night += 1) {
      rig.clock.standStill(12 * 60 * 60 * 1_000);
      rig.pass(staleAfterMs - 500);
    }
    expect(rig.owners.ageMs(hold("a"))).to.be.below(staleAfterMs);
    expect(rig.ended).to.deep.equal([]);
    expect(judge(identity)).to.equal("alive");
    rig.pass(1_000);
    await rig.until(() => rig.ended.length === 1);
    expect(rig.ended).to.deep.equal(["lock:a owner_hung"]);
  });
});

const staleAfterMs = 10_000;

function hold(name: string): HoldId {
  return `lock:${name}` as HoldId;
}

/** Owners on a clock that is moved by hand, and processes that sleep. */
function makeRig() {
  const clock = manualClock();
  const ended: string[] = [];
  const waiting = new Set<HoldId>();
  const sleepers: ChildProcess[] = [];
  const owners = new HoldOwners({
    repositoryId: "a-repository",
    staleAfterMs: () => staleAfterMs,
    graceMs: () => 0,
    clock,
    giveUpWaiting: async (id) => {
      if (!waiting.has(id)) return true;
      ended.push(`${id} given up`);
      owners.forget(id);
      return false;
    },
    onEnded: (id, because) => {
      ended.push(`${id} ${because}`);
      owners.forget(id);
    },
    onProblem: (_hold, message) => expect.fail(message),
  });
  return {
    clock,
    ended,
    waiting,
    owners,
    /** In steps, as a machine's time passes. */
    pass: (ms: number) => {
      for (let passed = 0; passed < ms; passed += 100) clock.advance(100);
    },
    until: (isSo: () => boolean) =>
      until(() => {
        clock.advance(2);
        return isSo();
      }),
    sleeper: () => {
      const child = spawn("sleep", ["600"], { stdio: "ignore" });
      sleepers.push(child);
      const identity = identityOf(child.pid ?? 0);
      if (identity === undefined) throw new Error("no sleeper");
      return { identity };
    },
    async [Symbol.asyncDispose]() {
      owners.close();
      for (const child of sleepers) {
        const hasEnded = child.exitCode !== null || child.signalCode !== null;
        child.kill("SIGKILL");
        if (!hasEnded) await once(child, "exit");
      }
    },
  };
}
