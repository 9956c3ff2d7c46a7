import { expect } from "chai";
import {
  World,
  given,
  id,
  ids,
  instant,
  retry,
  spec,
  started,
  submit,
} from "../../../helpers/core.ts";

describe("submit", () => {
  it("accepts a task once, with the whole spec", () => {
    const one = spec("a");
    given()
      .when(submit(one))
      .thenEvents({ type: "TaskSubmitted", task: id("a"), spec: one, digest: JSON.stringify(one) });
  });

  it("changes nothing when the same task is sent again, and says that it was there", () => {
    const result = given(submit(spec("a"))).when(submit(spec("a"), spec("b")));
    result.thenEvents({ type: "TaskSubmitted", task: id("b") });
    expect(result.decision).to.deep.equal({
      ok: true,
      answer: { of: "submit", ids: ids("a", "b"), existing: ids("a") },
    });
  });

  it("knows a task again that is finished and out of memory", () => {
    const { world } = given(submit(spec("a")), { type: "cancel", ids: ids("a") });
    world.evict("a");
    const seq = world.state.seq;
    expect(world.decide(submit(spec("a"))).ok).to.equal(true);
    expect(world.decide(submit(spec("a", { priority: 1 }))).ok).to.equal(false);
    expect(world.state.seq).to.equal(seq);
  });

  it("refuses an id that stands for another spec, and then all of the submit", () => {
    given(submit(spec("a")))
      .when(submit(spec("b"), spec("a", { priority: 1 })))
      .thenRejected("id_taken", /task a /);
  });

  it("takes the same task twice within one submit as one", () => {
    given()
      .when(submit(spec("a"), spec("a")))
      .thenEvents({ type: "TaskSubmitted" });
  });

  it("refuses one id with two specs within one submit", () => {
    given()
      .when(submit(spec("a"), spec("a", { priority: 1 })))
      .thenRejected("id_taken");
  });

  it("refuses to come after a task that does not exist, naming the field", () => {
    for (const field of ["after", "after_any"] as const) {
      const { decision } = given().when(submit(spec("a", { [field]: ["ghost"] })));
      if (decision.ok) throw new Error("it was accepted");
      expect(decision.failure.code).to.equal("invalid_task");
      const fields = decision.failure.problems.map((problem) => problem.field);
      expect(fields).to.deep.equal([`tasks[0].${field}[0]`]);
    }
  });

  it("takes tasks that come after later ones of the same submit", () => {
    given()
      .when(submit(spec("a", { after: ["b"] }), spec("b")))
      .thenEvents(
        { type: "TaskSubmitted", task: id("a") },
        { type: "TaskSubmitted", task: id("b") },
      );
  });

  it("refuses a cycle, and shows it without the tasks that only wait for it", () => {
    given()
      .when(
        submit(
          spec("last", { after: ["a"] }),
          spec("a", { after: ["b"] }),
          spec("b", { after_any: ["c"] }),
          spec("c", { after: ["a"] }),
        ),
      )
      .thenRejected("invalid_task", /: (a → b → c → a|b → c → a → b|c → a → b → c)$/);
  });

  it("refuses a task that comes after itself", () => {
    given()
      .when(submit(spec("a", { after: ["a"] })))
      .thenRejected("invalid_task", /a → a/);
  });

  it("refuses more open tasks than the limit, and accepts one that is there already", () => {
    const full = [started({ tasksOpenMax: 2 }), submit(spec("a"), spec("b"))];
    given(...full)
      .when(submit(spec("c")))
      .thenRejected("limit", /limits\.tasks_open/);
    given(...full)
      .when(submit(spec("b")))
      .thenNothing();
    given(...full, started({ tasksOpenMax: 1 }))
      .when(submit(spec("b")))
      .thenNothing();
  });

  it("counts only open tasks against the limit", () => {
    given(started({ tasksOpenMax: 1 }), submit(spec("a")), { type: "cancel", ids: ids("a") })
      .when(submit(spec("b")))
      .thenEvents({ type: "TaskSubmitted" });
  });

  it("refuses more of a resource than there is; one that is not named there is once", () => {
    const uses = (resources: Record<string, number>) =>
      submit(spec("a", { claims: { resources } }));
    const limited = given(started({ resources: { db: 2 } }));
    limited.when(uses({ db: 3 })).thenRejected("invalid_task", /3 of db, and there are 2/);
    limited.when(uses({ gpu: 2 })).thenRejected("invalid_task", /2 of gpu, and there are 1/);
    limited.when(uses({ db: 2, gpu: 1 })).thenEvents({ type: "TaskSubmitted" });
  });

  it("fails a task at once that comes after one that failed already", () => {
    given(submit(spec("a")), { type: "cancel", ids: ids("a") })
      .when(submit(spec("b", { after: ["a"] }), spec("c", { after: ["b"] })))
      .thenEvents(
        { type: "TaskSubmitted", task: id("b") },
        { type: "DependencyFailed", task: id("b"), dependency: id("a"), status: "cancelled" },
        { type: "TaskSubmitted", task: id("c") },
        { type: "DependencyFailed", task: id("c"), dependency: id("b"), status: "failed" },
      );
  });

  it("accepts 10,000 tasks that all come after one, and not one more in a submit", () => {
    const many = Array.from({ length: 9_999 }, (_, at) => instant(`t${at}`, { after: ["first"] }));
    const world = World.ready().submit(instant("first"), ...many);
    expect(world.state.counts.queued + world.state.counts.running).to.equal(10_000);
    given()
      .when(submit(instant("first"), ...many, instant("more")))
      .thenRejected("limit", /10000/);
  });

  it("starts with clean counts after a retry named a task twice", () => {
    const { world } = given(
      submit(spec("a")),
      { type: "cancel", ids: ids("a") },
      retry("r1", "a", "a"),
    );
    expect(world.state.counts).to.include({ queued: 1, cancelled: 0 });
  });
});
