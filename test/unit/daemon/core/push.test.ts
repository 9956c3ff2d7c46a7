import { expect } from "chai";
import { emptyState } from "../../../../daemon/core/emptyState.ts";
import { evolve } from "../../../../daemon/core/evolve.ts";
import { pending } from "../../../../daemon/core/react.ts";
import { pushWish } from "../../../../daemon/core/push.ts";
import { defaultSettings, id, oid, spec, World } from "../../../helpers/core.ts";
import type { Oid } from "../../../../ipc/ids.ts";

const place = { remote: "origin", branch: "main" };
const settings = { ...defaultSettings, push: place };

function ready(): World {
  const world = World.ready({ push: place });
  world.turn({ type: "branchPrepared", tip: oid("tip"), targetTip: oid("tip") });
  world.turn({ type: "pushed", place, to: oid("tip"), commits: 0 });
  return world;
}

function land(world: World, name: string): Oid {
  world.submit(spec(name));
  world.done(name, [name]).merged(name).moved(name);
  const { life } = world.task(name);
  return (life.status === "succeeded" ? life.commit : null) ?? oid("none");
}

describe("what is to be pushed", () => {
  it("is the tip, as soon as something landed, until the remote has it", () => {
    const world = ready();
    expect(pushWish(world.state)).to.equal(null);
    const to = land(world, "a");
    expect(world.effectsOf("push")).to.deep.include({
      kind: "push",
      place,
      to,
      accepted: oid("tip"),
      commits: 1,
    });
    world.turn({ type: "pushed", place, to, commits: 1 });
    expect(pushWish(world.state)).to.equal(null);
    expect(world.state.push).to.deep.equal({ place, accepted: to, commits: 0, problem: null });
  });

  it("is asked for again after a crash, and counts what landed behind a push that was under way", () => {
    const world = ready();
    const first = land(world, "a");
    const second = land(world, "b");
    world.turn({ type: "pushed", place, to: first, commits: 1 });
    const again = emptyState();
    for (const recorded of world.journal) evolve(again, recorded);
    const wish = { kind: "push", place, to: second, accepted: first, commits: 1 };
    expect(pending(again).filter(({ kind }) => kind === "push")).to.deep.equal([wish]);
  });

  it("is nothing while pushing is off, also by a journal from before there was any", () => {
    const world = World.ready();
    land(world, "a");
    expect(world.state.push).to.equal(null);
    expect(pending(world.state).some(({ kind }) => kind === "push")).to.equal(false);
  });

  it("begins anew with another place: what the one before had says nothing", () => {
    const world = ready();
    const to = land(world, "a");
    const elsewhere = { remote: "origin", branch: "release" };
    world.turn({ type: "settingsChanged", settings: { ...settings, push: elsewhere } });
    world.turn({ type: "pushed", place, to, commits: 1 });
    expect(pushWish(world.state)).to.deep.include({ place: elsewhere, accepted: null, to });
    world.turn({ type: "settingsChanged", settings: { ...settings, push: null } });
    expect(pushWish(world.state)).to.equal(null);
  });

  it("is written down as failed when the reason changes, not at every try", () => {
    const world = ready();
    land(world, "a");
    const fail = (message: string): void => {
      world.turn({ type: "pushFailed", place, problem: { kind: "failed", message } });
    };
    fail("away");
    fail("away");
    fail("refused");
    const failures = world.journal.filter(({ event }) => event.type === "PushFailed");
    expect(failures).to.have.length(2);
    expect(world.status("a")).to.equal("succeeded");
    expect(world.state.tasks.get(id("a"))?.life.status).to.equal("succeeded");
  });
});
