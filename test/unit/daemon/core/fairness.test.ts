import { expect } from "chai";
import { World, id, ids, spec } from "../../../helpers/core.ts";

/** `wide` wants everything and waits for `holder`; small tasks ask for what `holder` leaves free. */
function waiting(): World {
  return World.ready({ slots: 20, fairnessWindowMs: 60_000 })
    .submit(spec("holder", { claims: ["h"] }))
    .submit(spec("wide", { claims: ["**"] }));
}

function small(world: World, count: number): string[] {
  for (let at = 0; at < count; at += 1) world.submit(spec(`s${at}`, { claims: [`p${at}`] }));
  return world.running().filter((name) => name.startsWith("s"));
}

describe("fairness", () => {
  it("lets at most four later tasks with overlapping claims pass one that waits", () => {
    const world = waiting();
    expect(small(world, 8)).to.deep.equal(["s0", "s1", "s2", "s3"]);
    expect(world.why("s4")).to.deep.equal({
      on: "claim",
      claim: "p4",
      holder: id("wide"),
      their_claim: "**",
    });
    const overtook = world.events("AttemptStarted").flatMap((event) => event.overtook);
    expect(overtook).to.deep.equal(ids("wide", "wide", "wide", "wide"));
  });

  it("lets nobody pass once the window is over", () => {
    const world = waiting().pass(59_999);
    world.submit(spec("early", { claims: ["e"] }));
    world.pass(1).submit(spec("late", { claims: ["l"] }));
    expect(world.status("early")).to.equal("running");
    expect(world.status("late")).to.equal("queued");
  });

  it("keeps nobody back whose claims do not overlap", () => {
    const world = World.ready({ slots: 20 })
      .submit(spec("holder", { claims: ["a/h"] }))
      .submit(spec("waiter", { claims: ["a/**"] }))
      .pass(1_000_000);
    world.submit(spec("other", { claims: ["b"] }));
    expect(world.status("other")).to.equal("running");
  });

  it("grants the wide claim when all that hold are done, then lets the others go", () => {
    const world = waiting();
    small(world, 6);
    for (const name of ["holder", "s0", "s1", "s2", "s3"]) {
      expect(world.status("wide")).to.equal("queued");
      world.done(name);
    }
    expect(world.running()).to.deep.equal(["wide"]);
    expect(world.done("wide").running()).to.deep.equal(["s4", "s5"]);
  });

  it("lets those behind a waiter go when it is cancelled", () => {
    const world = waiting();
    small(world, 6);
    world.turn({ type: "cancel", ids: ids("wide") });
    expect(world.status("s4")).to.equal("running");
    expect(world.status("s5")).to.equal("running");
  });

  it("lets those behind a waiter go when it is paused", () => {
    const world = waiting();
    small(world, 6);
    world.turn({ type: "pause", ids: ids("wide") });
    expect(world.status("s4")).to.equal("running");
    expect(world.status("s5")).to.equal("running");
  });

  it("counts anew for a task that has run", () => {
    const world = waiting();
    small(world, 4);
    for (const name of ["holder", "s0", "s1", "s2", "s3"]) world.done(name);
    world.report("wide", { result: "lost", saved: null });
    expect(world.running()).to.deep.equal(["wide"]);
    expect(world.state.schedule.fairness.size).to.equal(0);
  });

  it("does not hold back one with a higher priority, which comes first anyway", () => {
    const world = waiting();
    small(world, 5);
    world.submit(spec("urgent", { claims: ["u"], priority: 10 }));
    expect(world.status("urgent")).to.equal("running");
  });

  it("keeps a resource for one that waits for more of it", () => {
    const world = World.ready({ slots: 20, resources: { db: 3 } });
    const uses = (name: string, db: number) => spec(name, { claims: { resources: { db } } });
    world.submit(uses("holder", 1)).submit(uses("wide", 3));
    for (let at = 0; at < 4; at += 1) world.submit(uses(`s${at}`, 1)).done(`s${at}`);
    world.submit(uses("s4", 1));
    expect(world.why("s4")).to.include({ on: "resource", resource: "db" });
    expect(world.done("holder").running()).to.deep.equal(["wide"]);
  });
});
