import { expect } from "chai";
import { defaultConfig } from "../../../ipc/configDefaults.ts";
import { Effects } from "../../../daemon/effects.ts";
import { oid, spec, World } from "../../helpers/core.ts";
import type { Assignment } from "../../../ipc/workerMessages.ts";
import type { EffectPorts } from "../../../daemon/effectPorts.ts";
import type { Log } from "../../../daemon/observe/log.ts";

describe("an assignment that waits for its lock file", () => {
  it("leaves when the file is there, once for every time it was asked for", async () => {
    const rig = makeRig();
    rig.carryOut();
    rig.world.ready(rig.worker);
    rig.carryOut();
    expect(rig.assigned).to.deep.equal([]);
    await rig.lockIsPlaced();
    expect(rig.assigned).to.deep.equal(["a.1", "a.1"]);
  });

  it("is not made any more when the attempt has ended by then", async () => {
    const rig = makeRig();
    rig.carryOut();
    rig.world.fail("a");
    await rig.lockIsPlaced();
    expect(rig.assigned).to.deep.equal([]);
  });

  it("is not made for an attempt that another one has followed", async () => {
    const rig = makeRig();
    rig.carryOut();
    rig.world.fail("a").pass(1_000);
    expect(rig.world.status("a")).to.equal("running");
    await rig.lockIsPlaced();
    expect(rig.assigned).to.deep.equal([]);
  });
});

describe("following that waits", () => {
  it("is not what the end of a supervisor waits for when its journal does not answer any more", async () => {
    const timers: (() => void)[] = [];
    let reads = 0;
    const { world, effects } = makeRig({
      loop: () => ({ state: world.state, tell: () => {}, read: () => neverAnswered() }),
      landing: {
        merge: unexpected,
        move: unexpected,
        look: unexpected,
        follow: () => Promise.resolve({ kind: "waiting", reason: "it was edited", paths: [] }),
      },
      setTimer: (_ms, tell) => {
        timers.push(tell);
        return { cancel: () => {} };
      },
    });
    const neverAnswered = <Value>(): Promise<Value> => {
      reads += 1;
      return new Promise<Value>(() => {});
    };
    effects.carryOut([{ kind: "follow", from: null }]);
    await effects.settled();
    for (const tell of timers) tell();
    expect(reads).to.equal(1);
    effects.close();
    await effects.settled();
  });
});

describe("following that is tried again", () => {
  it("takes in what the person commits only while no checks run, and at once when it is asked for", async () => {
    const timers: (() => void)[] = [];
    const asked: unknown[] = [];
    const world = World.ready({ verify: [["make", "check"]] });
    world.submit(spec("a")).done("a", ["a"]).merged("a");
    expect(world.step("a")).to.equal("gate");
    const { effects } = makeRig({
      loop: () => ({
        state: world.state,
        tell: () => {},
        read: (look) => Promise.resolve(look(world.state)),
      }),
      landing: {
        merge: unexpected,
        move: unexpected,
        look: unexpected,
        follow: ({ takeIn }) => {
          asked.push(takeIn);
          return Promise.resolve({ kind: "waiting", reason: "it was edited", paths: [] });
        },
      },
      setTimer: (_ms, tell) => {
        timers.push(tell);
        return { cancel: () => {} };
      },
    });
    const turn = async (): Promise<void> => {
      timers.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
      await effects.settled();
    };
    await effects.followNow();
    await turn();
    expect(asked).to.deep.equal([true, false]);
    world.report("a", { result: "gate_green" });
    await turn();
    expect(asked).to.deep.equal([true, false, true]);
    effects.close();
  });
});

describe("a landing that is held", () => {
  it("says in which files, the first of many", async () => {
    const told: unknown[] = [];
    const world = World.ready().submit(spec("a")).done("a", ["x"]);
    const [merge] = world.effectsOf("merge");
    if (merge === undefined) throw new Error("nothing is merged");
    const paths = ["a", "b", "c", "d"];
    const { effects } = makeRig({
      loop: () => ({
        state: world.state,
        tell: (command) => void told.push(command),
        read: unexpected,
      }),
      landing: {
        merge: async () =>
          await Promise.resolve({
            kind: "held",
            why: "absorb_conflict",
            message: "they conflict",
            paths,
          }),
        move: unexpected,
        follow: unexpected,
        look: unexpected,
      },
      setTimer: () => ({ cancel: () => {} }),
    });
    effects.carryOut([merge]);
    await effects.settled();
    const message = "they conflict (a, b, c and 1 more)";
    expect(told).to.deep.equal([{ type: "landingHeld", reason: { kind: "problem", message } }]);
    effects.close();
  });
});

describe("a branch that is red by itself", () => {
  it("is looked at again and again, until there is something new or it is not red any more", async () => {
    const timers: (() => void)[] = [];
    const told: unknown[] = [];
    const landing = {
      held: { kind: "base_red", message: "red" } as object | null,
      tip: oid("red"),
    };
    let tip = oid("red");
    const { effects } = makeRig({
      loop: () => ({
        state: World.ready().state,
        tell: (command) => void told.push(command),
        read: (look) => Promise.resolve(look({ landing } as never)),
      }),
      landing: {
        merge: unexpected,
        move: unexpected,
        follow: unexpected,
        look: () =>
          Promise.resolve({ kind: "ready", tip: { oid: tip, tree: oid("tree") }, target: tip }),
      },
      setTimer: (_ms, tell) => {
        timers.push(tell);
        return { cancel: () => {} };
      },
    });
    const turn = async (): Promise<void> => {
      timers.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
      await effects.settled();
    };
    effects.carryOut([{ kind: "look", tip: oid("red"), rewound: false }]);
    await turn();
    await turn();
    expect([told.length, timers.length]).to.deep.equal([0, 1]);
    tip = oid("mended");
    await turn();
    expect(told).to.deep.equal([{ type: "branchPrepared", tip, targetTip: tip }]);
    landing.held = null;
    await turn();
    expect(timers).to.deep.equal([]);
  });

  it("has whoever reset their branch told what to say, and goes on when they take that back", async () => {
    const told: unknown[] = [];
    const message = "main was reset";
    const rewound = { kind: "held", why: "rewound", message, paths: [] } as const;
    const red = {
      kind: "ready",
      tip: { oid: oid("red"), tree: oid("tree") },
      target: null,
    } as const;
    const seen: (typeof rewound | typeof red)[] = [rewound, red];
    const { effects } = makeRig({
      loop: () => ({
        state: World.ready().state,
        tell: (command) => void told.push(command),
        read: unexpected,
      }),
      landing: {
        merge: unexpected,
        move: unexpected,
        follow: unexpected,
        look: () => Promise.resolve(seen.shift() ?? red),
      },
      setTimer: () => ({ cancel: () => {} }),
    });
    effects.carryOut([{ kind: "look", tip: oid("red"), rewound: false }]);
    await effects.settled();
    expect(told).to.deep.equal([{ type: "landingHeld", reason: { kind: "rewound", message } }]);
    effects.carryOut([{ kind: "look", tip: oid("red"), rewound: true }]);
    await effects.settled();
    expect(told.slice(1)).to.deep.equal([{ type: "landingReleased", tip: null }]);
  });
});

/** A task `a` that starts, and a disk that is done with its lock file when the test says so. */
function makeRig(ports: Partial<EffectPorts> = {}) {
  const world = World.ready({ slots: 1 });
  world.submit(spec("a", { claims: ["src/**"], retries: 1 }));
  const placed = Promise.withResolvers<void>();
  const assigned: string[] = [];
  const effects = new Effects({
    loop: () => ({ state: world.state, tell: unexpected, read: unexpected }),
    holds: { break: unexpected, forget: unexpected },
    pool: {
      assign: (_worker, list) => void assigned.push(...list.map(nameOf)),
      cancel: unexpected,
      ensure: unexpected,
    },
    locks: { place: () => placed.promise, remove: () => Promise.resolve() },
    landing: { merge: unexpected, move: unexpected, follow: unexpected, look: unexpected },
    outbox: { want: unexpected },
    epoch: 1,
    ttlMs: () => 1,
    commit: () => defaultConfig.commit,
    secret: () => undefined,
    ownerOf: () => null,
    log: silent,
    setTimer: unexpected,
    die: unexpected,
    ...ports,
  });
  return {
    world,
    effects,
    assigned,
    worker: [...world.state.workers.keys()].at(0) ?? unexpected(),
    carryOut: () => effects.carryOut(world.effects),
    lockIsPlaced: async () => {
      placed.resolve();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

function unexpected(): never {
  throw new Error("nobody should ask for this");
}

function nameOf({ task, attempt }: Assignment): string {
  return `${task}.${attempt}`;
}

const silent: Log = {
  info: () => {},
  warn: () => {},
  error: () => {},
  reopen: () => {},
  close: () => Promise.resolve(),
};
