import { expect } from "chai";
import { drain } from "../../../daemon/drain.ts";
import type { Left } from "../../../daemon/drain.ts";
import type { HeldReason } from "../../../daemon/core/landingFacts.ts";
import { World } from "../../helpers/core.ts";

/** A drain whose state, events and timer are the test's. */
function makeDrain() {
  const { state } = World.ready();
  const ends: Left[] = [];
  const timers: { ms: number; fire: () => void; cancelled: boolean }[] = [];
  let hear = (): void => {};
  const settle = async () => {
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  };
  const set = async (running: number, landing: number, held: HeldReason | null) => {
    Object.assign(state.counts, { running, landing });
    state.landing.held = held;
    hear();
    await settle();
  };
  const begin = async () => {
    drain({
      hub: {
        listen: (listener) => {
          hear = () => listener([]);
          return { stop: () => (hear = () => {}) };
        },
      },
      read: async (look) => look(state),
      setTimer: (ms, fire) => {
        const timer = { ms, fire, cancelled: false };
        timers.push(timer);
        return { cancel: () => (timer.cancelled = true) };
      },
      onDrained: (left) => void ends.push(left),
    });
    await settle();
  };
  return { ends, timers, set, begin, settle };
}

const problem: HeldReason = { kind: "problem", message: "a lock file is in the way" };
const rewound: HeldReason = { kind: "rewound", message: "main was reset" };

describe("a drain", () => {
  it("is over at once when nothing runs or lands", async () => {
    const { begin, ends } = makeDrain();
    await begin();
    expect(ends).to.deep.equal([{ landing: 0, held: null }]);
  });

  it("waits for what runs and what lands, and is over once", async () => {
    const { begin, set, ends } = makeDrain();
    await set(1, 0, null);
    await begin();
    await set(1, 1, rewound);
    await set(0, 1, null);
    expect(ends).to.deep.equal([]);
    await set(0, 0, null);
    await set(0, 0, null);
    expect(ends).to.deep.equal([{ landing: 0, held: null }]);
  });

  it("does not wait for a person", async () => {
    const { begin, set, ends } = makeDrain();
    await set(0, 2, rewound);
    await begin();
    expect(ends).to.deep.equal([{ landing: 2, held: "main was reset" }]);
  });

  it("gives a gate that cannot be run its time", async () => {
    const { begin, set, ends, timers } = makeDrain();
    const times = { tries: 1, since: 0, tryAt: 5_000 };
    await set(0, 1, { kind: "gate_unavailable", message: "its worker died", ...times });
    await begin();
    expect(ends).to.deep.equal([]);
    expect(timers).to.have.length(1);
    await set(0, 0, null);
    expect(ends).to.have.length(1);
  });

  it("gives a problem that may pass its time, and goes on when it passes", async () => {
    const { begin, set, ends, timers, settle } = makeDrain();
    await set(0, 1, problem);
    await begin();
    await set(0, 1, problem);
    expect(timers.map(({ ms }) => ms)).to.deep.equal([12_000]);
    await set(0, 1, null);
    expect(timers[0]?.cancelled).to.equal(true);
    await set(0, 1, problem);
    expect(ends).to.deep.equal([]);
    timers[1]?.fire();
    await settle();
    expect(ends).to.deep.equal([{ landing: 1, held: "a lock file is in the way" }]);
  });
});
