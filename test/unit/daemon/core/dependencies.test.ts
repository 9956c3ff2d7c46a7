import { expect } from "chai";
import { World, id, ids, instant, retry, spec, submit } from "../../../helpers/core.ts";
import { inDependencyOrder } from "../../../../daemon/core/dependencies.ts";
import { mintTaskId } from "../../../../ipc/ids.ts";
import { parseTaskFile } from "../../../../ipc/taskFile.ts";
import type { TaskSpec } from "../../../../ipc/taskSpec.ts";

function specsOf(text: string): readonly TaskSpec[] {
  const parsed = parseTaskFile(text, { name: "tasks.yaml", mint: mintTaskId });
  if (!parsed.ok) throw new Error(parsed.failure.message);
  return parsed.value.specs;
}

describe("dependencies", () => {
  it("starts a task when all it comes after have succeeded", () => {
    const world = World.ready().submit(spec("a"), spec("b"), spec("c", { after: ["a", "b"] }));
    expect(world.why("c")).to.deep.equal({ on: "after", tasks: ids("a", "b") });
    expect(world.done("a").why("c")).to.deep.equal({ on: "after", tasks: ids("b") });
    expect(world.done("b").running()).to.deep.equal(["c"]);
  });

  it("waits until the one before has landed, not only run", () => {
    const world = World.ready().submit(spec("a"), spec("b", { after: ["a"] }));
    expect(world.done("a", ["x"]).status("b")).to.equal("queued");
    expect(world.merged("a").status("b")).to.equal("queued");
    expect(world.moved("a").status("b")).to.equal("running");
  });

  it("ends a sequence at the task that fails, and an exclusive file goes on behind it", () => {
    const tasks = "tasks: [{id: a, run: [x]}, {id: b, run: [x]}, {id: c, run: [x]}]";
    const run = (behavior: string) => {
      const world = World.ready({ slots: 3 });
      world.submit(...specsOf(`behavior: ${behavior}\n${tasks}`));
      expect(world.running()).to.deep.equal(["a"]);
      expect(world.done("a").running()).to.deep.equal(["b"]);
      return world.fail("b");
    };
    const sequence = run("sequential");
    expect(sequence.status("a")).to.equal("succeeded");
    const { life } = sequence.task("c");
    expect(life.status === "failed" && life.reason).to.deep.equal({
      kind: "dependency",
      task: id("b"),
      status: "failed",
    });
    for (const behavior of ["exclusive", "main-only"])
      expect(run(behavior).running()).to.deep.equal(["c"]);
  });

  it("fails what comes after a task that failed, and what comes after that", () => {
    const world = World.ready();
    world.submit(spec("a"), spec("b", { after: ["a"] }), spec("c", { after: ["b"] }), spec("d"));
    world.fail("a");
    expect(["b", "c", "d"].map((name) => world.status(name))).to.deep.equal([
      "failed",
      "failed",
      "running",
    ]);
    expect(world.task("c").life).to.deep.include({
      reason: { kind: "dependency", task: id("b"), status: "failed" },
    });
    expect(world.state.schedule.unmet.size).to.equal(0);
  });

  it("fails it as well after a cancelled one, and says so", () => {
    const world = World.ready().submit(spec("a"), spec("b", { after: ["a"] }));
    world.turn({ type: "cancel", ids: ids("a") });
    world.report("a", { result: "ended", saved: null });
    expect(world.task("b").life).to.deep.include({
      reason: { kind: "dependency", task: id("a"), status: "cancelled" },
    });
  });

  it("lets a task go that comes after one in any way, however that ended", () => {
    const world = World.ready({ slots: 4 }).submit(
      spec("a"),
      spec("b"),
      spec("c", { after_any: ["a", "b"] }),
    );
    world.fail("a");
    world.turn({ type: "cancel", ids: ids("b") });
    world.report("b", { result: "ended", saved: null });
    expect(world.running()).to.deep.equal(["c"]);
  });

  it("makes a task wait once more when one of `after_any` is retried before it started", () => {
    const world = World.ready({ slots: 1 }).submit(spec("a"), spec("other"));
    world.submit(spec("b", { after_any: ["a"] }));
    world.fail("a").turn(retry("r1", "a"), { type: "cancel", ids: ids("other") });
    world.report("other", { result: "ended", saved: null });
    expect(world.running()).to.deep.equal(["a"]);
    expect(world.why("b")).to.deep.equal({ on: "after", tasks: ids("a") });
    expect(world.fail("a").running()).to.deep.equal(["b"]);
  });

  it("does not count one twice that is named under both", () => {
    const world = World.ready().submit(spec("a"), spec("b", { after: ["a"], after_any: ["a"] }));
    expect(world.done("a").running()).to.deep.equal(["b"]);
  });

  it("still waits for everything after it was cancelled and retried", () => {
    const world = World.ready();
    world.submit(spec("a"), spec("b"), spec("c", { after: ["a", "b"] }));
    world.turn({ type: "cancel", ids: ids("c") });
    world.turn(retry("r1", "c"));
    expect(world.done("a").running()).to.deep.equal(["b"]);
    expect(world.done("b").running()).to.deep.equal(["c"]);
  });

  it("runs a chain of 5,000 in order, whichever way round it was submitted", () => {
    const length = 5_000;
    const world = World.ready();
    const chain = Array.from({ length }, (_, at) =>
      instant(`t${at}`, { after: at === 0 ? [] : [`t${at - 1}`] }),
    );
    world.submit(...chain.toReversed());
    for (let at = 0; at < length; at += 1) {
      expect(world.status(`t${at}`)).to.equal("running");
      world.done(`t${at}`);
    }
    expect(world.state.counts.succeeded).to.equal(length);
  });

  it("fails a chain of 5,000 at once when its first fails, without a deep stack", () => {
    const length = 5_000;
    const world = World.ready().submit(
      spec("t0"),
      ...Array.from({ length: length - 1 }, (_, at) => spec(`t${at + 1}`, { after: [`t${at}`] })),
    );
    world.fail("t0");
    expect(world.state.counts.failed).to.equal(length);
    expect(world.state.schedule.dependents.size).to.equal(0);
  });

  it("retries a whole failed chain in one request, named in any order", () => {
    const world = World.ready();
    world.submit(spec("a"), spec("b", { after: ["a"] }), spec("c", { after: ["b"] })).fail("a");
    world.turn(retry("r1", "c", "b", "a"));
    expect(world.running()).to.deep.equal(["a"]);
    expect(world.done("a").running()).to.deep.equal(["b"]);
    expect(world.done("b").running()).to.deep.equal(["c"]);
  });

  it("fails a retried task again while what it comes after is still failed", () => {
    const world = World.ready()
      .submit(spec("a"), spec("b", { after: ["a"] }))
      .fail("a");
    world.turn(retry("r1", "b"));
    expect(world.status("b")).to.equal("failed");
  });

  it("fails a paused task as well", () => {
    const world = World.ready({ slots: 1 }).submit(spec("a"));
    world.turn(submit(spec("b", { after: ["a"] })), { type: "pause", ids: ids("b") });
    expect(world.fail("a").status("b")).to.equal("failed");
  });

  it("puts specs in order, and sets apart those that cannot be", () => {
    const { order, cyclic } = inDependencyOrder([
      spec("d", { after: ["c"] }),
      spec("c", { after: ["b", "elsewhere"] }),
      spec("b", { after_any: ["d"] }),
      spec("y", { after: ["x"] }),
      spec("x"),
    ]);
    expect(order).to.deep.equal(ids("x", "y"));
    expect([...cyclic]).to.have.members(ids("b", "c", "d"));
  });
});
