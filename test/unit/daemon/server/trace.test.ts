import { expect } from "chai";
import { id, spec, started, World, worker } from "../../../helpers/core.ts";
import { traceView } from "../../../../daemon/server/views/trace.ts";
import type { TraceEvent } from "../../../../ipc/historyViews.ts";

/** A journal that forgot attempt 1 of `a`, whose worker did not. */
function forgotten(): World {
  const world = new World();
  world.turn(started({ slots: 1, follow: "off" }));
  return world.submit(spec("a", { claims: ["x"] }));
}

function dialIn(world: World): void {
  const key = { task: id("a"), attempt: 1, fence: 1_000 };
  world.turn({ type: "workerReady", worker: worker(1), holding: [key] });
}

function traced({ journal, state }: World): TraceEvent[] {
  const task = state.tasks.get(id("a"));
  if (task === undefined) throw new Error("there is no a");
  const written = journal.flatMap((one) =>
    "task" in one.event && one.event.task === task.id ? [{ ...one, epoch: 1 }] : [],
  );
  return [...traceView(task, written, { folder: () => "", followedAt: null }).events];
}

function attemptAt(events: readonly TraceEvent[], name: string): unknown {
  const found = events.find((event) => event.name === name);
  return found && [found.attempt, found.worker, found.fence, found.granted];
}

describe("the trace of a task", () => {
  it("tells of an attempt that was adopted, and of its claims", () => {
    const world = forgotten();
    dialIn(world);
    expect(attemptAt(traced(world), "attempt:adopted")).to.deep.equal([
      1,
      "worker-1",
      1_000,
      ["x"],
    ]);
  });

  it("gives an attempt the number it has, though one before it was only fenced", () => {
    const world = forgotten();
    world.turn({ type: "pause", ids: [id("a")] });
    dialIn(world);
    world.turn({ type: "resume", ids: [id("a")] });
    const fence = world.fence("a");
    expect(attemptAt(traced(world), "task:started")).to.deep.equal([2, "worker-1", fence, ["x"]]);
  });
});
