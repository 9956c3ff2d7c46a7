import { expect } from "chai";
import { Resolving } from "../../../daemon/resolving.ts";
import { World, id, oid, request, saved, spec } from "../../helpers/core.ts";
import { resolutionRef } from "../../../daemon/landing/branch.ts";
import type { Asked } from "../../../daemon/resolving.ts";
import type { Log } from "../../../daemon/observe/log.ts";
import type { StoredTask } from "../../../daemon/core/state.ts";

const conflict = { kind: "conflict", paths: ["x"], ref: "refs/p", ours: oid("tip") } as const;

/** One parked task, a writer that pins whatever it is asked for, and a journal of what was evicted. */
function scene() {
  const world = World.ready().submit(spec("a"));
  for (let times = 0; times < 3; times += 1) world.done("a", ["x"]).merged("a", conflict);
  const pins = new Map<string, Asked>();
  const stored = new Map<string, StoredTask>();
  const looks: string[] = [];
  const refOf = ({ task, request: by }: Asked) => resolutionRef(task, by);
  const loop = {
    stopping: false,
    ask: async (command: Parameters<World["turn"]>[0]) => {
      const [decision] = world.turn(command);
      if (decision === undefined) throw new Error("nothing was decided");
      return await Promise.resolve(decision);
    },
    read: async <Value>(look: (state: World["state"]) => Value) =>
      await Promise.resolve(look(world.state)),
  };
  const hooks = { looked: (): void => {} };
  const resolving = new Resolving({
    loop,
    landing: {
      resolution: async ({ request: by, task, commit }) => {
        looks.push(by);
        const ref = resolutionRef(task, by);
        pins.set(ref, { request: by, task, commit });
        await Promise.resolve();
        hooks.looked();
        return { kind: "ready", saved: saved(["x"], { commit, ref }) };
      },
      pinnedResolutions: async () => await Promise.resolve([...pins.values()]),
      unpinResolutions: async (left) => {
        for (const one of left) pins.delete(refOf(one));
        return await Promise.resolve({ kind: "done" });
      },
    },
    readTask: async (task) => await Promise.resolve(stored.get(task) ?? null),
    spelling: { workTree: "/", foldsCase: false },
    log: { info: () => {}, warn: () => {}, error: () => {} } as unknown as Log,
    die: () => {},
  });
  const ask = (by: string) =>
    resolving.resolve({ request: request(by), task: id("a"), commit: oid(`by-${by}`) });
  const refs = () => [...pins.values()].map((one) => one.request);
  return { world, resolving, ask, refs, pins, stored, looks, loop, hooks };
}

async function codeOf(asked: Promise<unknown>): Promise<unknown> {
  return await asked.then(
    () => null,
    (error: { failure?: { code: string } }) => error.failure?.code,
  );
}

describe("taking a person's resolution", () => {
  it("of two at once takes one, and only its ref stays", async () => {
    const { world, ask, refs } = scene();
    const codes = await Promise.all([codeOf(ask("r1")), codeOf(ask("r2"))]);
    expect(codes).to.deep.equal([null, "wrong_status"]);
    expect(refs()).to.deep.equal(["r1"]);
    expect(world.task("a").life).to.have.nested.property("saved.commit", oid("by-r1"));
  });

  it("that is sent again before it is answered looks once, and both are told the same", async () => {
    const { ask, refs, looks } = scene();
    expect(await Promise.all([ask("r1"), ask("r1")])).to.deep.equal([["a"], ["a"]]);
    expect(await ask("r1")).to.deep.equal([]);
    expect([looks, refs()]).to.deep.equal([["r1"], ["r1"]]);
  });

  it("lands though its task leaves the memory while git looks at the commit", async () => {
    const { world, ask, hooks, stored } = scene();
    hooks.looked = () => stored.set("a", world.evict("a"));
    expect(await ask("r1")).to.deep.equal(["a"]);
    expect(world.step("a")).to.equal("merging");
  });

  it("asks git for nothing once the supervisor is stopping", async () => {
    const { ask, looks, loop, hooks, refs, world } = scene();
    hooks.looked = () => {
      loop.stopping = true;
      world.turn({ type: "retry", request: request("r9"), ids: [id("a")], archived: new Map() });
    };
    expect(await codeOf(ask("r1"))).to.equal("wrong_status");
    expect(refs(), "left for the next start").to.deep.equal(["r1"]);
    expect(await codeOf(ask("r2"))).to.equal("wrong_status");
    const other = scene();
    other.loop.stopping = true;
    expect(await codeOf(other.ask("r1"))).to.equal("stopping");
    expect([looks, other.looks]).to.deep.equal([["r1"], []]);
  });

  it("is unpinned at the next start where a crash left it undecided, and only then", async () => {
    const { world, resolving, ask, refs, pins, hooks, stored } = scene();
    await ask("decided");
    const left = [
      { request: request("undecided"), task: id("a"), commit: oid("x") },
      { request: request("open"), task: id("a"), commit: oid("by-open") },
      { request: request("stranger"), task: id("nobody"), commit: oid("x") },
    ];
    for (const one of left) pins.set(resolutionRef(one.task, one.request), one);
    world.turn({ type: "cancel", ids: [id("a")] });
    stored.set("a", world.evict("a"));
    hooks.looked = () => resolving.begin();
    expect(await ask("open")).to.deep.equal(["a"]);
    await resolving.close();
    expect(refs().toSorted()).to.deep.equal(["decided", "open", "stranger"]);
  });
});
