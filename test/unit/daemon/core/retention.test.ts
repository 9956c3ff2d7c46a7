import { expect } from "chai";
import { expiredRefs } from "../../../../daemon/core/retention.ts";
import { id, oid, spec, World } from "../../../helpers/core.ts";
import type { KeptRef, RetentionPolicy } from "../../../../daemon/core/retention.ts";

const dayMs = 24 * 60 * 60 * 1000;
const policy: RetentionPolicy = { landedMs: 30 * dayMs, unlandedMs: 180 * dayMs, savedMax: 100 };

/** One task that landed, one that failed, one that waits to run again, one that runs; `days` later. */
function worldAfter(days: number): World {
  const world = World.ready({ slots: 4 });
  world.turn({ type: "branchPrepared", tip: oid("tip"), targetTip: oid("tip") });
  for (const name of ["landed", "failed", "runs"]) world.submit(spec(name));
  world.submit(spec("again", { retries: { max: 3, backoff_ms: 400 * dayMs } }));
  world.lands("landed", ["a"]);
  world.fail("failed").fail("again");
  world.at += days * dayMs;
  return world;
}

function expired(world: World, names: readonly string[], more: Partial<RetentionPolicy> = {}) {
  const from = 1_700_000_000_000;
  const refs = names.map((name): KeptRef => ({ name, oid: oid("any"), at: from }));
  return expiredRefs(world.state, refs, { ...policy, ...more }, world.at).map(
    ({ name, why }) => `${name} ${why}`,
  );
}

const kinds = ["attempts", "strays", "conflicts", "candidates"];
const allOf = (task: string): string[] =>
  kinds.map((kind) =>
    kind === "attempts" || kind === "strays"
      ? `refs/orchd/${kind}/${task}/1`
      : `refs/orchd/${kind}/${task}`,
  );

describe("what is kept in git of a task", () => {
  it("is everything while it has not ended, however old that is", () => {
    const world = worldAfter(3_000);
    expect(world.status("again")).to.equal("queued");
    expect(world.status("runs")).to.equal("running");
    expect(expired(world, [...allOf("again"), ...allOf("runs")])).to.deep.equal([]);
  });

  it("is everything when nobody knows the task, or the name", () => {
    const names = [...allOf("stranger"), "refs/orchd/epoch", "refs/orchd/followed/main"];
    const odd = ["refs/orchd/live/landed", "refs/orchd/attempts/landed", "refs/heads/orchd/main"];
    expect(
      expired(worldAfter(3_000), [...names, ...odd.filter((one) => !one.endsWith("/landed"))]),
    ).to.deep.equal([]);
    expect(expired(worldAfter(3_000), ["refs/orchd/live/landed"])).to.deep.equal([]);
  });

  it("goes a month after it landed, and half a year after it failed", () => {
    expect(expired(worldAfter(29), [...allOf("landed"), ...allOf("failed")])).to.deep.equal([]);
    expect(expired(worldAfter(31), [...allOf("landed"), ...allOf("failed")])).to.deep.equal(
      allOf("landed").map((name) => `${name} old`),
    );
    expect(expired(worldAfter(181), allOf("failed"))).to.deep.equal(
      allOf("failed").map((name) => `${name} old`),
    );
  });

  it("goes at once where it is the very commit that landed", () => {
    const world = worldAfter(0);
    const { life } = world.task("landed");
    const commit = life.status === "succeeded" ? life.commit : null;
    const name = "refs/orchd/candidates/landed";
    const refs = [{ name, oid: commit ?? oid("none"), at: world.at }];
    const [gone] = expiredRefs(world.state, refs, policy, world.at);
    expect(gone?.why).to.equal("landed");
  });

  it("counts from the end of the task where that is later than the commit", () => {
    const world = worldAfter(31);
    const task = world.task("landed");
    task.life = { status: "succeeded", since: world.at, commit: null };
    expect(expired(world, allOf("landed"))).to.deep.equal([]);
  });

  it("is judged by the index of ended tasks once it has left the memory", () => {
    const world = worldAfter(31);
    world.state.tasks.delete(id("landed"));
    world.state.tasks.delete(id("failed"));
    expect(expired(world, [...allOf("landed"), ...allOf("failed")])).to.deep.equal(
      allOf("landed").map((name) => `${name} old`),
    );
  });

  it("stays again, all of it, when the task is retried", () => {
    const world = worldAfter(400);
    world.turn({
      type: "retry",
      request: "r1" as never,
      ids: [id("failed")],
      archived: new Map(),
    });
    expect(expired(world, allOf("failed"))).to.deep.equal([]);
  });

  it("is the newest so many attempts of tasks that landed, with their strays", () => {
    const world = worldAfter(1);
    const at = (name: string, days: number): KeptRef => ({
      name,
      oid: oid("any"),
      at: world.at - days * dayMs,
    });
    const refs = [
      at("refs/orchd/attempts/landed/1", 9),
      at("refs/orchd/strays/landed/1", 9),
      at("refs/orchd/attempts/landed/2", 8),
      at("refs/orchd/attempts/landed/3", 7),
      at("refs/orchd/attempts/failed/1", 20),
    ];
    const gone = expiredRefs(world.state, refs, { ...policy, savedMax: 2 }, world.at);
    expect(gone.map(({ name, why }) => `${name} ${why}`)).to.deep.equal([
      "refs/orchd/attempts/landed/1 many",
      "refs/orchd/strays/landed/1 many",
    ]);
  });
});

describe("a branch as it was before a rewind", () => {
  const name = "refs/orchd/rewound/20231114T221320000Z";

  it("is kept for long, and while an attempt runs that began before", () => {
    const world = worldAfter(181);
    expect(expired(world, [name])).to.deep.equal([]);
    world.fail("runs").fail("again");
    world.turn({ type: "cancel", ids: [id("again")] });
    expect(expired(world, [name])).to.deep.equal([`${name} old`]);
    expect(expired(world, [name], { unlandedMs: 300 * dayMs })).to.deep.equal([]);
  });
});
