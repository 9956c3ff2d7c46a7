import { expect } from "chai";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Failpoint } from "../../../system/failpoint.ts";
import { openJournal } from "../../../daemon/journal/journal.ts";
import type { Journal } from "../../../daemon/journal/journal.ts";
import { lastEpochMarked } from "../../../daemon/journal/mark.ts";
import { eventsPerReadMax } from "../../../daemon/journal/records.ts";
import type { JournalResult, JournalRow, SnapshotTask } from "../../../daemon/journal/records.ts";

describe("the journal", () => {
  let path = "";
  const opened: Journal[] = [];

  beforeEach(() => {
    path = join(mkdtempSync(join(tmpdir(), "journal-")), "orchd", "journal.db");
  });

  afterEach(async () => {
    for (const journal of opened.splice(0)) await journal.close();
    rmSync(join(dirname(path), ".."), { recursive: true });
  });

  async function open(epoch: number, failpoint?: Failpoint): Promise<Journal> {
    const options = failpoint === undefined ? { epoch } : { epoch, failpoint };
    const journal = valueOf(await openJournal(path, options));
    opened.push(journal);
    return journal;
  }

  it("starts empty, and private to the user", async () => {
    const journal = await open(1);
    expect(await journal.recover()).to.deep.equal({
      snapshot: null,
      live: [],
      final: [],
      events: [],
    });
    valueOf(await journal.append([rowAt(1)]));
    const folder = dirname(path);
    expect(statSync(folder).mode & 0o777).to.equal(0o700);
    for (const name of readdirSync(folder))
      expect(statSync(join(folder, name)).mode & 0o777, name).to.equal(0o600);
    expect(readdirSync(folder)).to.include.members(["journal.db", "journal.db-wal"]);
  });

  it("gives back what was appended, with the epoch that wrote it", async () => {
    const rows = [rowAt(1, "a"), rowAt(2, null), { ...rowAt(3, "b"), body: '"é😀\\n\n"' }];
    const first = await open(4);
    valueOf(await first.append(rows));
    await first.close();
    const second = await open(5);
    const { events } = await second.recover();
    expect(events).to.deep.equal(rows.map((row) => ({ ...row, epoch: 4 })));
    expect(lastEpochMarked(path)).to.equal(5);
  });

  const everything = {
    statuses: [],
    labels: [],
    since: null,
    until: null,
    before: null,
    limit: 9,
  };

  it("says so when it meets a bug in what nobody waits for, and writes nothing any more", async () => {
    const journal = await open(1, { at: "journal.fold:before", action: "bug" });
    valueOf(await journal.append([rowAt(1, "a")]));
    const tasks = [[taskAt("a", "succeeded")]];
    valueOf(await journal.snapshot({ seq: 1, state: "{}", tasks }));
    expect((await journal.bug).message).to.contain("failpoint: bug");
    await rejected(journal.append([rowAt(2)]), /failpoint: bug/);
    await journal.close();
    const next = await open(2);
    expect(await next.recover()).to.have.nested.property("final.length", 1);
  });

  it("gives no list of finished tasks without those that a full disk kept out of it, and goes on with space", async () => {
    // Folding fails for the first who asks, and once more: before, when idle, or for the next.
    const journal = await open(1, { at: "journal.fold:before", action: "full", times: 2 });
    valueOf(await journal.append([rowAt(1, "a")]));
    const life = { status: "succeeded", since: 5, commit: null };
    const task = { id: "a", spec: { title: "a", labels: [] }, life, attempts: [], submittedAt: 1 };
    const tasks = [[{ ...taskAt("a", "succeeded"), body: JSON.stringify(task) }]];
    valueOf(await journal.snapshot({ seq: 1, state: "{}", tasks }));
    expect(problemOf(await journal.readHistory(everything, []))).to.include({ kind: "full" });
    const next = await journal.readHistory(everything, []);
    if (!next.ok) expect(problemOf(next)).to.include({ kind: "full" });
    const then = next.ok ? next : await journal.readHistory(everything, []);
    expect(valueOf(then).rows).to.have.length(1);
    valueOf(await journal.append([rowAt(2)]));
  });

  it("keeps the order of calls that do not wait for each other", async () => {
    const journal = await open(1);
    const calls = Array.from({ length: 200 }, (_, index) => journal.append([rowAt(index + 1)]));
    for (const call of calls) valueOf(await call);
    const events = valueOf(await journal.readEvents(1, eventsPerReadMax));
    expect(events.map(({ seq }) => seq)).to.deep.equal(calls.map((_, index) => index + 1));
  });

  it("takes a gap between seqs and a line break in a type for bugs", async () => {
    const journal = await open(1);
    valueOf(await journal.append([rowAt(1)]));
    await rejected(journal.append([rowAt(3)]), /starts at event 3, but the next one is 2/);
    await rejected(journal.append([rowAt(2), rowAt(4)]), /not in order/);
    await rejected(journal.append([{ ...rowAt(2), type: "a\nb" }]), /one line/);
    await rejected(journal.append([{ ...rowAt(2), at: 0.5 }]), /not whole/);
    valueOf(await journal.append([rowAt(2)]));
  });

  it("starts from the last snapshot, of which only the changed tasks were written", async () => {
    const first = await open(1);
    valueOf(await first.append([rowAt(1, "a"), rowAt(2, "b"), rowAt(3, "c")]));
    const tasks = [taskAt("a", "queued"), taskAt("b", "queued"), taskAt("c", "failed")];
    valueOf(await first.snapshot({ seq: 3, state: '{"n":1}', tasks: [tasks] }));
    valueOf(await first.append([rowAt(4, "b"), rowAt(5, "b")]));
    valueOf(
      await first.snapshot({ seq: 4, state: '{"n":2}', tasks: [[taskAt("b", "succeeded")]] }),
    );
    await first.close();
    const recovered = await (await open(2)).recover();
    expect(recovered.snapshot).to.deep.equal({ seq: 4, state: '{"n":2}' });
    expect(recovered.live).to.deep.equal([taskAt("a", "queued")]);
    expect(recovered.final).to.have.deep.members([
      finalOf("b", "succeeded"),
      finalOf("c", "failed"),
    ]);
    expect(recovered.events.map(({ seq }) => seq)).to.deep.equal([5]);
  });

  it("writes a snapshot of thousands of tasks whole", async () => {
    const journal = await open(1);
    valueOf(await journal.append([rowAt(1)]));
    const tasks = Array.from({ length: 2_345 }, (_, index) => taskAt(`t${index}`, "queued"));
    valueOf(await journal.snapshot({ seq: 1, state: "{}", tasks: slicesOf(tasks, 100) }));
    await journal.close();
    expect((await (await open(2)).recover()).live).to.deep.equal(tasks);
  });

  it("answers for any task ever, with all its events in order", async () => {
    const first = await open(1);
    valueOf(await first.append([rowAt(1, "a"), rowAt(2, "stray"), rowAt(3, "a")]));
    valueOf(await first.snapshot({ seq: 3, state: "{}", tasks: [[taskAt("a", "queued")]] }));
    valueOf(await first.append([rowAt(4, "stray"), rowAt(5, "a"), rowAt(6, null)]));
    valueOf(await first.snapshot({ seq: 6, state: "{}", tasks: [] }));
    await first.close();
    const second = await open(2);
    valueOf(await second.append([rowAt(7, "stray")]));
    const seqsOf = async (task: string) =>
      valueOf(await second.readTask(task)).events.map(({ seq }) => seq);
    expect(await seqsOf("a")).to.deep.equal([1, 3, 5]);
    expect(await seqsOf("stray")).to.deep.equal([2, 4, 7]);
    expect(valueOf(await second.readTask("a")).body).to.equal(taskAt("a", "queued").body);
    expect(valueOf(await second.readTask("nobody"))).to.deep.equal({ body: null, events: [] });
  });

  it("reads pages of events, also beyond either end", async () => {
    const journal = await open(1);
    valueOf(await journal.append(Array.from({ length: 30 }, (_, index) => rowAt(index + 1))));
    const seqsFrom = async (from: number, max: number) =>
      valueOf(await journal.readEvents(from, max)).map(({ seq }) => seq);
    expect(await seqsFrom(0, 2)).to.deep.equal([1, 2]);
    expect(await seqsFrom(29, 10)).to.deep.equal([29, 30]);
    expect(await seqsFrom(31, 10)).to.deep.equal([]);
  });

  it("fences the supervisor of an older epoch", async () => {
    const old = await open(1);
    valueOf(await old.append([rowAt(1)]));
    const next = await open(2);
    expect(problemOf(await old.append([rowAt(2)]))).to.deep.equal({ kind: "fenced", epoch: 2 });
    const snapshot = await old.snapshot({ seq: 1, state: "{}", tasks: [] });
    expect(problemOf(snapshot)).to.deep.equal({ kind: "fenced", epoch: 2 });
    expect(problemOf(await openJournal(path, { epoch: 1 }))).to.deep.equal({
      kind: "fenced",
      epoch: 2,
    });
    valueOf(await next.append([rowAt(2)]));
  });

  it("keeps nothing of a batch that found no space, nor of those sent after it, and takes them again", async () => {
    const journal = await open(1, {
      at: "journal.commit:before",
      action: "full",
      nth: 2,
      times: 1,
    });
    valueOf(await journal.append([rowAt(1)]));
    const failing = journal.append([rowAt(2), rowAt(3)]);
    const behind = failing.then(() => journal.append([rowAt(4)]));
    expect(problemOf(await failing).kind).to.equal("full");
    expect(problemOf(await behind).kind).to.equal("full");
    expect(valueOf(await journal.readEvents(1, 9))).to.have.length(1);
    valueOf(await journal.append([rowAt(2), rowAt(3)]));
    valueOf(await journal.append([rowAt(4)]));
    expect(valueOf(await journal.readEvents(1, 9))).to.have.length(4);
  });

  it("has taken a batch that is committed, also when there is no space to mark it", async () => {
    const journal = await open(1, { at: "journal.mark:before", action: "full", nth: 2, times: 1 });
    for (const seq of [1, 2, 3]) valueOf(await journal.append([rowAt(seq)]));
    await journal.close();
    expect((await (await open(2)).recover()).events).to.have.length(3);
  });

  for (const at of ["journal.chunk:before", "journal.snapshot:before"] as const)
    it(`keeps the old snapshot when ${at} finds no space, and takes the next`, async () => {
      const journal = await open(1, { at, action: "full", nth: 2, times: 1 });
      valueOf(await journal.append([rowAt(1, "a")]));
      const tasks = [[taskAt("a", "queued")]];
      valueOf(await journal.snapshot({ seq: 1, state: '{"n":1}', tasks }));
      valueOf(await journal.append([rowAt(2, "b")]));
      const more = [[taskAt("a", "failed")], [taskAt("b", "queued")]];
      const failed = await journal.snapshot({ seq: 2, state: '{"n":2}', tasks: more });
      expect(problemOf(failed).kind).to.equal("full");
      expect(valueOf(await journal.readTask("a")).body).to.equal(taskAt("a", "queued").body);
      valueOf(await journal.snapshot({ seq: 2, state: '{"n":3}', tasks: more.slice(1) }));
      await journal.close();
      const { snapshot, live } = await (await open(2)).recover();
      expect(snapshot).to.deep.equal({ seq: 2, state: '{"n":3}' });
      expect(live).to.have.deep.members([taskAt("a", "queued"), taskAt("b", "queued")]);
    });

  it("does not mind a full disk while it brings the log over", async () => {
    const first = await open(1, { at: "journal.checkpoint:before", action: "full" });
    const body = JSON.stringify("x".repeat(100_000));
    for (let seq = 1; seq <= 60; seq += 1) valueOf(await first.append([{ ...rowAt(seq), body }]));
    valueOf(await first.close());
    expect((await (await open(2)).recover()).events).to.have.length(60);
  });

  it("never tries again after an I/O error", async () => {
    const journal = await open(1, { at: "journal.commit:before", action: "io", nth: 2, times: 1 });
    valueOf(await journal.append([rowAt(1)]));
    expect(problemOf(await journal.append([rowAt(2)])).kind).to.equal("io");
    expect(problemOf(await journal.append([rowAt(2)])).kind).to.equal("io");
    expect(problemOf(await journal.readEvents(1, 1)).kind).to.equal("io");
  });

  it("says so when its thread is gone", async () => {
    const journal = await open(1);
    await journal.close();
    expect(problemOf(await journal.append([rowAt(1)])).kind).to.equal("io");
    expect(problemOf(await journal.readTask("a")).kind).to.equal("io");
  });

  it("refuses with a report what is no journal, and leaves it alone", async () => {
    await (await open(1)).close();
    writeFileSync(path, "not a journal at all".repeat(100));
    const before = readFileSync(path);
    const problem = problemOf(await openJournal(path, { epoch: 2 }));
    if (problem.kind !== "damaged") throw new Error(problem.kind);
    expect(problem.report.where).to.equal("file");
    expect(readFileSync(path).equals(before)).to.equal(true);
  });
});

function rowAt(seq: number, task: string | null = "a"): JournalRow {
  return { seq, at: 1.7e12 + seq, type: "TaskSubmitted", version: 1, task, body: `{"n":${seq}}` };
}

function taskAt(id: string, status: string): SnapshotTask {
  const final = status !== "queued";
  return { ...finalOf(id, status), final, body: JSON.stringify({ id, status }) };
}

function finalOf(id: string, status: string) {
  return { id, status, digest: `d-${id}`, commit: status === "succeeded" ? "c".repeat(40) : null };
}

function slicesOf<Value>(values: readonly Value[], size: number): readonly Value[][] {
  const count = Math.ceil(values.length / size);
  return Array.from({ length: count }, (_, at) => values.slice(at * size, (at + 1) * size));
}

function valueOf<Value>(result: JournalResult<Value>): Value {
  if (result.ok) return result.value;
  throw new Error(JSON.stringify(result.problem));
}

function problemOf(result: JournalResult<unknown>) {
  if (result.ok) throw new Error("it went well");
  return result.problem;
}

async function rejected(call: Promise<unknown>, message: RegExp): Promise<void> {
  const error: unknown = await call.then(
    () => new Error("it went well"),
    (reason: unknown) => reason,
  );
  expect(String(error)).to.match(message);
}
