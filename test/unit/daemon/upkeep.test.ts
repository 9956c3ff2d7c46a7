import { expect } from "chai";
import { Upkeep } from "../../../daemon/upkeep.ts";
import { id, oid, spec, World } from "../../helpers/core.ts";
import type { KeptRef } from "../../../daemon/core/retention.ts";
import type { UpkeepPorts } from "../../../daemon/upkeep.ts";

const minuteMs = 60_000;

/** `refs` of tasks that landed long ago; time passes when the test says so. */
function makeRig(many = 3, more: Partial<UpkeepPorts> = {}) {
  const world = World.ready();
  const refs: KeptRef[] = [];
  for (let at = 0; at < many; at += 1) refs.push(refOf(`refs/orchd/attempts/t${at}/1`));
  for (let at = 0; at < many; at += 1)
    world.state.finals.set(id(`t${at}`), {
      digest: "d",
      status: "succeeded",
      commit: oid("c"),
    });
  const rig = {
    world,
    refs,
    dropped: [] as number[],
    repacks: [] as { stands: boolean; end: (problem: string | null) => void; ended: boolean }[],
    clutter: { loose: 0, packs: 1 },
    isLanding: false,
    isOff: false,
    timers: [] as { ms: number; run: () => void; cancelled: boolean }[],
    log: [] as string[],
  };
  const upkeep = new Upkeep({
    keeping: {
      refs: () => Promise.resolve([...refs]),
      drop: (batch) => {
        rig.dropped.push(batch.length);
        for (const { name } of batch)
          refs.splice(
            refs.findIndex((ref) => ref.name === name),
            1,
          );
        return Promise.resolve({ kind: "dropped" });
      },
      bytes: () => Promise.resolve(1_000),
      clutter: () => Promise.resolve(rig.clutter),
      notOurs: () => null,
      removeLeftPacks: () => Promise.resolve(0),
      repack: (signal) => {
        const { promise, resolve } = Promise.withResolvers<string | null>();
        const repack = { stands: false, end: resolve, ended: false };
        signal.addEventListener("abort", () => {
          repack.ended = true;
          resolve("stopped");
        });
        rig.repacks.push(repack);
        return {
          pause: () => (repack.stands = true),
          resume: () => (repack.stands = false),
          problem: promise,
        };
      },
    },
    read: (look) => Promise.resolve(look(world.state)),
    isLanding: () => rig.isLanding,
    policy: () => ({ landedMs: 1, unlandedMs: 1, savedMax: 10 }),
    isOff: () => rig.isOff,
    setTimer: (ms, run) => {
      const timer = { ms, run, cancelled: false };
      rig.timers.push(timer);
      return { cancel: () => (timer.cancelled = true) };
    },
    wallMs: () => 1_800_000_000_000,
    log: {
      info: (text) => void rig.log.push(text),
      warn: (text) => void rig.log.push(text),
    },
    die: (reason) => {
      throw reason instanceof Error ? reason : new Error(String(reason));
    },
    ...more,
  });
  /** The next timer of that length. */
  const fire = async (ms: number): Promise<void> => {
    const timer = rig.timers.find((one) => one.ms === ms && !one.cancelled);
    if (timer === undefined) throw new Error(`no timer of ${ms} ms`);
    timer.cancelled = true;
    timer.run();
    for (let turns = 0; turns < 5; turns += 1)
      await new Promise<void>((resolve) => setImmediate(resolve));
  };
  return { ...rig, rig, upkeep, fire };
}

function refOf(name: string): KeptRef {
  return { name, oid: oid(name.slice(-9)), at: 1_700_000_000_000 };
}

describe("upkeep", () => {
  it("removes in batches of 500 what is over, and with dryRun nothing", async () => {
    const { upkeep, dropped, refs } = makeRig(1_200);
    const planned = await upkeep.collect({ dryRun: true });
    expect(planned.refs).to.have.length(1_200);
    expect(dropped).to.deep.equal([]);
    const done = await upkeep.collect({ dryRun: false });
    expect(done.refs.map(({ ref }) => ref)).to.have.members(planned.refs.map(({ ref }) => ref));
    expect(dropped).to.deep.equal([500, 500, 200]);
    expect(refs).to.deep.equal([]);
    await upkeep.close();
  });

  it("leaves what a task that runs again meanwhile has", async () => {
    const { upkeep, world, refs } = makeRig(3);
    world.state.finals.delete(id("t1"));
    world.submit(spec("t1"));
    await upkeep.collect({ dryRun: false });
    expect(refs.map(({ name }) => name)).to.deep.equal(["refs/orchd/attempts/t1/1"]);
    await upkeep.close();
  });

  it("says what stays when git refuses", async () => {
    const { upkeep } = makeRig(3, {
      keeping: {
        refs: () => Promise.resolve([refOf("refs/orchd/attempts/t0/1")]),
        drop: () => Promise.resolve({ kind: "problem", message: "cannot lock ref" }),
        bytes: () => Promise.resolve(null),
        clutter: () => Promise.resolve({ loose: 0, packs: 0 }),
        notOurs: () => null,
        removeLeftPacks: () => Promise.resolve(0),
        repack: () => {
          throw new Error("nothing to pack");
        },
      },
    });
    const view = await upkeep.collect({ dryRun: false });
    expect(view).to.deep.include({ refs: [], problem: "cannot lock ref", packing: "needless" });
    await upkeep.close();
  });

  it("collects after an hour and every six hours, and packs when much lies about", async () => {
    const { upkeep, rig, fire, dropped, repacks } = makeRig();
    upkeep.begin();
    for (let look = 1; look <= 5; look += 1) await fire(10 * minuteMs);
    expect(dropped).to.deep.equal([]);
    await fire(10 * minuteMs);
    expect(dropped).to.deep.equal([3]);
    expect(repacks).to.have.length(0);
    rig.clutter = { loose: 4_001, packs: 1 };
    await fire(10 * minuteMs);
    expect(repacks).to.have.length(1);
    // One at a time.
    await fire(10 * minuteMs);
    expect(repacks).to.have.length(1);
    await upkeep.close();
    expect(repacks[0]?.ended).to.equal(true);
  });

  it("stands still while something lands", async () => {
    const { upkeep, rig, fire, repacks } = makeRig();
    rig.clutter = { loose: 10, packs: 1 };
    rig.isLanding = true;
    await upkeep.collect({ dryRun: false });
    expect(repacks[0]?.stands).to.equal(true);
    await fire(50);
    expect(repacks[0]?.stands).to.equal(true);
    rig.isLanding = false;
    await fire(50);
    expect(repacks[0]?.stands).to.equal(false);
    repacks[0]?.end(null);
    await upkeep.close();
  });

  it("does nothing by itself where maintenance is off", async () => {
    const { upkeep, rig, fire, dropped, repacks } = makeRig();
    rig.isOff = true;
    rig.clutter = { loose: 100_000, packs: 100 };
    upkeep.begin();
    for (let look = 1; look <= 8; look += 1) await fire(10 * minuteMs);
    expect(dropped).to.deep.equal([]);
    expect(repacks).to.have.length(0);
    const view = await upkeep.collect({ dryRun: false });
    expect(view.packing).to.deep.equal({ not: "maintenance is off" });
    expect(dropped).to.deep.equal([3]);
    await upkeep.close();
  });
});
