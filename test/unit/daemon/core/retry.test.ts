import { expect } from "chai";
import {
  World,
  given,
  id,
  ids,
  request,
  retry,
  spec,
  submit,
  worker,
} from "../../../helpers/core.ts";
import { earlierRetriesMax, retriesOf } from "../../../../daemon/core/state.ts";
import type { StoredTask } from "../../../../daemon/core/state.ts";

function failedTask(): World {
  return World.ready()
    .submit(spec("a", { retries: 1 }))
    .fail("a")
    .pass(1_000)
    .fail("a");
}

describe("retry", () => {
  it("starts a failed task over, with all its tries, and keeps numbering its attempts", () => {
    const world = failedTask();
    world.turn(retry("r1", "a"));
    expect(world.task("a").attempts.map(({ number }) => number)).to.deep.equal([1, 2, 3]);
    expect(world.state.counts).to.include({ failed: 0, running: 1 });
    world.fail("a").pass(1_000);
    expect(world.status("a")).to.equal("running");
    expect(world.fail("a").status("a")).to.equal("failed");
  });

  it("starts a cancelled task over", () => {
    given(submit(spec("a")), { type: "cancel", ids: ids("a") })
      .when(retry("r1", "a"))
      .thenEvents({ type: "TaskRetried", task: id("a"), request: request("r1") });
  });

  it("changes nothing when the same request comes again, whatever has happened since", () => {
    const world = failedTask();
    world.turn(retry("r1", "a"));
    const seq = world.state.seq;
    world.turn(retry("r1", "a"));
    expect(world.state.seq).to.equal(seq);
    world.fail("a").pass(1_000).fail("a").turn(retry("r1", "a"));
    expect(world.status("a")).to.equal("failed");
    world.turn(retry("r2", "a"));
    expect(world.status("a")).to.equal("running");
  });

  it("knows a request that comes again after others have retried the task, too", () => {
    const world = failedTask();
    for (const name of ["r1", "r2", "r1", "r2"]) {
      world.turn(retry(name, "a"));
      if (world.status("a") === "running") world.fail("a").pass(1_000).fail("a");
    }
    expect(world.status("a")).to.equal("failed");
    expect(world.events("TaskRetried").map((event) => event.request)).to.deep.equal(["r1", "r2"]);
  });

  it("keeps the last requests only, so that a task does not grow with them", () => {
    const world = failedTask();
    for (let at = 0; at < 2 * earlierRetriesMax; at += 1) {
      world.turn(retry(`r${at}`, "a"));
      world.fail("a").pass(1_000).fail("a");
    }
    expect(retriesOf(world.task("a"))).to.have.length(earlierRetriesMax + 1);
  });

  it("refuses a task that is not over, or succeeded, and then retries none", () => {
    const world = failedTask().submit(spec("b"), spec("c")).done("b");
    for (const name of ["b", "c"]) {
      const [decision] = world.turn(retry("r1", "a", name));
      expect(decision?.ok === false && decision.failure.code).to.equal("wrong_status");
    }
    expect(world.status("a")).to.equal("failed");
  });

  it("takes a task that is out of memory from the journal", () => {
    const world = failedTask();
    const stored = world.evict("a");
    const archived = new Map([[stored.id, stored]]);
    world.turn({ type: "retry", request: request("r1"), ids: ids("a"), archived });
    expect(world.task("a").attempts).to.have.length(3);
    expect(world.state.finals.has(id("a"))).to.equal(false);
    expect(world.state.counts).to.include({ failed: 0, running: 1 });
  });

  it("asks to try again when the task left the memory between reading it and deciding", () => {
    const world = failedTask();
    world.evict("a");
    const [decision] = world.turn(retry("r1", "a"));
    expect(decision?.ok === false && decision.failure.code).to.equal("busy");
  });

  it("believes what is known of the end rather than an old copy", () => {
    const world = failedTask();
    const stored: StoredTask = JSON.parse(JSON.stringify(world.task("a"))) as StoredTask;
    world.turn(retry("r1", "a"));
    world.done("a").evict("a");
    const archived = new Map([[stored.id, stored]]);
    const [decision] = world.turn({
      type: "retry",
      request: request("r2"),
      ids: ids("a"),
      archived,
    });
    expect(decision?.ok === false && decision.failure.code).to.equal("wrong_status");
  });

  it("refuses a task that does not exist", () => {
    given().when(retry("r1", "ghost")).thenRejected("not_found", /ghost/);
  });

  it("ends no new attempt because of a cancellation of the one before", () => {
    const world = World.ready().submit(spec("a"));
    const fence = world.fence("a");
    world.turn(
      { type: "cancel", ids: ids("a") },
      {
        type: "report",
        worker: worker(1),
        report: {
          task: id("a"),
          attempt: 1,
          fence,
          outcome: { result: "ended", saved: null },
          elapsed_ms: 1,
        },
      },
      retry("r1", "a"),
    );
    expect(world.status("a")).to.equal("running");
    expect(world.effectsOf("cancelAttempt")).to.deep.equal([]);
    expect(world.effectsOf("dispatch")).to.have.length(1);
  });
});
