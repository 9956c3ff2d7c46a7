import { expect } from "chai";
import { World, holdId, id, spec, throughJson } from "../../../helpers/core.ts";
import { restore, stateRow } from "../../../../daemon/core/snapshot.ts";
import type { HoldId } from "../../../../ipc/ids.ts";

const hour = 3_600_000;
const claims = { writes: ["lib/**"], reads: [], resources: {} };
const owner = { pid: 7, startTime: 1, bootId: "b", pidNamespace: "n", host: "h" };

function lock(hold: HoldId, pid = owner.pid) {
  const request = { id: hold, claims, owner: { ...owner, pid }, note: "make" };
  return { type: "lock", request, wait: true } as const;
}

describe("a clock that is set back", () => {
  for (const restarted of [false, true])
    it(`lets nobody who comes later pass those whose patience is over${restarted ? ", nor after a restart" : ""}`, () => {
      const world = World.ready({ slots: 4, fairnessWindowMs: 1_000 });
      world.submit(spec("holder", { claims: ["lib/a"] }));
      world.submit(spec("wide", { claims: ["**"] })).pass(2_000);
      world.at -= hour;
      // Somebody who comes now, so that the clock is seen to be back.
      world.submit(spec("after", { claims: ["lib/b"] }));
      if (restarted) {
        const tasks = throughJson([...world.state.tasks.values()]);
        const row = throughJson(stateRow(world.state));
        world.state = restore(row, tasks, [], world.at);
        world.turn();
      }
      world.submit(spec("later", { claims: ["lib/c"] }));
      expect(world.status("later")).to.equal("queued");
      const order = [...world.state.tasks.values()].map(
        (task) => task.rankedAt ?? task.submittedAt,
      );
      expect(order).to.deep.equal(order.toSorted((a, b) => a - b));
    });

  it("takes no time away from those who come after it", () => {
    const world = World.ready({ slots: 0 });
    world.submit(spec("before")).pass(0);
    world.at -= hour;
    world.submit(spec("first")).pass(60_000);
    world.submit(spec("second", { priority: 0.5 }));
    const [first, second] = ["first", "second"].map((name) => world.task(name).rankedAt ?? 0);
    expect((second ?? 0) - (first ?? 0)).to.equal(60_000);
  });
});

describe("the id of a lock", () => {
  it("belongs to the process that asked first, which may ask again", () => {
    const world = World.ready({ slots: 1 });
    const [granted] = world.turn(lock(holdId("lock:one")));
    expect(granted?.ok).to.equal(true);
    const [again] = world.turn(lock(holdId("lock:one")));
    expect(again).to.deep.include({ ok: true });
    const [other] = world.turn(lock(holdId("lock:one"), 8));
    expect(other).to.have.nested.property("failure.code", "id_taken");
    expect(world.state.holds.size).to.equal(1);
    expect(world.state.tasks.has(id("one"))).to.equal(false);
  });
});
