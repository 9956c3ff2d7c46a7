import { expect } from "chai";
import fc from "fast-check";
import { emptyState } from "../../../../daemon/core/emptyState.ts";
import { evolve } from "../../../../daemon/core/evolve.ts";
import { holdingOf } from "../../../../daemon/core/holding.ts";
import { isFinal, isHold, isInstant, isPaused } from "../../../../daemon/core/state.ts";
import { rebuildSchedule, resetSchedule } from "../../../../daemon/core/scheduleIndex.ts";
import { restore, stateRow } from "../../../../daemon/core/snapshot.ts";
import { whyWaiting } from "../../../../daemon/core/explain.ts";
import { essence, throughJson } from "../../../helpers/core.ts";
import { acts } from "./acts.ts";
import {
  claimsConflict,
  forgotten,
  forgottenHolds,
  heldBeside,
  isReady,
  live,
  recount,
} from "./oracle.ts";
import { Story } from "./story.ts";
import type { Recorded } from "../../../../daemon/core/events.ts";
import type { HolderId } from "../../../../ipc/ids.ts";
import type { Holding } from "../../../../daemon/core/holding.ts";
import type { State, Task } from "../../../../daemon/core/state.ts";
import type { Act } from "./story.ts";

const seed = Number(process.env["ORCHD_TEST_SEED"] ?? 20_260_726);
const numRuns = Number(process.env["ORCHD_TEST_RUNS"] ?? 80);

/** Plays a story and looks at the world after every act. */
function play(story: Story, plan: readonly Act[], look: (story: Story) => void): void {
  for (const act of plan) {
    story.play(act);
    look(story);
  }
}

function forAll(property: (plan: Act[]) => void): void {
  fc.assert(fc.property(acts, property), { seed, numRuns });
}

describe(`the core, in stories at random (seed ${seed}, ${numRuns} each)`, function () {
  this.timeout(120_000);

  it("keeps its counts equal to a recount", () => {
    forAll((plan) =>
      play(new Story(), plan, ({ world: { state } }) => {
        expect(state.counts).to.deep.equal(recount(state));
      }),
    );
  });

  it("never grants a claim that meets one that is held", () => {
    forAll((plan) => {
      const seen = new Set<number>();
      play(new Story(), plan, ({ world: { state } }) => {
        for (const task of live(state))
          if (startedNow(task, seen)) expectAlone(state, task.id, holdingOf(task));
        for (const { id, kind, granted, ...one } of state.holds.values()) {
          if (kind === "foreign" || granted === null || seen.has(granted.fence)) continue;
          seen.add(granted.fence);
          expectAlone(state, id, { ...one.claims, optimistic: false });
        }
      });
    });
  });

  it("gives a worker one ordinary task or up to 64 instant ones, and knows which it holds", () => {
    forAll((plan) => play(new Story(), plan, ({ world: { state } }) => expectPlaces(state)));
  });

  it("starts every task that a place is free for and nothing stands in the way of", () => {
    forAll((plan) =>
      play(new Story(), plan, ({ world: { state, at } }) => {
        expect(forgotten(state, at).map((task) => task.id)).to.deep.equal([]);
        expect(forgottenHolds(state).map((one) => one.id)).to.deep.equal([]);
      }),
    );
  });

  it("keeps every queued task where it is found again, and says why it waits", () => {
    forAll((plan) =>
      play(new Story(), plan, ({ world: { state, at } }) => {
        for (const task of state.tasks.values())
          if (task.life.status === "queued") expectListed(state, task, at);
      }),
    );
  });

  it("lets nobody who waits for claims be passed more than four times", () => {
    forAll((plan) => {
      const story = new Story();
      play(story, plan, () => {});
      const passed = new Map<string, number>();
      for (const { event } of story.world.journal) {
        if (event.type === "SupervisorStarted") passed.clear();
        if (event.type !== "AttemptStarted" && event.type !== "HoldGranted") continue;
        passed.delete(event.type === "HoldGranted" ? event.hold : event.task);
        for (const other of event.overtook) {
          passed.set(other, (passed.get(other) ?? 0) + 1);
          expect(passed.get(other), other).to.be.at.most(4);
        }
      }
    });
  });

  it("carries out one step of landing at a time, and knows who lands together and who waits", () => {
    forAll((plan) =>
      play(new Story(), plan, ({ world: { state } }) => {
        const landing = live(state).filter(({ life }) => life.status === "landing");
        const waiting = landing.filter(
          ({ life }) => life.status === "landing" && life.step.at === "waiting",
        );
        const atWork = landing.filter((task) => !waiting.includes(task)).map((task) => task.id);
        const { current, chain, aside } = state.landing;
        expect(atWork.toSorted()).to.deep.equal([...chain].toSorted());
        expect(chain.length).to.be.at.most(state.settings.chainMax);
        const idle = live(state).filter(
          ({ life }) => life.status === "landing" && life.step.at === "chained",
        );
        expect(idle.length).to.equal(chain.length - (current === null ? 0 : 1));
        if (chain.length === 0) expect([current, aside.size]).to.deep.equal([null, 0]);
        expect([...state.landing.waiting].toSorted()).to.deep.equal(
          waiting.map((task) => task.id).toSorted(),
        );
      }),
    );
  });

  it("comes to the same state by replaying the journal through JSON, from the start and from any snapshot", () => {
    forAll((plan) => {
      const story = new Story();
      const snapshots: string[] = [];
      play(story, plan, ({ world: { state } }) => snapshots.push(snapshotText(state)));
      const { state, journal, at } = story.world;
      const read = throughJson(journal);
      expect(read).to.deep.equal(journal);
      const replayed = replay(emptyState(), read);
      expect(essence(replayed)).to.deep.equal(essence(state));
      for (const text of [snapshots[0], snapshots[snapshots.length >> 1], snapshots.at(-1)]) {
        if (text === undefined) continue;
        const rows = JSON.parse(text) as Rows;
        const restored = restore(rows.row, rows.tasks, rows.finals, at);
        const rest = read.filter(({ seq }) => seq > rows.row.seq);
        expect(essence(replay(restored, rest))).to.deep.equal(essence(state));
      }
    });
  });

  it("forgets no task that can start when the index is made anew", () => {
    forAll((plan) => {
      const story = new Story();
      play(story, plan, () => {});
      const { state, at } = story.world;
      resetSchedule(state);
      rebuildSchedule(state, at);
      story.world.turn();
      expect(forgotten(state, at).map((task) => task.id)).to.deep.equal([]);
      for (const task of state.tasks.values())
        if (task.life.status === "queued") expectListed(state, task, at);
    });
  });

  it("brings every task to an end once everything is answered", () => {
    forAll((plan) => {
      const story = new Story();
      play(story, plan, () => {});
      story.settle(2_000);
      expect(story.open()).to.equal(0);
      const { state } = story.world;
      expect(state.schedule.holders.size).to.equal(0);
      expect([...state.schedule.blocked.keys(), ...state.schedule.unmet.keys()]).to.deep.equal([]);
    });
  });
});

function startedNow(task: Task, seen: Set<number>): boolean {
  if (task.life.status !== "running" || seen.has(task.life.fence)) return false;
  seen.add(task.life.fence);
  return true;
}

function expectAlone(state: State, id: HolderId, mine: Holding): void {
  const others = heldBeside(state, id);
  for (const theirs of others)
    expect(claimsConflict(mine, theirs), `${id} beside ${JSON.stringify(theirs)}`).to.equal(false);
  for (const [resource, count] of Object.entries(mine.resources)) {
    const held = others.reduce((sum, { resources }) => sum + (resources[resource] ?? 0), 0);
    const capacity = state.settings.resources[resource] ?? 1;
    if (held > 0) expect(held + count, resource).to.be.at.most(capacity);
  }
}

function expectPlaces(state: State): void {
  for (const { id, held, instants } of state.workers.values()) {
    const running = live(state).filter(
      ({ life }) => life.status === "running" && life.worker === id,
    );
    expect([...held].toSorted()).to.deep.equal(running.map((task) => task.id).toSorted());
    expect(instants).to.equal(running.filter(({ spec }) => isInstant(spec)).length);
    if (instants < running.length) expect(running).to.have.length(1);
    expect(instants).to.be.at.most(64);
  }
}

function expectListed(state: State, task: Task, at: number): void {
  const { schedule } = state;
  const lists = (heap: { readonly entries: readonly { readonly key: string }[] }) =>
    heap.entries.some(({ key }) => key === task.id);
  expect(whyWaiting(state, task, at), `${task.id} waits for no reason`).to.not.equal(null);
  const found =
    isPaused(state, task) ||
    schedule.unmet.has(task.id) ||
    schedule.blocked.has(task.id) ||
    lists(schedule.timers) ||
    lists(isInstant(task.spec) ? schedule.instants : schedule.ordinary);
  expect(found, `${task.id} is nowhere`).to.equal(true);
  if (isReady(state, task, at))
    expect(schedule.unmet.has(task.id), `${task.id} waits for what is over`).to.equal(false);
  const bunch = schedule.blocked.get(task.id)?.line?.bunch;
  if (bunch === undefined) return;
  const { spot, nominee } = bunch;
  const stopping = spot.places.slice(0, 4).flatMap((places) => places.map(({ party }) => party.id));
  const behind = nominee !== null && nominee.id !== task.id && !schedule.blocked.has(nominee.id);
  expect(behind || stopping.length > 0, `nobody stops ${task.id}`).to.equal(true);
  for (const by of stopping) {
    const other = isHold(by) ? undefined : state.tasks.get(by);
    const isThere = isHold(by) ? state.holds.has(by) : other !== undefined && !isFinal(other.life);
    expect(isThere, `${task.id} waits for ${by}`).to.equal(true);
  }
}

type Rows = {
  readonly row: Parameters<typeof restore>[0] & object;
  readonly tasks: Parameters<typeof restore>[1];
  readonly finals: Parameters<typeof restore>[2];
};

function snapshotText(state: State): string {
  return JSON.stringify({
    row: stateRow(state),
    tasks: [...state.tasks.values()].filter(({ life }) => !isFinal(life)),
    finals: [...state.finals].map(([id, final]) => ({ id, ...final })),
  });
}

function replay(state: State, journal: readonly Recorded[]): State {
  for (const recorded of journal) evolve(state, recorded);
  return state;
}
