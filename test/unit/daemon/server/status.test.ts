import { expect } from "chai";
import { spec, worker, World } from "../../../helpers/core.ts";
import { statusView, workerViews } from "../../../../daemon/server/views/status.ts";
import type { ServerContext } from "../../../../daemon/server/context.ts";
import type { StatusView } from "../../../../ipc/statusViews.ts";

function queueOf(world: World): StatusView["queue"] {
  const context = {
    wallMs: () => world.at,
    workers: () => [],
    journalProblem: () => null,
    shortage: () => null,
    daemonState: () => "running",
    lockFile: () => null,
    foreseen: () => [],
    outbox: () => ({ state: "idle", nextTryAt: null }),
  } as Partial<ServerContext> as ServerContext;
  const branches = {
    tip: null,
    target_tip: null,
    ahead: 0,
    rewound: null,
    attributes_left_out: null,
  };
  return statusView(world.state, context, { open_max: 0, finished_max: 0 }, branches).queue;
}

function many(count: number, claims: (at: number) => string[]) {
  return Array.from({ length: count }, (_, at) => spec(`t${at}`, { claims: claims(at) }));
}

describe("the workers that are shown", () => {
  it("were heard of a whole number of milliseconds ago", () => {
    const slot = {
      worker: worker(1),
      pid: 7,
      state: "connected",
      since: 5,
      heartbeat: null,
      heartbeatAgeMs: 4_631.173_945,
    } as const;
    const [shown] = workerViews(World.ready({ slots: 1 }).state, [slot]);
    expect(shown?.heartbeat_age_ms).to.equal(4_631);
  });
});

describe("what a queue waits for", () => {
  it("is told of every task when the queue is short", () => {
    const world = World.ready({ slots: 1 }).submit(spec("busy", { claims: ["a"] }));
    world.submit(...many(150, (at) => [at < 40 ? "a" : `b${at}`]), spec("last"));
    expect(queueOf(world)).to.deep.include({ length: 151, explained: 151 });
    expect(queueOf(world).waiting_on).to.include({ claim: 40, slot: 111 });
  });

  it("is told of as many as can be looked at in a moment, and how many these are", () => {
    const world = World.ready({ slots: 1 }).submit(spec("busy", { claims: ["a"] }));
    world.submit(...many(3_000, (at) => (at % 2 === 0 ? ["a"] : [])));
    expect(queueOf(world)).to.deep.include({ length: 3_000, explained: 1_200 });
    expect(queueOf(world).waiting_on).to.include({ claim: 200, slot: 1_000 });
  });
});
