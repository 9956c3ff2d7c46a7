import { expect } from "chai";
import { instant, spec, started, worker, World } from "../../../helpers/core.ts";
import { slotsView } from "../../../../daemon/server/views/slots.ts";
import type { Shortage } from "../../../../ipc/shortage.ts";
import type { SlotsView } from "../../../../ipc/statusViews.ts";

function slots({ state }: World, shortage: Shortage | null = null): SlotsView {
  return slotsView(state, {
    daemonState: () => "running",
    journalProblem: () => null,
    shortage: () => shortage,
  });
}

describe("the slots that are shown", () => {
  it("count a worker as busy that has not dialled in to a new supervisor yet", () => {
    const world = World.ready({ slots: 3 }).submit(spec("a"), spec("b"));
    expect(slots(world)).to.deep.include({ total: 3, busy: 2, free: 1, open: true });
    world.turn(started(world.state.settings, 2));
    const awaited = { total: 3, busy: 2, free: 1, closed_because: [{ because: "workers" }] };
    expect(slots(world)).to.deep.include(awaited);
    world.ready(worker(1), [world.fence("a")]);
    expect(slots(world)).to.deep.include(awaited);
    world.ready(worker(3));
    expect(slots(world)).to.deep.include({ total: 3, busy: 2, free: 1, open: true });
  });

  it("are closed while a disk is short of space", () => {
    const shortage = { folder: "/w", free_bytes: 1024, needed_bytes: 2048 };
    const problem = "1 KiB free in /w, less than limits.min_free_disk (2 KiB)";
    const shown = slots(World.ready({ slots: 2 }), shortage);
    const closed = { open: false, closed_because: [{ because: "disk", problem }] };
    expect(shown).to.deep.include(closed);
  });

  it("count a worker once, however many instant tasks it has", () => {
    const world = World.ready({ slots: 2 }).submit(instant("a"), instant("b"), instant("c"));
    expect(slots(world)).to.deep.include({ total: 2, busy: 2, free: 0 });
    world.turn(started(world.state.settings, 2));
    expect(slots(world)).to.deep.include({ total: 2, busy: 2, free: 0 });
  });
});
