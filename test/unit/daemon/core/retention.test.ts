import { expect } from "chai";
import { expiredRefs, overRefs } from "../../../../daemon/core/retention.ts";
import { id, oid, spec, World } from "../../../helpers/core.ts";
import type { KeptRef, OverRef, RetentionPolicy } from "../../../../daemon/core/retention.ts";

const dayMs = 24 * 60 * 60 * 1000;
const policy: RetentionPolicy = { landedMs: 30 * dayMs, unlandedMs: 180 * dayMs, savedMax: 100 };

/** One task that landed, one that failed, one that waits to run again, one that runs. */
function makeWorld(): World {
  const world = World.ready({ slots: 4 });
  world.turn({ type: "branchPrepared", tip: oid("tip"), targetTip: oid("tip") });
  for (const name of ["landed", "failed", "runs"]) world.submit(spec(name));
  world.submit(spec("again", { retries: { max: 3, backoff_ms: 400 * dayMs } }));
  world.lands("landed", ["a"]);
  world.fail("failed").fail("again");
  return world;
}

function over(world: World, refs: readonly KeptRef[]): OverRef[] {
  return overRefs(world.state, refs, (worker) => worker === "worker-1");
}

/** All of `names` were seen to be over `days` ago. */
function expired(
  world: World,
  days: number,
  names: readonly string[],
  more: Partial<RetentionPolicy> = {},
) {
  const from = 1_700_000_000_000;
  const refs = names.map((name): KeptRef => ({ name, oid: oid("any"), at: from }));
  const ages = { passedMs: days * dayMs, since: new Map(names.map((name) => [name, 0])) };
  return expiredRefs(over(world, refs), ages, { ...policy, ...more }).map(
    ({ name, why }) => `${name} ${why}`,
  );
}

const kinds = ["attempts", "strays", "conflicts", "candidates", "generated", "resolutions"];
const allOf = (task: string): string[] =>
  kinds.map((kind) => {
    const of = `refs/orchd/${kind}/${task}`;
    if (kind === "resolutions") return `${of}/r0abc`;
    return kind === "attempts" || kind === "strays" ? `${of}/1` : of;
  });

describe("what is kept in git of a task", () => {
  it("is everything while it has not ended, however old that is", () => {
    const world = makeWorld();
    expect(world.status("again")).to.equal("queued");
    expect(world.status("runs")).to.equal("running");
    expect(expired(world, 3_000, [...allOf("again"), ...allOf("runs")])).to.deep.equal([]);
  });

  it("is everything when nobody knows the task, or the name", () => {
    const names = [...allOf("stranger"), "refs/orchd/epoch", "refs/orchd/followed/main"];
    const odd = ["refs/orchd/live/landed", "refs/orchd/other/landed", "refs/heads/orchd/main"];
    expect(expired(makeWorld(), 3_000, [...names, ...odd])).to.deep.equal([]);
  });

  it("goes a month after it landed, and half a year after it failed", () => {
    const world = makeWorld();
    const old = (task: string): string[] => allOf(task).map((name) => `${name} old`);
    expect(expired(world, 29, [...allOf("landed"), ...allOf("failed")])).to.deep.equal([]);
    expect(expired(world, 31, [...allOf("landed"), ...allOf("failed")])).to.deep.equal(
      old("landed"),
    );
    expect(expired(world, 181, allOf("failed"))).to.deep.equal(old("failed"));
  });

  it("goes at once where it is the very commit that landed", () => {
    const world = makeWorld();
    const { life } = world.task("landed");
    const commit = life.status === "succeeded" ? life.commit : null;
    const name = "refs/orchd/candidates/landed";
    const found = over(world, [{ name, oid: commit ?? oid("none"), at: world.at }]);
    const [gone] = expiredRefs(found, { passedMs: 0, since: new Map() }, policy);
    expect(gone?.why).to.equal("landed");
  });

  it("does not depend on dates of commits, nor on what the clock said when the task ended", () => {
    const world = makeWorld();
    world.task("failed").life = { ...world.task("failed").life, since: 0 };
    const name = "refs/orchd/attempts/failed/1";
    const found = over(world, [{ name, oid: oid("any"), at: 0 }]);
    expect(expiredRefs(found, { passedMs: 170 * dayMs, since: new Map([[name, 0]]) }, policy)).to.be
      .empty;
    expect(expiredRefs(found, { passedMs: 190 * dayMs, since: new Map() }, policy)).to.be.empty;
  });

  it("is as old as its youngest ref: a task that ran again keeps its earlier attempts", () => {
    const world = makeWorld();
    const refs = [1, 2].map((n) => ({
      name: `refs/orchd/attempts/failed/${n}`,
      oid: oid("any"),
      at: 0,
    }));
    const since = new Map([
      ["refs/orchd/attempts/failed/1", 0],
      ["refs/orchd/attempts/failed/2", 200 * dayMs],
    ]);
    const found = over(world, refs);
    expect(expiredRefs(found, { passedMs: 201 * dayMs, since }, policy)).to.deep.equal([]);
    expect(expiredRefs(found, { passedMs: 381 * dayMs, since }, policy)).to.have.length(2);
  });

  it("is judged by the index of ended tasks once it has left the memory", () => {
    const world = makeWorld();
    world.state.tasks.delete(id("landed"));
    world.state.tasks.delete(id("failed"));
    expect(expired(world, 31, [...allOf("landed"), ...allOf("failed")])).to.deep.equal(
      allOf("landed").map((name) => `${name} old`),
    );
  });

  it("stays again, all of it, when the task is retried", () => {
    const world = makeWorld();
    world.turn({
      type: "retry",
      request: "r1" as never,
      ids: [id("failed")],
      archived: new Map(),
    });
    expect(expired(world, 400, allOf("failed"))).to.deep.equal([]);
  });

  it("is the newest so many attempts of tasks that landed, with their strays", () => {
    const world = makeWorld();
    const found = over(
      world,
      ["attempts/landed/1", "strays/landed/1", "attempts/landed/2", "attempts/landed/3"].map(
        (name) => ({ name: `refs/orchd/${name}`, oid: oid("any"), at: 2e12 + Number(name.at(-1)) }),
      ),
    );
    const ages = { passedMs: dayMs, since: new Map<string, number>() };
    const gone = expiredRefs(found, ages, { ...policy, savedMax: 2 });
    expect(gone.map(({ name, why }) => `${name} ${why}`)).to.deep.equal([
      "refs/orchd/attempts/landed/1 many",
      "refs/orchd/strays/landed/1 many",
    ]);
  });
});

describe("a branch as it was before a rewind", () => {
  const name = "refs/orchd/rewound/20231114T221320000Z";

  it("is kept for long, and while an attempt runs that began before", () => {
    const world = makeWorld();
    expect(expired(world, 181, [name])).to.deep.equal([]);
    world.fail("runs").fail("again");
    world.turn({ type: "cancel", ids: [id("again")] });
    expect(expired(world, 181, [name])).to.deep.equal([`${name} old`]);
    expect(expired(world, 181, [name], { unlandedMs: 300 * dayMs })).to.deep.equal([]);
  });
});

describe("the base of a workspace", () => {
  it("is kept while there is its worker, and for long afterwards", () => {
    const names = ["refs/orchd/bases/worker-1", "refs/orchd/bases/worker-7"];
    expect(expired(makeWorld(), 170, names)).to.deep.equal([]);
    expect(expired(makeWorld(), 190, names)).to.deep.equal(["refs/orchd/bases/worker-7 old"]);
  });
});
