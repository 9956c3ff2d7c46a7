import { expect } from "chai";
import fc from "fast-check";
import { claimsConflict } from "../oracle.ts";
import { id, ids, instant, spec, World } from "../../../../helpers/core.ts";
import { normaliseGlob } from "../../../../../ipc/glob.ts";
import { planTasks } from "../../../../../daemon/core/plan/plan.ts";
import type { ClaimSet, TaskSpec } from "../../../../../ipc/taskSpec.ts";
import type { PlanView } from "../../../../../ipc/planView.ts";
import type { Terms } from "../../../../../daemon/core/plan/plan.ts";

const seed = Number(process.env["ORCHD_TEST_SEED"] ?? 20_260_726);
const resources = { db: 3 };
const many = { slots: 2, resources, known: new Map(), now: 0, pairsListedMax: 1_000 };

function plan(specs: readonly TaskSpec[], terms: Partial<Terms> = {}): PlanView {
  return planTasks(specs, { ...many, ...terms });
}

/** At most two names beside gaps: whatever two of them have in common is in the universe of the oracle. */
const name = fc.constantFrom("a", "b", "ab", "ba");
const wild = fc.constantFrom("*", "?", "a*", "*b", "*a*", "{a,b}", "{ab,ba}", "b*");
const segment = fc.oneof(name, wild);
const gap = fc.constantFrom<readonly string[]>([], [], ["**"]);
const glob = fc
  .tuple(gap, fc.array(segment, { maxLength: 1 }), gap, fc.array(segment, { maxLength: 1 }), gap)
  .map((parts) => normaliseGlob(parts.flat().join("/")))
  .filter((parsed) => parsed.ok)
  .map((parsed) => parsed.glob);
const amounts = fc.constantFrom<Record<string, number>>(
  {},
  {},
  {},
  { db: 1 },
  { db: 2 },
  { gpu: 1 },
);
const claims: fc.Arbitrary<ClaimSet | null> = fc.option(
  fc.record({
    writes: fc.array(glob, { maxLength: 3 }),
    reads: fc.array(glob, { maxLength: 3 }),
    resources: amounts,
  }),
  { freq: 6 },
);
const task = fc.record({
  claims,
  priority: fc.constantFrom(0, 0, 5),
  estimate: fc.option(fc.integer({ min: 0, max: 50 })),
  isInstant: fc.boolean(),
  after: fc.array(fc.nat({ max: 30 }), { maxLength: 2 }),
});
/** Tasks that wait for earlier ones only: all of them can run. */
const tasks = fc.array(task, { minLength: 1, maxLength: 12 }).map((made) =>
  made.map(({ claims, priority, estimate, isInstant, after }, at) => {
    const before = at === 0 ? [] : after.map((other) => `t${other % at}`);
    const changes = { claims, priority, estimate_ms: estimate, after: before };
    return isInstant ? instant(`t${at}`, changes) : spec(`t${at}`, changes);
  }),
);

function pairsBySlowWay(specs: readonly TaskSpec[]): string[] {
  return specs.flatMap((a, at) =>
    specs.slice(at + 1).flatMap((b) => (areInTheWay(a, b) ? [`${a.id} ${b.id}`] : [])),
  );
}

function areInTheWay(a: TaskSpec, b: TaskSpec): boolean {
  if (claimsConflict(holding(a), holding(b))) return true;
  return Object.entries(a.claims?.resources ?? {}).some(([resource, amount]) => {
    const theirs = b.claims?.resources[resource] ?? 0;
    const capacity = new Map(Object.entries(resources)).get(resource) ?? 1;
    return theirs > 0 && amount + theirs > capacity;
  });
}

function holding({ claims: declared }: TaskSpec) {
  const own = declared ?? { writes: [], reads: [], resources: {} };
  return { ...own, optimistic: declared === null };
}

const listed = ({ conflicts }: PlanView) =>
  conflicts.listed.map(({ tasks: pair }) => pair.join(" "));
const wavesOf = ({ waves }: PlanView) => waves.map((wave) => wave.tasks.join(" "));

describe(`a plan (seed ${seed})`, function () {
  this.timeout(60_000);

  it("names the pairs that comparing all with all over every path finds, and no other", () => {
    fc.assert(
      fc.property(tasks, (specs) => {
        const made = plan(specs);
        expect(listed(made)).to.deep.equal(pairsBySlowWay(specs));
        expect(made.conflicts.pairs).to.equal(made.conflicts.listed.length);
      }),
      { seed, numRuns: 1_500 },
    );
  });

  it("makes waves without conflicts and dependencies in them, each task once", () => {
    fc.assert(
      fc.property(tasks, (specs) => {
        const { waves } = plan(specs);
        const planned = waves.flatMap((wave) => wave.tasks);
        expect(planned.toSorted()).to.deep.equal(specs.map((one) => one.id).toSorted());
        const before = new Set<string>();
        for (const wave of waves) {
          const own = specs.filter((one) => wave.tasks.includes(one.id));
          expect(pairsBySlowWay(own)).to.deep.equal([]);
          for (const one of own) for (const other of one.after) expect(before).to.include(other);
          for (const one of own) before.add(one.id);
        }
      }),
      { seed, numRuns: 500 },
    );
  });

  it("makes waves whose tasks the core starts all at once", () => {
    fc.assert(
      fc.property(tasks, (specs) => {
        for (const wave of plan(specs).waves) {
          const own = specs.filter((one) => wave.tasks.includes(one.id));
          const world = World.ready({ slots: own.length, resources });
          world.submit(...own.map((one) => ({ ...one, after: [] })));
          expect(world.running().toSorted()).to.deep.equal(own.map((one) => one.id).toSorted());
        }
      }),
      { seed, numRuns: 300 },
    );
  });

  it("expects a time between what cannot be helped and one at a time", () => {
    fc.assert(
      fc.property(tasks, fc.integer({ min: 1, max: 4 }), (specs, slots) => {
        const { expected, critical_path } = plan(specs, { slots });
        if (expected === null) return;
        expect(expected.ms).to.be.at.least(critical_path.ms ?? Infinity);
        expect(expected.ms).to.be.at.most(expected.one_at_a_time_ms);
        expect(expected.waves_ms).to.be.at.most(expected.one_at_a_time_ms);
      }),
      { seed, numRuns: 500 },
    );
  });

  it("says on what two tasks conflict", () => {
    const made = plan([
      spec("a", { claims: { writes: ["src/**"], resources: { gpu: 1 } } }),
      spec("b", { claims: { reads: ["docs/x.md", "src/*/a.ts"] } }),
      spec("c", { claims: { resources: { gpu: 1 } } }),
      spec("d", { claims: null }),
      spec("e", { claims: { reads: ["src/b/a.ts"] } }),
    ]);
    expect(made.conflicts.listed.map(({ tasks: pair, on }) => [pair.join(), on])).to.deep.equal([
      ["a,b", { kind: "claims", claims: ["src/**", "src/*/a.ts"], example: "src/x/a.ts" }],
      ["a,c", { kind: "resource", resource: "gpu", capacity: 1 }],
      ["a,e", { kind: "claims", claims: ["src/**", "src/b/a.ts"], example: "src/b/a.ts" }],
    ]);
    expect(wavesOf(made)).to.deep.equal(["a d", "b c e"]);
  });

  it("keeps three from sharing what there is enough of for two", () => {
    const specs = ["a", "b", "c"].map((one) => spec(one, { claims: { resources: { pool: 1 } } }));
    const made = plan(specs, { resources: { pool: 2 } });
    expect(made.conflicts.pairs).to.equal(0);
    expect(wavesOf(made)).to.deep.equal(["a b", "c"]);
  });

  it("lists as many pairs as it may, and counts all", () => {
    const specs = Array.from({ length: 200 }, (_, at) => spec(`t${at}`, { claims: ["**"] }));
    const made = plan(specs, { pairsListedMax: 5 });
    expect(made.conflicts.pairs).to.equal((200 * 199) / 2);
    expect(listed(made)).to.deep.equal(["t0 t1", "t0 t2", "t0 t3", "t0 t4", "t0 t5"]);
  });

  it("finds the longest chain, by time where tasks have estimates", () => {
    const chain = [spec("a"), spec("b", { after: ["a"] }), spec("c", { after_any: ["b"] })];
    const long = spec("long", { estimate_ms: 50 });
    expect(plan([...chain, spec("long")]).critical_path).to.deep.equal({
      tasks: ids("a", "b", "c"),
      ms: null,
    });
    const timed = chain.map((one) => ({ ...one, estimate_ms: 10 }));
    const made = plan([...timed, long]);
    expect(made.critical_path).to.deep.equal({ tasks: ids("long"), ms: 50 });
  });

  it("expects what slots, claims and barriers make of the estimates", () => {
    const made = plan([
      spec("a", { claims: ["x"], estimate_ms: 30 }),
      spec("b", { claims: ["x"], estimate_ms: 30 }),
      spec("c", { claims: ["y"], estimate_ms: 10 }),
      spec("d", { after: ["c"], estimate_ms: 40 }),
    ]);
    expect(wavesOf(made)).to.deep.equal(["a c", "b d"]);
    expect(made.waves.map(({ ms }) => ms)).to.deep.equal([30, 40]);
    expect(made.expected).to.deep.equal({
      one_at_a_time_ms: 110,
      ms: 60,
      waves_ms: 70,
      speed_up: 1.83,
    });
  });

  it("waits for times, needs no slot for instant tasks, and fills in missing estimates", () => {
    const made = plan(
      [
        spec("a", { estimate_ms: 20 }),
        spec("b"),
        spec("late", { estimate_ms: 10, not_before: { delay_ms: 100 } }),
        instant("i", { estimate_ms: 0 }),
      ],
      { slots: 1 },
    );
    expect(made.estimates).to.deep.equal({ given: 3, missing: 1, assumed_ms: 10 });
    expect(made.expected?.ms).to.equal(110);
    const dated = spec("dated", { estimate_ms: 5, not_before: { at_ms: 1_000 } });
    expect(plan([dated], { now: 400 }).expected?.ms).to.equal(605);
    expect(plan([dated], { now: 4_000 }).expected?.ms).to.equal(5);
  });
});

describe("what a plan says of tasks that can never start", () => {
  const never = (specs: readonly TaskSpec[], terms: Partial<Terms> = {}) =>
    plan(specs, terms).never.map(({ task: who, because }) => [who, because]);

  it("names the members of a circle, and who waits for them", () => {
    const specs = [
      spec("x", { after: ["b"] }),
      spec("a", { after: ["c"] }),
      spec("b", { after_any: ["a"] }),
      spec("c", { after: ["b"] }),
      spec("free"),
    ];
    const circle = { kind: "cycle", members: ids("a", "c", "b") };
    expect(never(specs)).to.deep.equal([
      ["x", { kind: "waits_for", after: id("b") }],
      ["a", circle],
      ["b", circle],
      ["c", circle],
    ]);
    expect(wavesOf(plan(specs))).to.deep.equal(["free"]);
  });

  it("tells circles apart, and those between two of them", () => {
    const specs = [
      spec("a", { after: ["b"] }),
      spec("b", { after: ["a"] }),
      spec("between", { after: ["b"] }),
      spec("c", { after: ["d", "between"] }),
      spec("d", { after: ["c"] }),
    ];
    expect(never(specs).map(([who, because]) => [who, because])).to.deep.equal([
      ["a", { kind: "cycle", members: ids("a", "b") }],
      ["b", { kind: "cycle", members: ids("a", "b") }],
      ["between", { kind: "waits_for", after: id("b") }],
      ["c", { kind: "cycle", members: ids("c", "d") }],
      ["d", { kind: "cycle", members: ids("c", "d") }],
    ]);
  });

  it("knows unknown ids, and what became of known ones", () => {
    const known = new Map([
      [id("good"), "succeeded"],
      [id("open"), "running"],
      [id("bad"), "failed"],
    ] as const);
    const specs = [
      spec("a", { after: ["nobody"] }),
      spec("b", { after: ["good", "open"] }),
      spec("c", { after: ["bad"] }),
      spec("d", { after_any: ["bad"] }),
      spec("e", { after_any: ["c"] }),
      spec("f", { after: ["c"] }),
      spec("g", { after_any: ["a"] }),
      spec("h", { after_any: ["f"] }),
    ];
    expect(never(specs, { known })).to.deep.equal([
      ["a", { kind: "unknown", after: id("nobody") }],
      ["c", { kind: "failed", after: id("bad"), status: "failed" }],
      ["f", { kind: "waits_for", after: id("c") }],
      ["g", { kind: "waits_for", after: id("a") }],
    ]);
    expect(plan(specs, { known }).outside).to.deep.equal(ids("open"));
  });

  it("compares what is asked of a resource with what there is", () => {
    const specs = [
      spec("a", { claims: { resources: { db: 3 } } }),
      spec("b", { claims: { resources: { db: 4 } } }),
      spec("c", { claims: { resources: { other: 2 } } }),
    ];
    expect(never(specs)).to.deep.equal([
      ["b", { kind: "resource", resource: "db", asked: 4, capacity: 3 }],
      ["c", { kind: "resource", resource: "other", asked: 2, capacity: 1 }],
    ]);
  });
});
