import { expect } from "chai";
import { agesRow } from "../../../daemon/core/ages.ts";
import { Upkeep } from "../../../daemon/upkeep.ts";
import { id, oid, spec, World } from "../../helpers/core.ts";
import type { LeftFolder } from "../../../daemon/core/folders.ts";
import type { KeptRef } from "../../../daemon/core/retention.ts";
import type { UpkeepPorts } from "../../../daemon/upkeep.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const boot = { bootId: "first", uptimeMs: 400 * dayMs, wallMs: 1_800_000_000_000 };

/** `refs` of tasks that landed two days ago by the record; time passes when the test says so. */
function makeRig(many = 3, more: Partial<UpkeepPorts> = {}) {
  const made = makeUnbegun(many, more);
  made.upkeep.begin();
  return made;
}

function makeUnbegun(many: number, more: Partial<UpkeepPorts> = {}) {
  const world = World.ready();
  const refs: KeptRef[] = [];
  for (let at = 0; at < many; at += 1) refs.push(refOf(`refs/orchd/attempts/t${at}/1`));
  const since = new Map(refs.map(({ name }) => [name, 0]));
  const known = agesRow({ passedMs: 2 * dayMs, last: boot, collectedMs: 2 * dayMs, since });
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
    leftPacks: [] as string[],
    now: { ...boot },
    saved: JSON.parse(JSON.stringify(known)) as unknown,
    folders: [] as LeftFolder[],
    open: new Set<string>(),
    isUnreadable: false,
    isLanding: false,
    isOff: false,
    timers: [] as { ms: number; run: () => void; cancelled: boolean }[],
    log: [] as string[],
  };
  const upkeep = new Upkeep({
    keeping: {
      isOurs: () => Promise.resolve(true),
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
      leftPacks: () => Promise.resolve([...rig.leftPacks]),
      removeLeftPacks: (paths) => {
        rig.leftPacks = rig.leftPacks.filter((path) => !paths.includes(path));
        return Promise.resolve();
      },
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
    policy: () => ({ landedMs: dayMs, unlandedMs: 100 * dayMs, savedMax: 10_000 }),
    isOff: () => rig.isOff,
    setTimer: (ms, run) => {
      const timer = { ms, run, cancelled: false };
      rig.timers.push(timer);
      return { cancel: () => (timer.cancelled = true) };
    },
    time: () => ({ ...rig.now }),
    ages: {
      load: () => Promise.resolve(rig.saved),
      save: (row) => {
        rig.saved = JSON.parse(JSON.stringify(row));
        return Promise.resolve();
      },
    },
    folders: {
      list: () =>
        rig.isUnreadable
          ? Promise.reject(new Error("no permission"))
          : Promise.resolve([...rig.folders]),
      workers: () => Promise.resolve(new Set(["worker-1"])),
      makeExaminer: () => (folder) => Promise.resolve(rig.open.has(folder.path) ? null : folder),
      remove: ({ path }) => {
        rig.folders = rig.folders.filter((one) => one.path !== path);
        return Promise.resolve("removed");
      },
      bytes: () => Promise.resolve(10),
      policy: () => ({ ageMs: 30 * dayMs, unsavedMs: 180 * dayMs }),
      onUnsavedGone: (path) => void rig.log.push(`gone: ${path}`),
    },
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
    rig.now = { ...rig.now, uptimeMs: rig.now.uptimeMs + ms, wallMs: rig.now.wallMs + ms };
    timer.run();
    for (let turns = 0; turns < 10; turns += 1)
      await new Promise<void>((resolve) => setImmediate(resolve));
  };
  return { ...rig, rig, upkeep, fire };
}

function foldersAt(paths: readonly string[]): Omit<UpkeepPorts["folders"], "remove"> {
  return {
    list: () => Promise.resolve(paths.map((path) => ({ kind: "temporary", path }))),
    workers: () => Promise.resolve(new Set()),
    makeExaminer: () => (folder) => Promise.resolve(folder),
    bytes: () => Promise.resolve(10),
    policy: () => ({ ageMs: 30 * dayMs, unsavedMs: 180 * dayMs }),
    onUnsavedGone: () => {},
  };
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

  it("removes nothing before it is known who works where", async () => {
    const { upkeep, rig, dropped } = makeUnbegun(3);
    const looks: string[] = [];
    const collected = upkeep.collect({ dryRun: false }).then(() => looks.push("collected"));
    for (let turns = 0; turns < 10; turns += 1)
      await new Promise<void>((resolve) => setImmediate(resolve));
    expect([looks, dropped, rig.saved]).to.deep.equal([[], [], makeRig().rig.saved]);
    upkeep.begin();
    await collected;
    expect(dropped).to.deep.equal([3]);
    await upkeep.close();
    const ended = makeUnbegun(3);
    const late = ended.upkeep.collect({ dryRun: false });
    await ended.upkeep.close();
    expect((await late).refs).to.deep.equal([]);
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
        isOurs: () => Promise.resolve(true),
        refs: () => Promise.resolve([refOf("refs/orchd/attempts/t0/1")]),
        drop: () => Promise.resolve({ kind: "problem", message: "cannot lock ref" }),
        bytes: () => Promise.resolve(null),
        clutter: () => Promise.resolve({ loose: 0, packs: 0 }),
        notOurs: () => null,
        leftPacks: () => Promise.resolve([]),
        removeLeftPacks: () => Promise.resolve(),
        repack: () => {
          throw new Error("nothing to pack");
        },
      },
    });
    const view = await upkeep.collect({ dryRun: false });
    expect(view).to.deep.include({ refs: [], problem: "cannot lock ref", packing: "needless" });
    await upkeep.close();
  });

  it("collects every six hours, but not right after a start, and packs when much lies about", async () => {
    const { upkeep, rig, fire, dropped, repacks } = makeRig();
    rig.now.uptimeMs += 7 * hourMs;
    await fire(minuteMs);
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

  it("removes nothing early when the wall clock is set ahead, before a start or while it runs", async () => {
    const before = makeRig();
    before.rig.saved = null;
    before.rig.now.wallMs += 3_650 * dayMs;
    await before.fire(minuteMs);
    before.rig.now.wallMs += 3_650 * dayMs;
    for (let look = 1; look <= 40; look += 1) await before.fire(10 * minuteMs);
    const view = await before.upkeep.collect({ dryRun: false });
    expect(view.refs).to.deep.equal([]);
    expect(before.dropped).to.deep.equal([]);
    await before.upkeep.close();
  });

  it("goes on counting ages with the next supervisor, and after the next boot", async () => {
    const first = makeRig();
    first.rig.saved = null;
    await first.fire(minuteMs);
    await first.upkeep.close();
    const next = makeRig();
    next.rig.saved = first.rig.saved;
    next.rig.now.uptimeMs += 13 * hourMs;
    expect((await next.upkeep.collect({ dryRun: true })).refs).to.deep.equal([]);
    next.rig.now = { bootId: "second", uptimeMs: 11 * hourMs, wallMs: boot.wallMs + 26 * hourMs };
    expect((await next.upkeep.collect({ dryRun: true })).refs).to.have.length(3);
    await next.upkeep.close();
  });

  it("begins all ages anew when the record is gone or no record", async () => {
    for (const saved of [undefined, null, "x", { version: 1, since: 7 }]) {
      const { upkeep, rig } = makeRig();
      rig.saved = saved;
      expect((await upkeep.collect({ dryRun: false })).refs).to.deep.equal([]);
      rig.now.uptimeMs += 2 * dayMs;
      expect((await upkeep.collect({ dryRun: false })).refs).to.have.length(3);
      await upkeep.close();
    }
  });

  it("still removes when the ages cannot be written down, and says so", async () => {
    const { upkeep, rig, dropped } = makeRig(3, {
      ages: {
        load: () => Promise.resolve(makeRig().rig.saved),
        save: () => Promise.reject(new Error("no space")),
      },
    });
    await upkeep.collect({ dryRun: false });
    expect(dropped).to.deep.equal([3]);
    expect(rig.log).to.include("ages cannot be written down");
    await upkeep.close();
  });

  it("removes unfinished packs a day after it saw them first, whatever the clock says", async () => {
    const { upkeep, rig, repacks } = makeRig(0);
    rig.clutter = { loose: 10, packs: 1 };
    rig.leftPacks = ["/repository/objects/pack/tmp_pack_a"];
    await upkeep.collect({ dryRun: false });
    rig.now.wallMs += 3_650 * dayMs;
    rig.now.uptimeMs += 23 * hourMs;
    for (const hours of [1, 2]) {
      repacks.at(-1)?.end(null);
      await new Promise<void>((resolve) => setImmediate(resolve));
      expect(rig.leftPacks, `${hours}`).to.have.length(1);
      await upkeep.collect({ dryRun: false });
      rig.now.uptimeMs += hourMs;
    }
    expect(rig.leftPacks).to.deep.equal([]);
    await upkeep.close();
  });

  it("removes folders when their time is over, never what is open, and what is unsaved much later", async () => {
    const { upkeep, rig } = makeRig(0);
    const at = (kind: LeftFolder["kind"]): LeftFolder => ({ kind, path: `/left/${kind}` });
    rig.folders = [at("attempt"), at("workspace"), at("unsaved"), at("journal"), at("temporary")];
    rig.folders.push({ kind: "attempt", path: "/left/open" });
    rig.open.add("/left/open");
    const goneAfter = async (days: number, dryRun = false) => {
      rig.now.uptimeMs += days * dayMs;
      const { folders, unsaved } = await upkeep.collect({ dryRun });
      return { folders: folders.map(({ path }) => path.slice(6)), unsaved };
    };
    expect(await goneAfter(0)).to.deep.equal({
      folders: [],
      unsaved: [{ path: "/left/unsaved", bytes: 10, left_ms: 180 * dayMs }],
    });
    expect((await goneAfter(2)).folders).to.deep.equal(["temporary"]);
    rig.now.wallMs += 3_650 * dayMs;
    expect((await goneAfter(1)).folders).to.deep.equal([]);
    expect((await goneAfter(28, true)).folders).to.deep.equal(["attempt", "workspace"]);
    expect((await goneAfter(0)).folders).to.deep.equal(["attempt", "workspace"]);
    expect((await goneAfter(148)).folders).to.deep.equal([]);
    expect(rig.log).not.to.include("gone: /left/unsaved");
    expect((await goneAfter(2)).folders).to.deep.equal(["unsaved", "journal"]);
    expect(rig.log).to.include("gone: /left/unsaved");
    expect(rig.folders.map(({ path }) => path)).to.deep.equal(["/left/open"]);
    await upkeep.close();
  });

  it("removes refs although the folders cannot be looked at, and takes no workspace for gone then", async () => {
    const { upkeep, rig, dropped, refs } = makeRig();
    rig.isUnreadable = true;
    refs.push(refOf("refs/orchd/bases/worker-2"));
    await upkeep.collect({ dryRun: false });
    rig.now.uptimeMs += 400 * dayMs;
    await upkeep.collect({ dryRun: false });
    expect(dropped).to.deep.equal([3]);
    expect(refs.map(({ name }) => name)).to.deep.equal(["refs/orchd/bases/worker-2"]);
    expect(rig.log).to.include("folders cannot be looked at");
    rig.isUnreadable = false;
    await upkeep.collect({ dryRun: false });
    rig.now.uptimeMs += 101 * dayMs;
    await upkeep.collect({ dryRun: false });
    expect(refs).to.deep.equal([]);
    await upkeep.close();
  });

  it("removes no folder any more when it has closed, and waits for the one it is at", async () => {
    const { promise: isAt, resolve: at } = Promise.withResolvers<void>();
    const { promise: done, resolve: finish } = Promise.withResolvers<"removed">();
    const begun: string[] = [];
    const slow = makeRig(0, {
      folders: {
        ...foldersAt(["/left/a", "/left/b"]),
        remove: ({ path }) => {
          begun.push(path);
          at();
          return done;
        },
      },
    });
    await slow.upkeep.collect({ dryRun: true });
    slow.rig.now.uptimeMs += 2 * dayMs;
    const collected = slow.upkeep.collect({ dryRun: false });
    await isAt;
    let closed = false;
    const closing = slow.upkeep.close().then(() => (closed = true));
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(closed).to.equal(false);
    finish("removed");
    await closing;
    const { folders, problem } = await collected;
    expect(folders.map(({ path }) => path)).to.deep.equal(["/left/a"]);
    expect(problem).to.equal("the supervisor ends");
    expect(begun).to.deep.equal(["/left/a"]);
  });

  it("removes no folder that is used again, and none more once another supervisor has taken over", async () => {
    const died: unknown[] = [];
    const removals = { "/left/a": "removed", "/left/b": "stays", "/left/c": "fenced" } as const;
    const begun: string[] = [];
    const { upkeep, rig } = makeRig(0, {
      folders: {
        ...foldersAt([...Object.keys(removals), "/left/d"]),
        remove: ({ path }) => {
          begun.push(path);
          return Promise.resolve(removals[path as keyof typeof removals]);
        },
      },
      die: (reason) => died.push(reason),
    });
    await upkeep.collect({ dryRun: true });
    rig.now.uptimeMs += 2 * dayMs;
    const { folders, problem } = await upkeep.collect({ dryRun: false });
    expect(folders.map(({ path }) => path)).to.deep.equal(["/left/a"]);
    expect(problem).to.equal("another supervisor has taken over this repository");
    expect(begun).to.deep.equal(Object.keys(removals));
    expect(String(died[0])).to.include("taken over");
    await upkeep.close();
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
    rig.now.uptimeMs += dayMs;
    await fire(minuteMs);
    for (let look = 1; look <= 8; look += 1) await fire(10 * minuteMs);
    expect(dropped).to.deep.equal([]);
    expect(repacks).to.have.length(0);
    const view = await upkeep.collect({ dryRun: false });
    expect(view.packing).to.deep.equal({ not: "maintenance is off" });
    expect(dropped).to.deep.equal([3]);
    await upkeep.close();
  });
});
