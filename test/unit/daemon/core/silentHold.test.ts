import { expect } from "chai";
import { World, holdId, spec } from "../../../helpers/core.ts";
import type { Command } from "../../../../daemon/core/commands.ts";

const owner = { pid: 7, startTime: 1, bootId: "b", pidNamespace: "n", host: "h" };
const one = holdId("lock:one");

function lock(writes: readonly string[]): Command {
  const claims = { writes, reads: [], resources: {} };
  return { type: "lock", request: { id: one, claims, owner, note: "make" }, wait: true };
}

describe("a lock whose owner gives no sign of life", () => {
  it("loses its place while it waits, so that nobody waits behind it", () => {
    const world = World.ready({ slots: 3, fairnessWindowMs: 1_000 });
    world.submit(spec("narrow", { claims: ["lib/a"] }));
    world.turn(lock(["**"]));
    world.pass(2_000).submit(spec("behind", { claims: ["lib/b"] }));
    expect(world.running()).to.deep.equal(["narrow"]);
    const [decision] = world.turn({ type: "giveUpWaiting", hold: one });
    expect(decision).to.deep.include({ ok: true, answer: { of: "givenUp", goesOn: false } });
    expect(world.running()).to.deep.equal(["narrow", "behind"]);
    expect(world.state.holds.size).to.equal(0);
  });

  it("is kept when it has been granted by then: what runs under it must be ended first", () => {
    const world = World.ready();
    world.turn(lock(["lib/**"]));
    const { seq } = world.state;
    const [decision] = world.turn({ type: "giveUpWaiting", hold: one });
    expect(decision).to.deep.include({ ok: true, answer: { of: "givenUp", goesOn: true } });
    expect(world.state.seq).to.equal(seq);
    expect(world.submit(spec("a", { claims: ["lib/a"] })).running()).to.deep.equal([]);
  });
});
