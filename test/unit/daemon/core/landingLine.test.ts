import { expect } from "chai";
import fc from "fast-check";
import { LandingLine } from "../../../../daemon/core/landingLine.ts";
import { World, ids, spec } from "../../../helpers/core.ts";
import { landingOrder } from "../../../../daemon/core/landing.ts";
import { rankOf } from "../../../../daemon/core/rank.ts";
import type { Task } from "../../../../daemon/core/state.ts";

const minuteMs = 60_000;

/** The order as it is defined: by priority, one point for each minute waited, then by submission. */
function sorted(tasks: readonly Task[]): string[] {
  return tasks.toSorted((a, b) => rankOf(a) - rankOf(b) || a.order - b.order).map(({ id }) => id);
}

/** Tasks with these priorities, each submitted some minutes after the one before. */
function tasksOf(plans: readonly { readonly priority: number; readonly later: number }[]): Task[] {
  const world = World.ready({ slots: 1 });
  return plans.map(({ priority, later }, at) => {
    world.pass(later * (minuteMs / 2)).submit(spec(`t${at}`, { priority }));
    return world.task(`t${at}`);
  });
}

describe("the line of those that wait to land", () => {
  it("is in the order that sorting all of them gives, whoever comes and goes", () => {
    const plan = fc.record({
      priority: fc.integer({ min: -3, max: 3 }),
      later: fc.nat({ max: 4 }),
    });
    const act = fc.record({ pick: fc.nat({ max: 30 }), comes: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(plan, { minLength: 1, maxLength: 30 }),
        fc.array(act, { maxLength: 80 }),
        (plans, acts) => {
          const tasks = tasksOf(plans);
          const [line, simple] = [new LandingLine(), new Set<Task>()];
          for (const { pick, comes } of acts) {
            const task = tasks[pick % tasks.length];
            if (task === undefined) continue;
            if (comes) line.add(task);
            else line.delete(task.id);
            if (comes) simple.add(task);
            else simple.delete(task);
            expect([...line]).to.deep.equal(sorted([...simple]));
            expect([line.size, line.has(task.id)]).to.deep.equal([simple.size, comes]);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("takes a task of higher priority first until an older one has waited for longer than that is worth", () => {
    const world = World.ready({ slots: 4 });
    world.turn({ type: "landingHeld", reason: { kind: "rewound", message: "wait" } });
    world.submit(spec("old")).pass(2 * minuteMs);
    world.submit(spec("urgent", { priority: 3 }), spec("raised", { priority: 1 }), spec("new"));
    for (const name of ["new", "raised", "urgent", "old"]) world.done(name, [name]);
    const order = landingOrder(world.state).map(({ id }) => id);
    expect(order).to.deep.equal(ids("urgent", "old", "raised", "new"));
    world.turn({ type: "landingReleased", tip: null });
    const landed: string[] = [];
    while (world.state.landing.current !== null) {
      const { chain, current } = world.state.landing;
      const isMoving = world.step(current) === "moving";
      if (isMoving) landed.push(...chain.slice(0, chain.indexOf(current) + 1));
      if (isMoving) world.moved(current);
      else world.merged(current);
    }
    expect(landed).to.deep.equal(order);
  });
});
