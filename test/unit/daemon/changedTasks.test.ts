import { expect } from "chai";
import { ChangedTasks } from "../../../daemon/changedTasks.ts";
import { id, ids, spec, submit, World } from "../../helpers/core.ts";
import type { SnapshotTask } from "../../../daemon/journal/records.ts";

function worldOf(count: number, title = "x"): World {
  const world = World.ready({ slots: 0 });
  world.decide(submit(...Array.from({ length: count }, (_, at) => spec(`t${at}`, { title }))));
  return world;
}

function changedOf({ state }: World): ChangedTasks {
  return new ChangedTasks(state, state.tasks.keys());
}

describe("changed tasks", () => {
  it("come in slices of at most 64", () => {
    const lengths = [...changedOf(worldOf(500)).begin()].map(({ length }) => length);
    expect(lengths.reduce((sum, length) => sum + length)).to.equal(500);
    expect(Math.max(...lengths)).to.be.within(32, 64);
  });

  it("come in smaller slices when they are large", () => {
    const slices = [...changedOf(worldOf(9, "x".repeat(30_000))).begin()];
    expect(slices.map(({ length }) => length)).to.deep.equal([2, 2, 2, 2, 1]);
  });

  it("come each once, as it was when the snapshot began, also one that changes before its turn", () => {
    const world = worldOf(100);
    const changed = changedOf(world);
    const all: SnapshotTask[] = [];
    for (const slice of changed.begin()) {
      all.push(...slice);
      for (const name of all.length === slice.length ? ids("t0", "t99") : []) {
        changed.beforeChange(name);
        world.apply({ type: "TaskCancelled", task: name });
        changed.noteChange(name);
      }
    }
    expect(new Set(all.map((row) => row.id)).size).to.equal(100);
    expect(all).to.have.length(100);
    expect(all.map(({ status }) => status)).to.not.include("cancelled");
    changed.end({ written: true });
    const next = [...changed.begin()].flat();
    expect(next.map((row) => [row.id, row.status])).to.deep.equal([
      ["t0", "cancelled"],
      ["t99", "cancelled"],
    ]);
  });

  it("come again after a snapshot that was not written", () => {
    const changed = changedOf(worldOf(3));
    [...changed.begin()].flat();
    changed.end({ written: false });
    expect(changed.has(id("t1"))).to.equal(true);
    expect([...changed.begin()].flat()).to.have.length(3);
    changed.end({ written: true });
    expect(changed.has(id("t1"))).to.equal(false);
  });
});
