import { expect } from "chai";
import { claimsFault } from "../../../../ipc/claimLimits.ts";
import {
  World,
  id,
  ids,
  instant,
  oid,
  saved,
  spec,
  submit,
  worker,
} from "../../../helpers/core.ts";
import type { SpecChanges } from "../../../helpers/core.ts";

/** Do two tasks with these claims run at the same time? */
function together(one: SpecChanges["claims"], other: SpecChanges["claims"]): boolean {
  const resources = { db: 2 };
  const [left, right] = [
    [one, other],
    [other, one],
  ].map(([first, second]) => {
    const world = World.ready({ resources });
    world.submit(
      spec("first", { claims: first ?? null }),
      spec("second", { claims: second ?? null }),
    );
    return world.running().length === 2;
  });
  expect(left, "whichever comes first").to.equal(right);
  return left === true;
}

describe("claims", () => {
  it("keep apart two that write what both could touch", () => {
    expect(together(["src/a.ts"], ["src/a.ts"])).to.equal(false);
    expect(together(["src/**"], ["src/deep/*.ts"])).to.equal(false);
    expect(together(["src/**"], ["docs/**"])).to.equal(true);
    expect(together(["*.ts"], ["*.md"])).to.equal(true);
    expect(together(["a*"], ["*b"])).to.equal(false);
  });

  it("let readers share, and keep a writer from them", () => {
    expect(together({ reads: ["src/**"] }, { reads: ["src/**"] })).to.equal(true);
    expect(together({ reads: ["src/**"] }, { writes: ["src/a"] })).to.equal(false);
  });

  it("let tasks that declare nothing run beside declared ones, but not beside `**`", () => {
    expect(together(null, null)).to.equal(true);
    expect(together(null, ["src/**"])).to.equal(true);
    expect(together(null, ["**"])).to.equal(false);
    expect(together(null, { reads: ["**"] })).to.equal(true);
    expect(together(["src/**"], ["**"])).to.equal(false);
    expect(together([], ["**"])).to.equal(true);
  });

  it("keep everybody from a task that writes everything, in whatever words", () => {
    for (const glob of ["**", "**/*", "*/**", "**/*/**", "?*/**", "{*,x}/**", "**/{*?,a}"]) {
      expect(together(null, [glob]), glob).to.equal(false);
      expect(together(["src/a"], [glob]), glob).to.equal(false);
    }
    for (const glob of ["*", "*/*", "**/*/*", "**/?", "**/*.*", "**/??*", "a/**", "**/{a,b}*"])
      expect(together(null, [glob]), glob).to.equal(true);
  });

  it("that are more than may be asked for today are granted all the same from an older journal", () => {
    const old = Array.from({ length: 256 }, (_, at) => `${"*a".repeat(60)}*${at}`);
    const world = World.ready().submit(spec("old", { claims: old }), spec("b", { claims: ["b"] }));
    expect(world.running()).to.deep.equal(["old", "b"]);
    expect(claimsFault({ writes: old, reads: [] })).to.include("characters in globs with two");
  });

  it("count resources", () => {
    expect(together({ resources: { db: 1 } }, { resources: { db: 1 } })).to.equal(true);
    expect(together({ resources: { db: 1 } }, { resources: { db: 2 } })).to.equal(false);
    expect(together({ resources: { gpu: 1 } }, { resources: { gpu: 1 } })).to.equal(false);
    expect(together({ resources: { gpu: 1 } }, { resources: { db: 1 } })).to.equal(true);
  });

  it("are taken all at once, and shown to who waits with what stands in the way", () => {
    const world = World.ready({ slots: 3 }).submit(
      spec("a", { claims: ["src/**"] }),
      spec("b", { claims: ["docs/**", "src/x/*"] }),
      spec("c", { claims: ["docs/y"] }),
    );
    expect(world.running()).to.deep.equal(["a", "c"]);
    expect(world.why("b")).to.deep.equal({
      on: "claim",
      claim: "src/x/*",
      holder: id("a"),
      their_claim: "src/**",
    });
  });

  it("show a declared writer of everything what undeclared work stands in the way", () => {
    const world = World.ready().submit(spec("a", { claims: null }), spec("b", { claims: ["**"] }));
    expect(world.why("b")).to.deep.include({ claim: "**", their_claim: "(undeclared)" });
  });

  it("last until the task has landed", () => {
    const world = World.ready().submit(
      spec("a", { claims: ["src/**"] }),
      spec("b", { claims: ["src/**"] }),
    );
    expect(world.done("a", ["src/x"]).status("b")).to.equal("queued");
    expect(world.merged("a").status("b")).to.equal("queued");
    expect(world.moved("a").status("b")).to.equal("running");
  });

  it("are free at once when the task fails, ends for a stop, or is lost with its worker", () => {
    for (const end of [
      (world: World) => world.fail("a"),
      (world: World) => world.turn({ type: "workerGone", worker: worker(1) }),
    ]) {
      const world = World.ready();
      world.turn(submit(spec("a", { claims: ["x"] }), spec("b", { claims: ["x"], priority: -1 })));
      end(world);
      expect(world.running()).to.have.length(1);
    }
  });

  it("wake who waits when the holder goes, in order", () => {
    const world = World.ready({ slots: 4 }).submit(
      ...["a", "b", "c"].map((name) => spec(name, { claims: ["x"] })),
    );
    expect(world.running()).to.deep.equal(["a"]);
    expect(world.done("a").running()).to.deep.equal(["b"]);
    expect(world.done("b").running()).to.deep.equal(["c"]);
  });

  it("wake who waits for a resource whichever of its holders goes", () => {
    for (const ends of ["a", "b"]) {
      const world = World.ready({ slots: 4, resources: { db: 2 } }).submit(
        ...["a", "b", "c"].map((name) => spec(name, { claims: { resources: { db: 1 } } })),
      );
      expect(world.why("c")).to.deep.equal({
        on: "resource",
        resource: "db",
        holders: ids("a", "b"),
      });
      expect(world.done(ends).status("c")).to.equal("running");
    }
  });

  it("are looked at again when there is more of a resource", () => {
    const world = World.ready({ slots: 4 }).submit(
      ...["a", "b"].map((name) => spec(name, { claims: { resources: { db: 1 } } })),
    );
    expect(world.status("b")).to.equal("queued");
    const settings = { ...world.state.settings, resources: { db: 2 } };
    world.turn({ type: "settingsChanged", settings });
    expect(world.status("b")).to.equal("running");
  });

  it("let a task start alone that asks for more than there is by now", () => {
    const world = World.ready({ slots: 4, resources: { db: 3 } });
    world.submit(spec("a", { claims: { resources: { db: 3 } } }));
    world.submit(spec("b", { claims: { resources: { db: 3 } } }));
    world.turn({ type: "settingsChanged", settings: { ...world.state.settings, resources: {} } });
    expect(world.status("b")).to.equal("queued");
    expect(world.done("a").status("b")).to.equal("running");
  });

  it("of instant tasks count as well", () => {
    const world = World.ready().submit(
      instant("a", { claims: { resources: { db: 1 } } }),
      instant("b", { claims: { resources: { db: 1 } } }),
    );
    expect(world.running()).to.deep.equal(["a"]);
    expect(world.done("a").running()).to.deep.equal(["b"]);
  });

  it("of a task that runs again include what it touched before", () => {
    const world = World.ready().submit(spec("a", { claims: null }));
    world.done("a", ["src/x.ts"]);
    world.submit(spec("b", { claims: ["src/**"] }));
    world.merged("a", { kind: "conflict", paths: ["src/x.ts"], ref: "refs/x", ours: oid("tip") });
    expect(world.running()).to.deep.equal(["a"]);
    expect(world.why("b")).to.deep.include({ holder: id("a"), their_claim: "src/x.ts" });
    const [lock] = world.effectsOf("placeLock");
    expect(lock?.holding).to.deep.equal({
      writes: ["src/x.ts"],
      reads: [],
      resources: {},
      optimistic: true,
    });
  });

  it("of what was touched are right for a name that means something in a glob", () => {
    const world = World.ready({ slots: 4 }).submit(spec("a", { claims: [] }));
    world.done("a", ["src/{a,b}.ts"]).submit(spec("b", { claims: ["src/?a,b?.ts"] }));
    world.submit(spec("c", { claims: ["src/a.ts"] }));
    expect(world.running()).to.deep.equal(["c"]);
    expect(world.why("b")).to.deep.include({ on: "claim", their_claim: "src/?a,b?.ts" });
  });
});

describe("undeclared work", () => {
  it("is held from the moment the attempt is done until it has landed", () => {
    const world = World.ready({ slots: 3 }).submit(spec("a", { claims: null }));
    world.done("a", ["src/x.ts"]);
    world.submit(spec("b", { claims: ["src/x.ts"] }), spec("c", { claims: ["src/y.ts"] }));
    expect(world.running()).to.deep.equal(["c"]);
    expect(world.merged("a").moved("a").running()).to.have.members(["b", "c"]);
  });

  it("of so many paths that some are not known keeps everybody out until it has landed", () => {
    const world = World.ready({ slots: 3 }).submit(spec("a", { claims: ["src/**"] }));
    world.submit(spec("holder", { claims: ["docs/x"] }));
    const work = saved(["src/a", "src/b"], { touched_total: 3 });
    world.report("a", { result: "done", saved: work });
    expect(world.effectsOf("placeLock")[0]?.holding.writes).to.include("**");
    world.submit(spec("late", { claims: ["docs/y"] }), spec("nothing", { claims: [] }));
    expect(world.running()).to.deep.equal(["holder", "nothing"]);
    expect(world.why("late")).to.deep.include({ holder: id("a"), their_claim: "**" });
    expect(world.step("a")).to.equal("waiting");
    world.done("holder");
    expect(world.step("a")).to.equal("merging");
    expect(world.merged("a").moved("a").status("late")).to.equal("running");
  });

  it("of so many paths that some are not known claims everything when it runs again", () => {
    for (const claims of [null, ["src/**"]]) {
      const world = World.ready({ slots: 3 }).submit(spec("a", { claims }));
      const work = saved(["src/a"], { touched_total: 20_000 });
      world.report("a", { result: "done", saved: work });
      world.merged("a", { kind: "conflict", paths: ["src/a"], ref: "refs/x", ours: oid("tip") });
      expect(world.running()).to.deep.equal(["a"]);
      world.submit(spec("b", { claims: ["docs/x"] }), spec("c", { claims: null }));
      expect(world.why("b")).to.deep.include({ on: "claim", holder: id("a"), their_claim: "**" });
      expect(world.why("c")).to.deep.include({ on: "claim", holder: id("a"), their_claim: "**" });
    }
  });

  it("waits for those who hold what it touched before it runs again", () => {
    const world = World.ready({ slots: 3 }).submit(spec("a", { claims: null, retries: 1 }));
    const failure = { kind: "exit", exit_code: 1 } as const;
    world.report("a", { result: "failed", failure, saved: saved(["src/x"]) });
    world.submit(spec("b", { claims: ["src/**"] })).pass(1_000);
    expect(world.why("a")).to.deep.include({ on: "claim", claim: "src/x", holder: id("b") });
    expect(world.done("b").status("a")).to.equal("running");
  });

  it("is not overtaken for ever by a stream of tasks that claim the same path", () => {
    const world = World.ready({ slots: 2 });
    world.submit(spec("n0", { claims: ["x"] }), spec("a", { claims: null }));
    world.done("a", ["x"]);
    world.submit(spec("n1", { claims: ["x"] }), spec("n2", { claims: ["x"] }));
    expect(world.step("a")).to.equal("waiting");
    world.done("n0");
    expect(world.running()).to.deep.equal([]);
    expect(world.step("a")).to.equal("merging");
    expect(world.merged("a").moved("a").running()).to.deep.equal(["n1"]);
  });
});
