import { expect } from "chai";
import fc from "fast-check";
import { claimsConflict, live, usesSame } from "./oracle.ts";
import { compileGlob, globMatches } from "../../../../daemon/core/glob.ts";
import { compileHolding, conflictExample } from "../../../../daemon/core/claims.ts";
import {
  findNothing,
  findStopping,
  findWaiting,
  partsOf,
} from "../../../../daemon/core/claimCheck.ts";
import { holdingOf, holdingOfHold } from "../../../../daemon/core/holding.ts";
import { holdId, spec, World } from "../../../helpers/core.ts";
import { rankOfAsking } from "../../../../daemon/core/rank.ts";
import type { ClaimSet } from "../../../../ipc/taskSpec.ts";
import type { Found } from "../../../../daemon/core/claimCheck.ts";
import type { Holding } from "../../../../daemon/core/holding.ts";
import type { State } from "../../../../daemon/core/state.ts";

const seed = Number(process.env["ORCHD_TEST_SEED"] ?? 20_260_726);
const owner = { pid: 1, startTime: 1, bootId: "b", pidNamespace: "p", host: "h" };
const capacities = { db: 3 };

const glob = fc.constantFrom(
  "a",
  "b",
  "a/**",
  "a/b",
  "*",
  "?/b",
  "**",
  "**/b",
  "{a,b}/ab",
  "a*/**",
);
const globs = fc.array(glob, { maxLength: 3 });
const resources = fc.constantFrom<Record<string, number>>({}, {}, {}, { db: 1 }, { db: 2 });
const claims: fc.Arbitrary<ClaimSet> = fc.record({ writes: globs, reads: globs, resources });
const asker = fc.record({
  claims: fc.option(claims, { freq: 5 }),
  priority: fc.constantFrom(0, 0, 5, -5),
  pass: fc.constantFrom(0, 0, 0, 40_000),
  kind: fc.constantFrom("task", "task", "task", "lock", "foreign"),
});
type Asker = typeof asker extends fc.Arbitrary<infer Made> ? Made : never;
const askers = fc.array(asker, { maxLength: 12 });

function worldOf(made: readonly Asker[]): World {
  const world = World.ready({ slots: 4, resources: capacities });
  for (const [at, { claims: wanted, priority, pass, kind }] of made.entries()) {
    const declared = wanted ?? { writes: ["b"], reads: [], resources: {} };
    const common = { claims: declared, owner, note: "test" };
    if (kind === "task") world.submit(spec(`t${at}`, { claims: wanted, priority }));
    else if (kind === "foreign")
      world.turn({ type: "foreignClaim", hold: holdId(`foreign:${at}`), ...common });
    else world.turn({ type: "lock", request: { id: holdId(`lock:${at}`), ...common }, wait: true });
    world.pass(pass);
  }
  return world;
}

/** @param size globs in a part */
function check(state: State, at: number, asked: Holding, size = 2, max = 100) {
  const parts = partsOf(compileHolding(asked), size);
  const found = findNothing(max);
  for (const part of parts)
    findStopping(state.schedule.table, part, rankOfAsking(state, at), found);
  const free = found.conflicts.size === 0;
  for (const part of parts) findWaiting(state.schedule.table, part, found);
  return { free, found };
}

/** Everybody, one after the other, over every path. */
function bySlowWay(state: State, asked: Holding): string[] {
  const { holders, waiters } = state.schedule;
  const tasks = live(state).map((task) => ({ id: task.id, holding: holdingOf(task) }));
  const waitingTasks = [...state.tasks.values()].filter(({ id }) => waiters.has(id));
  const holds = [...state.holds.values()].map((one) => ({
    id: one.id,
    holding: holdingOfHold(one),
  }));
  const waiting = waitingTasks.map((task) => ({ id: task.id, holding: holdingOf(task) }));
  const used = [...holders.values()].reduce(
    (sum, { holding }) => sum + (holding.resources.get("db") ?? 0),
    0,
  );
  const tooMuch = used > 0 && used + (asked.resources["db"] ?? 0) > capacities.db;
  return [...tasks, ...waiting, ...holds]
    .filter(({ id, holding }) => {
      if (claimsConflict(asked, holding)) return true;
      return usesSame(asked, holding) && (holders.has(id) ? tooMuch : true);
    })
    .map(({ id }) => id)
    .toSorted();
}

const idsIn = ({ conflicts }: Found) => [...conflicts.keys()].toSorted();

describe(`a check of claims (seed ${seed})`, function () {
  this.timeout(60_000);

  it("names everybody in the way who holds claims or waits for them, and nobody else", () => {
    fc.assert(
      fc.property(askers, fc.option(claims, { freq: 6 }), (made, wanted) => {
        const world = worldOf(made);
        const asked = {
          ...(wanted ?? { writes: [], reads: [], resources: {} }),
          optimistic: wanted === null,
        };
        const { found } = check(world.state, world.at, asked);
        expect(idsIn(found)).to.deep.equal(bySlowWay(world.state, asked));
        for (const { on } of found.conflicts.values()) {
          if (on.kind === "resource") continue;
          const path = conflictExample(on);
          if (path === null) continue;
          expect(globMatches(compileGlob(on.claim), path), `${on.claim}: ${path}`).to.equal(true);
          expect(globMatches(compileGlob(on.theirs), path), `${on.theirs}: ${path}`).to.equal(true);
        }
      }),
      { seed, numRuns: 1_000 },
    );
  });

  it("says free exactly when a lock on the same would be given at once", () => {
    let free = 0;
    fc.assert(
      fc.property(askers, claims, (made, wanted) => {
        const world = worldOf(made);
        const checked = check(world.state, world.at, { ...wanted, optimistic: false });
        const request = { id: holdId("lock:me"), claims: wanted, owner, note: "test" };
        const [decision] = world.turn({ type: "lock", request, wait: false });
        expect(decision?.ok).to.equal(checked.free);
        free += Number(checked.free);
      }),
      { seed, numRuns: 1_000 },
    );
    expect(free).to.be.within(200, 800);
  });

  it("stops at as many as may be listed, and says that there are more", () => {
    const world = World.ready({ slots: 1 });
    world.submit(...Array.from({ length: 30 }, (_, at) => spec(`t${at}`, { claims: ["a/**"] })));
    world.turn();
    const asked = { writes: ["a/b", "a"], reads: [], resources: {}, optimistic: false };
    const { found } = check(world.state, world.at, asked, 1, 10);
    expect(found.conflicts.size).to.be.at.most(10);
    expect([...found.conflicts.values()][0]).to.deep.include({ holder: "t0", standing: "holds" });
  });
});
