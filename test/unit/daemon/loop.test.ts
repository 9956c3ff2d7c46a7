import { expect } from "chai";
import { emptyState } from "../../../daemon/core/emptyState.ts";
import { finishedKeptMax, JournalFailure, Loop } from "../../../daemon/loop.ts";
import { realClock } from "../../../system/clock.ts";
import { recoverState } from "../../../daemon/recovery.ts";
import {
  defaultSettings,
  essence,
  id,
  ids,
  instant,
  readyCommand,
  request,
  saved,
  spec,
  started,
  submit,
  throughJson,
  worker,
} from "../../helpers/core.ts";
import { until } from "../../helpers/until.ts";
import type { Command, Decision } from "../../../daemon/core/commands.ts";
import type { Effect } from "../../../daemon/core/effects.ts";
import type { HoldId } from "../../../ipc/ids.ts";
import type { Recorded } from "../../../daemon/core/events.ts";
import type { State } from "../../../daemon/core/state.ts";
import type { TaskSpec } from "../../../ipc/taskSpec.ts";
import type {
  JournalResult,
  JournalRow,
  Recovered,
  Snapshot,
  SnapshotTask,
} from "../../../daemon/journal/records.ts";

type Call<Value> = {
  readonly value: Value;
  readonly answer: (result: JournalResult<null>) => void;
};

const written: JournalResult<null> = { ok: true, value: null };
const full: JournalResult<null> = { ok: false, problem: { kind: "full", message: "no space" } };
const broken: JournalResult<null> = { ok: false, problem: { kind: "io", message: "EIO" } };

/** A journal in memory that writes when the test says so, or at once while `held` is false. */
class DrivenJournal {
  held = false;
  heldSnapshots = false;
  readonly appends: Call<readonly JournalRow[]>[] = [];
  readonly snapshots: (Call<Snapshot> & { readonly tasks: SnapshotTask[] })[] = [];
  readonly rows: JournalRow[] = [];
  readonly tasks = new Map<string, SnapshotTask>();
  snapshotRow: Recovered["snapshot"] = null;

  append(rows: readonly JournalRow[]): Promise<JournalResult<null>> {
    return new Promise((resolve) => {
      const answer = (result: JournalResult<null>) => {
        if (result.ok) this.rows.push(...rows);
        resolve(result);
      };
      this.appends.push({ value: rows, answer });
      if (!this.held) answer(written);
    });
  }

  snapshot(part: Snapshot): Promise<JournalResult<null>> {
    return new Promise((resolve) => {
      const tasks: SnapshotTask[] = [];
      const answer = (result: JournalResult<null>) => {
        for (const slice of part.tasks) {
          tasks.push(...slice);
          if (!result.ok) break;
        }
        if (result.ok) this.#keep(part, tasks);
        resolve(result);
      };
      this.snapshots.push({ value: part, answer, tasks });
      if (!this.heldSnapshots) answer(written);
    });
  }

  recovered(): Recovered {
    const all = [...this.tasks.values()];
    const from = this.snapshotRow?.seq ?? 0;
    const events = this.rows.filter(({ seq }) => seq > from).map((row) => ({ ...row, epoch: 1 }));
    return throughJson({
      snapshot: this.snapshotRow,
      live: all.filter(({ final }) => !final),
      final: all.filter(({ final }) => final),
      events,
    });
  }

  #keep({ seq, state }: Snapshot, tasks: readonly SnapshotTask[]): void {
    this.snapshotRow = { seq, state };
    for (const task of tasks) this.tasks.set(task.id, task);
  }
}

type Rig = {
  readonly loop: Loop;
  readonly journal: DrivenJournal;
  readonly effects: Effect[];
  readonly published: Recorded[];
  readonly deaths: unknown[];
  readonly clock: { at: number };
  /** Everything that happened, in order. */
  readonly log: string[];
};

/** A supervisor with two workers that waits for its journal from now on. */
async function makeRig(state: State = emptyState(), slots = 2): Promise<Rig> {
  const journal = new DrivenJournal();
  const rig = { journal, effects: [], published: [], deaths: [], clock: { at: 1_000 }, log: [] };
  const { effects, published, deaths, clock, log }: Omit<Rig, "loop"> = rig;
  const loop = new Loop(state, [], {
    journal,
    wallMs: () => clock.at,
    setTimer: realClock.setTimer,
    carryOut: (asked) => {
      effects.push(...asked);
      log.push(...asked.map(({ kind }) => kind));
    },
    publish: (batch) => {
      published.push(...batch);
      log.push("published");
    },
    die: (reason) => void deaths.push(reason),
  });
  const workers = Array.from({ length: slots }, (_, at) => readyCommand(worker(at + 1)));
  await Promise.all([started({ slots }), ...workers].map((command) => loop.ask(command)));
  for (const list of [journal.appends, effects, published, log]) list.length = 0;
  return { ...rig, loop };
}

function typesOf(rows: readonly JournalRow[] | undefined): string[] {
  return (rows ?? []).map(({ type }) => type);
}

/** Whatever can happen without the outside world has happened. */
async function quiet(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

function lockOn(name: string, path: string): Command {
  const owner = { pid: 1, startTime: 1, bootId: "b", pidNamespace: "n", host: "h" };
  const claims = { writes: [path], reads: [], resources: {} };
  return { type: "lock", request: { id: name as HoldId, claims, owner, note: "" }, wait: true };
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
}

function many(count: number, prefix = "t"): TaskSpec[] {
  return Array.from({ length: count }, (_, at) => instant(`${prefix}${at}`));
}

function cancelAll(count: number, prefix = "t"): Command {
  return { type: "cancel", ids: many(count, prefix).map((task) => task.id) };
}

describe("the loop", () => {
  it("answers, acts and publishes only when the batch is durable", async () => {
    const { loop, journal, log, effects, published } = await makeRig();
    journal.held = true;
    void loop.ask(submit(spec("a"))).then(() => log.push("answered"));
    await until(() => journal.appends.length === 1);
    await quiet();
    expect(log).to.deep.equal([]);
    journal.appends[0]?.answer(written);
    await until(() => log.length === 3);
    expect(log).to.have.members(["answered", "dispatch", "published"]);
    expect(effects).to.have.length(1);
    expect(published.map(({ event }) => event.type)).to.deep.equal([
      "TaskSubmitted",
      "AttemptStarted",
    ]);
    await loop.end();
  });

  it("writes a submit and the start that it causes in one batch", async () => {
    const { loop, journal } = await makeRig();
    await loop.ask(submit(spec("a", { claims: ["x"] })));
    expect(journal.appends.map(({ value }) => typesOf(value))).to.deep.equal([
      ["TaskSubmitted", "AttemptStarted"],
    ]);
    const row = journal.appends[0]?.value[0];
    expect(row).to.include({ at: 1_000, version: 1, task: "a", type: "TaskSubmitted" });
    expect(JSON.parse(row?.body ?? "")).to.not.have.property("type");
    await loop.end();
  });

  it("lets everything that comes in during a commit join the next one", async () => {
    const { loop, journal } = await makeRig();
    journal.held = true;
    const asked = [loop.ask(submit(spec("a")))];
    await until(() => journal.appends.length === 1);
    for (const name of ["b", "c", "d"]) asked.push(loop.ask(submit(spec(name))));
    await quiet();
    expect(journal.appends).to.have.length(1);
    journal.held = false;
    journal.appends[0]?.answer(written);
    await Promise.all(asked);
    expect(journal.appends.map(({ value }) => typesOf(value))).to.deep.equal([
      ["TaskSubmitted", "AttemptStarted"],
      ["TaskSubmitted", "TaskSubmitted", "TaskSubmitted", "AttemptStarted"],
    ]);
    await loop.end();
  });

  it("lets what is asked in one go share the first batch", async () => {
    const { loop, journal } = await makeRig();
    await Promise.all(["a", "b"].map((name) => loop.ask(submit(spec(name)))));
    expect(journal.appends).to.have.length(1);
    await loop.end();
  });

  it("decides no more than 1,000 commands in one batch", async () => {
    const { loop, journal } = await makeRig();
    await Promise.all(many(2_500).map((task) => loop.ask(submit(task))));
    const submitted = journal.appends.map(
      ({ value }) => typesOf(value).filter((type) => type === "TaskSubmitted").length,
    );
    expect(submitted).to.deep.equal([1_000, 1_000, 500]);
    await loop.end();
  });

  it("decides on the newest state, so one of two conflicting submits in a batch is refused", async () => {
    const { loop } = await makeRig();
    const both = [submit(spec("a")), submit(spec("a", { priority: 1 }))];
    const decisions = await Promise.all(both.map((command) => loop.ask(command)));
    expect(decisions.map(({ ok }) => ok)).to.deep.equal([true, false]);
    await loop.end();
  });

  it("writes nothing when nothing happened, and still answers", async () => {
    const { loop, journal, log } = await makeRig();
    expect((await loop.ask({ type: "cancel", ids: ids("ghost") })).ok).to.equal(false);
    await loop.ask({ type: "resume", ids: [] });
    expect(journal.appends).to.have.length(0);
    expect(log).to.deep.equal([]);
    await loop.end();
  });

  it("says of a fact when it is durable", async () => {
    const { loop, journal, log } = await makeRig();
    journal.held = true;
    loop.tell({ type: "pause", ids: [] }, () => log.push("durable"));
    await until(() => journal.appends.length === 1);
    await quiet();
    expect(log).to.deep.equal([]);
    journal.appends[0]?.answer(written);
    await until(() => log.includes("durable"));
    await loop.end();
  });

  it("takes facts that an effect brings at once into the next batch", async () => {
    const { loop, journal, effects } = await makeRig();
    await loop.ask(submit(spec("a")));
    const [dispatch] = effects;
    if (dispatch?.kind !== "dispatch") throw new Error("nothing was dispatched");
    const { task, attempt, fence } = dispatch;
    const outcome = { result: "done", saved: saved(["x"]) } as const;
    const report = { task, attempt, fence, outcome, elapsed_ms: 1 };
    loop.tell({ type: "report", worker: worker(1), report });
    await until(() => effects.some(({ kind }) => kind === "merge"));
    expect(typesOf(journal.appends.at(-1)?.value)).to.deep.equal([
      "AttemptEnded",
      "LandingStarted",
    ]);
    await loop.end();
  });

  it("starts a task by itself when its time has come", async () => {
    const { loop, effects, clock } = await makeRig();
    await loop.ask(submit(spec("a", { not_before: { delay_ms: 10 } })));
    expect(effects).to.have.length(0);
    clock.at += 10;
    await until(() => effects.some(({ kind }) => kind === "dispatch"));
    await loop.end();
  });
});

describe("a read of the loop", () => {
  it("waits for the batch under way", async () => {
    const { loop, journal, log } = await makeRig();
    journal.held = true;
    void loop.ask(submit(spec("a")));
    await until(() => journal.appends.length === 1);
    void loop.read(({ counts }) => log.push(`running ${counts.running}`));
    await quiet();
    expect(log).to.deep.equal([]);
    journal.appends[0]?.answer(written);
    await until(() => log.includes("running 1"));
    await loop.end();
  });

  it("sees each batch at its end, not only the last of a busy time", async () => {
    const { loop, journal, log } = await makeRig();
    journal.held = true;
    void loop.ask(submit(spec("a")));
    await until(() => journal.appends.length === 1);
    void loop.ask(submit(spec("b")));
    void loop.read(({ counts }) => log.push(`running ${counts.running}`));
    journal.appends[0]?.answer(written);
    await until(() => journal.appends.length === 2);
    expect(log).to.include("running 1");
    journal.appends[1]?.answer(written);
    await loop.end();
  });

  it("is answered at once when everything is durable", async () => {
    const { loop } = await makeRig();
    let seen = 0;
    void loop.read((state) => (seen = state.seq));
    expect(seen).to.be.greaterThan(0);
    await loop.end();
  });

  it("that throws is rejected with what it threw, and harms nothing", async () => {
    const { loop } = await makeRig();
    const failed = await loop
      .read(() => {
        throw new Error("a bug in a view");
      })
      .catch((error: unknown) => String(error));
    expect(failed).to.equal("Error: a bug in a view");
    expect((await loop.ask(submit(spec("a")))).ok).to.equal(true);
    await loop.end();
  });
});

describe("a journal that cannot be written", () => {
  it("because the disk is full gets the same batch again, and that is said meanwhile", async () => {
    const { loop, journal, log } = await makeRig();
    journal.held = true;
    void loop.ask(submit(spec("a"))).then(() => log.push("answered"));
    await until(() => journal.appends.length === 1);
    journal.appends[0]?.answer(full);
    await until(() => loop.journalProblem !== null);
    expect(loop.journalProblem).to.match(/disk is full/);
    expect(await loop.read(() => "seen")).to.equal("seen");
    await until(() => journal.appends.length === 2);
    expect(journal.appends[1]?.value).to.deep.equal(journal.appends[0]?.value);
    expect(log).to.deep.equal([]);
    journal.appends[1]?.answer(written);
    await until(() => log.includes("answered"));
    expect(loop.journalProblem).to.equal(null);
    expect(journal.rows.map(({ seq }) => seq)).to.deep.equal(journal.rows.map((_, at) => at + 1));
    await loop.end();
  });

  it("shows what is durable while the disk is full, and none of the batch that waits", async () => {
    const { loop, journal } = await makeRig(emptyState(), 1);
    await loop.ask(submit(spec("running"), spec("queued", { claims: ["x"] }), instant("later")));
    await loop.ask({ type: "cancel", ids: ids("later") });
    const durable = essence(loop.state);
    journal.held = true;
    journal.appends.length = 0;
    const asked = [
      loop.ask(submit(spec("new"))),
      loop.ask({ type: "cancel", ids: ids("queued") }),
      loop.ask({ type: "retry", request: request("r"), ids: ids("later"), archived: new Map() }),
      loop.ask({ type: "pause", ids: [] }),
      loop.ask(started({ slots: 7, follow: "off" }, 2)),
    ];
    await until(() => journal.appends.length === 1);
    const early = loop.read(essence);
    journal.appends[0]?.answer(full);
    expect(await early).to.deep.equal(durable);
    expect(await loop.read(essence)).to.deep.equal(durable);
    await until(() => journal.appends.length === 2);
    journal.appends[1]?.answer(written);
    await Promise.all(asked);
    expect(await loop.read(essence)).to.deep.equal(essence(loop.state));
    expect(await loop.read((state) => state.tasks.has(id("new")))).to.equal(true);
    await loop.end();
  });

  it("shows no lock as granted or broken that is so only in the batch that waits", async () => {
    const { loop, journal } = await makeRig(emptyState(), 1);
    for (const name of ["lock:first", "lock:second", "lock:third"])
      await loop.ask(lockOn(name, name === "lock:third" ? "y" : "x"));
    const durable = essence(loop.state);
    journal.held = true;
    journal.appends.length = 0;
    const asked = [
      loop.ask({ type: "unlock", hold: "lock:first" as HoldId, because: "released" }),
      loop.ask({ type: "breakLocks", holders: ["lock:third" as HoldId] }),
    ];
    await until(() => journal.appends.length === 1);
    const early = loop.read(essence);
    journal.appends[0]?.answer(full);
    expect(await early).to.deep.equal(durable);
    await until(() => journal.appends.length === 2);
    journal.appends[1]?.answer(written);
    await Promise.all(asked);
    const granted = await loop.read(({ holds }) =>
      [...holds.values()].map(({ id: hold, granted: is, broken: was }) => [hold, is !== null, was]),
    );
    expect(granted).to.deep.equal([
      ["lock:second", true, false],
      ["lock:third", true, true],
    ]);
    await loop.end();
  });

  it("because of an input or output error ends the process, and nobody is answered", async () => {
    const { loop, journal, log, deaths } = await makeRig();
    journal.held = true;
    void loop.ask(submit(spec("a"))).then(() => log.push("answered"));
    void loop.read(() => log.push("read"));
    loop.tell({ type: "pause", ids: [] }, () => log.push("durable"));
    await until(() => journal.appends.length === 1);
    journal.appends[0]?.answer(broken);
    await until(() => deaths.length === 1);
    expect(deaths[0]).to.be.instanceOf(JournalFailure);
    void loop.read(() => log.push("read later"));
    loop.poke();
    await loop.end();
    await loop.broken;
    await quiet();
    expect(log).to.deep.equal([]);
    expect(journal.appends).to.have.length(1);
  });

  it("ends the process as well when a call to it throws", async () => {
    const { loop, journal, deaths } = await makeRig();
    journal.append = () => Promise.reject(new Error("the thread is gone"));
    void loop.ask(submit(spec("a")));
    await until(() => deaths.length === 1);
    await loop.end();
  });
});

describe("the end of the loop", () => {
  it("waits for the batch under way", async () => {
    const { loop, journal, log } = await makeRig();
    journal.held = true;
    void loop.ask(submit(spec("a"))).then(() => log.push("answered"));
    await until(() => journal.appends.length === 1);
    const ended = loop.end().then(() => log.push("ended"));
    await quiet();
    expect(log).to.deep.equal([]);
    journal.appends[0]?.answer(written);
    await ended;
    expect(log).to.include("answered");
    expect(log.at(-1)).to.equal("ended");
  });

  it("refuses what was asked too late, and says of no fact that it is durable", async () => {
    const { loop, journal, log } = await makeRig();
    journal.held = true;
    void loop.ask(submit(spec("a")));
    await until(() => journal.appends.length === 1);
    const late = loop.ask(submit(spec("b")));
    loop.tell({ type: "pause", ids: [] }, () => log.push("durable"));
    const ended = loop.end();
    journal.appends[0]?.answer(written);
    await ended;
    const refusals: Decision[] = [await late, await loop.ask(submit(spec("c")))];
    for (const refusal of refusals)
      expect(refusal.ok ? "" : refusal.failure.code).to.equal("stopping");
    expect(journal.rows.some(({ task }) => task === "b")).to.equal(false);
    expect(log).to.not.include("durable");
  });

  it("does not wait for space on the disk", async () => {
    const { loop, journal, log } = await makeRig();
    journal.held = true;
    void loop.ask(submit(spec("a"))).then(() => log.push("answered"));
    await until(() => journal.appends.length === 1);
    journal.appends[0]?.answer(full);
    await until(() => loop.journalProblem !== null);
    const ended = loop.end();
    await until(() => journal.appends.length === 2);
    journal.appends[1]?.answer(full);
    await ended;
    expect(log).to.deep.equal([]);
  });

  it("leaves no timer behind", async () => {
    const { loop } = await makeRig();
    const before = timers();
    await loop.ask(submit(spec("a", { not_before: { delay_ms: 1_000_000 } })));
    await until(() => timers() > before);
    await loop.end();
    expect(timers()).to.equal(before);
  });
});

describe("a loop that is told that a disk is short of space", () => {
  it("starts nothing, lands what has run, and starts what waits as soon as there is enough", async () => {
    const { loop, effects } = await makeRig();
    await loop.ask(submit(spec("a", { claims: ["x"] })));
    loop.shortage = { folder: "/w", free_bytes: 1, needed_bytes: 2 };
    await loop.ask(submit(spec("b")));
    const fence = await loop.read((state) => state.tasks.get(id("a"))?.attempts[0]?.fence ?? 0);
    const outcome = { result: "done", saved: saved(["x"]) } as const;
    const report = { task: id("a"), attempt: 1, fence, outcome, elapsed_ms: 1 };
    await loop.ask({ type: "report", worker: worker(1), report });
    expect(effects.map(({ kind }) => kind)).to.deep.equal(["placeLock", "dispatch", "merge"]);
    loop.shortage = null;
    await until(() => effects.some((effect) => effect.kind === "dispatch" && effect.task === "b"));
    await loop.end();
  });
});

describe("a loop that drains", () => {
  it("starts nothing, but lands what has run, and goes on when it is poked", async () => {
    const { loop, effects } = await makeRig();
    await loop.ask(submit(spec("a", { claims: ["x"] })));
    loop.draining = true;
    await loop.ask(submit(spec("b"), spec("timed", { not_before: { delay_ms: 1 } })));
    const { fence } = await loop.read((state) => {
      const attempt = state.tasks.get(id("a"))?.attempts[0];
      return { fence: attempt?.fence ?? 0 };
    });
    const outcome = { result: "done", saved: saved(["x"]) } as const;
    const report = { task: id("a"), attempt: 1, fence, outcome, elapsed_ms: 1 };
    await loop.ask({ type: "report", worker: worker(1), report });
    expect(effects.map(({ kind }) => kind)).to.deep.equal(["placeLock", "dispatch", "merge"]);
    loop.draining = false;
    loop.poke();
    await until(() => effects.some((effect) => effect.kind === "dispatch" && effect.task === "b"));
    await loop.end();
  });

  it("begins no landing either when it stops", async () => {
    const { loop, effects } = await makeRig();
    await loop.ask(submit(spec("a", { claims: ["x"] })));
    loop.stopping = true;
    const fence = await loop.read((state) => state.tasks.get(id("a"))?.attempts[0]?.fence ?? 0);
    const outcome = { result: "done", saved: saved(["x"]) } as const;
    const report = { task: id("a"), attempt: 1, fence, outcome, elapsed_ms: 1 };
    await loop.ask({ type: "report", worker: worker(1), report });
    await loop.ask(submit(spec("b")));
    expect(effects.map(({ kind }) => kind)).to.deep.equal(["placeLock", "dispatch"]);
    await loop.end();
  });

  it("looks again when it is poked during a commit", async () => {
    const { loop, journal, effects } = await makeRig();
    loop.draining = true;
    journal.held = true;
    void loop.ask(submit(spec("a")));
    await until(() => journal.appends.length === 1);
    loop.draining = false;
    loop.poke();
    journal.held = false;
    journal.appends[0]?.answer(written);
    await until(() => effects.some(({ kind }) => kind === "dispatch"));
    await loop.end();
  });
});

describe("snapshots", () => {
  it("come after 5,000 events and hold the tasks that changed since the one before", async () => {
    const { loop, journal } = await makeRig(emptyState(), 0);
    const before = loop.state.seq;
    await loop.ask(submit(...many(4_999 - before)));
    expect(journal.snapshots).to.have.length(0);
    await loop.ask(submit(instant("last")));
    expect(journal.snapshots).to.have.length(1);
    expect(journal.snapshots[0]?.value.seq).to.equal(5_000);
    expect(journal.snapshots[0]?.tasks).to.have.length(5_000 - before);
    await loop.ask(submit(...many(5_000, "u")));
    expect(journal.snapshots[1]?.tasks).to.have.length(5_000);
    const first = journal.snapshots[0]?.tasks[0];
    expect(first).to.deep.include({ id: "t0", status: "queued", final: false, commit: null });
    await loop.end();
  });

  it("name a task that could not be written again in the next one", async () => {
    const { loop, journal } = await makeRig(emptyState(), 0);
    journal.heldSnapshots = true;
    await loop.ask(submit(...many(5_000)));
    journal.snapshots[0]?.answer(full);
    await quiet();
    await loop.ask(submit(...many(5_000, "u")));
    journal.snapshots[1]?.answer(written);
    expect(journal.snapshots[1]?.tasks).to.have.length(10_000);
    await loop.end();
  });

  it("are made one at a time", async () => {
    const { loop, journal } = await makeRig(emptyState(), 0);
    journal.heldSnapshots = true;
    for (const prefix of ["t", "u", "v"]) await loop.ask(submit(...many(5_000, prefix)));
    expect(journal.snapshots).to.have.length(1);
    journal.snapshots[0]?.answer(written);
    await quiet();
    await loop.ask(submit(spec("x")));
    expect(journal.snapshots).to.have.length(2);
    journal.snapshots[1]?.answer(written);
    expect(journal.snapshots[1]?.tasks).to.have.length(10_001);
    await loop.end();
  });

  it("show the moment they were asked for, however much changes while they are written", async () => {
    const { loop, journal, clock } = await makeRig(emptyState(), 0);
    journal.heldSnapshots = true;
    await loop.ask(submit(...many(5_000)));
    const { events: none, ...at } = journal.recovered();
    const then = essence(recoverState({ ...at, events: none }, clock.at).state);
    await loop.ask({ type: "pause", ids: many(100).map((task) => task.id) });
    await loop.ask(cancelAll(2_000));
    await loop.ask({ type: "retry", request: request("r"), ids: ids("t7"), archived: new Map() });
    journal.snapshots[0]?.answer(written);
    expect(journal.snapshots[0]?.tasks).to.have.length(5_000);
    const { live, snapshot } = journal.recovered();
    const shown = recoverState({ snapshot, live, final: [], events: [] }, clock.at);
    expect(essence(shown.state)).to.deep.equal(then);
    await loop.end();
  });

  it("are waited for before the events behind the last one become too many", async () => {
    const { loop, journal, log } = await makeRig(emptyState(), 0);
    journal.heldSnapshots = true;
    for (const prefix of ["t", "u", "v"]) await loop.ask(submit(...many(7_000, prefix)));
    expect(journal.snapshots).to.have.length(1);
    void loop.ask(submit(spec("late"))).then(() => log.push("answered"));
    await quiet();
    expect(log).to.not.include("answered");
    journal.snapshots[0]?.answer(written);
    await until(() => log.includes("answered"));
    journal.snapshots[1]?.answer(written);
    await loop.end();
  });

  it("let the oldest finished tasks leave the memory, all but the last ones, and never what is kept of them", async () => {
    const { loop, journal } = await makeRig(emptyState(), 0);
    await loop.ask(submit(...many(2_600)));
    await loop.ask(cancelAll(2_600));
    await until(() => loop.state.tasks.size === finishedKeptMax);
    expect(loop.state.finals.size).to.equal(2_600);
    expect(loop.state.counts.cancelled).to.equal(2_600);
    expect(loop.state.tasks.has(id("t2599"))).to.equal(true);
    expect(loop.state.tasks.has(id("t2099"))).to.equal(false);
    expect(journal.tasks.get("t0")).to.include({ final: true, status: "cancelled" });
    await loop.end();
  });

  it("keep a task that ended since the snapshot was taken until the next one has it", async () => {
    const { loop, journal } = await makeRig(emptyState(), 0);
    journal.heldSnapshots = true;
    await loop.ask(submit(...many(5_000)));
    await loop.ask(cancelAll(2_000));
    journal.snapshots[0]?.answer(written);
    await quiet();
    expect(loop.state.tasks.size).to.equal(5_000);
    await loop.ask(submit(...many(3_000, "u")));
    journal.snapshots[1]?.answer(written);
    await until(() => loop.state.tasks.size === 8_000 - 2_000 + finishedKeptMax);
    await loop.end();
  });

  it("keep a task in memory that was retried after it had ended", async () => {
    const { loop } = await makeRig(emptyState(), 0);
    await loop.ask(submit(...many(2_600)));
    await loop.ask({ type: "cancel", ids: ids("t0") });
    await loop.ask({ type: "retry", request: request("r"), ids: ids("t0"), archived: new Map() });
    await loop.ask({
      type: "cancel",
      ids: many(2_600)
        .slice(1)
        .map((task) => task.id),
    });
    await until(() => loop.state.tasks.size === finishedKeptMax + 1);
    expect(loop.state.tasks.get(id("t0"))?.life.status).to.equal("queued");
    await loop.end();
  });
});

describe("recovery", () => {
  async function story(journalAll: boolean): Promise<Rig> {
    const rig = await makeRig(emptyState(), 2);
    const { loop, journal } = rig;
    journal.heldSnapshots = journalAll;
    await loop.ask({ type: "pause", ids: [] });
    await loop.ask(submit(...many(3_000), spec("run"), spec("after", { after: ["run"] })));
    await loop.ask(cancelAll(2_900));
    await loop.ask(submit(spec("claims", { claims: ["x"] }), spec("more", { claims: ["x"] })));
    await loop.ask({ type: "retry", request: request("r"), ids: ids("t0"), archived: new Map() });
    await loop.ask({ type: "pause", ids: ids("t0") });
    await loop.ask({ type: "resume", ids: [] });
    return rig;
  }

  it("comes to the same state from a snapshot and the events since, and from events alone", async () => {
    for (const eventsOnly of [true, false]) {
      const { loop, journal, clock } = await story(eventsOnly);
      expect(journal.snapshotRow === null).to.equal(eventsOnly);
      const recovered = journal.recovered();
      const { state, replayed } = recoverState(recovered, clock.at);
      expect(essence(state)).to.deep.equal(essence(loop.state));
      expect(replayed).to.have.length(recovered.events.length);
      await loop.end();
    }
  });

  it("counts what is held once, though it was seen in the events and in the state", async () => {
    const { loop, journal, clock } = await makeRig(emptyState(), 1);
    await loop.ask(started({ slots: 2, resources: { db: 2 } }));
    await loop.ask(readyCommand(worker(1)));
    const uses = (name: string) => spec(name, { claims: { resources: { db: 1 } } });
    await loop.ask(submit(uses("a"), uses("b")));
    await loop.end();
    const { state } = recoverState(journal.recovered(), clock.at);
    expect(state.counts).to.include({ running: 1, queued: 1 });
    expect(state.schedule.table.resources.get("db")?.amount).to.equal(1);
  });

  it("of an empty journal is an empty state", () => {
    const { state, replayed } = recoverState(
      { snapshot: null, live: [], final: [], events: [] },
      5,
    );
    expect(essence(state)).to.deep.equal(essence(emptyState()));
    expect(replayed).to.deep.equal([]);
  });

  it("goes on where the last supervisor was: what waits starts, what ended leaves the memory", async () => {
    const { loop: before, journal, clock } = await story(true);
    await before.end();
    const { state, replayed } = recoverState(journal.recovered(), clock.at);
    const next = new DrivenJournal();
    const effects: Effect[] = [];
    const loop = new Loop(state, replayed, {
      journal: next,
      wallMs: () => clock.at,
      setTimer: realClock.setTimer,
      carryOut: (asked) => void effects.push(...asked),
      publish: () => {},
      die: () => {},
    });
    await loop.ask(started({ ...defaultSettings }, 2));
    expect(next.snapshots).to.have.length(1);
    expect(next.tasks.get("t1")).to.include({ final: true, status: "cancelled" });
    await until(() => !loop.state.tasks.has(id("t1")));
    await loop.ask(readyCommand(worker(1)));
    const dispatched = effects.flatMap((effect) => (effect.kind === "dispatch" ? effect.task : []));
    expect(dispatched.length).to.be.greaterThan(0);
    await loop.end();
  });
});
