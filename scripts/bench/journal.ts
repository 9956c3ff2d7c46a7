import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { sliceTasksMax } from "../../daemon/changedTasks.ts";
import { openJournal } from "../../daemon/journal/journal.ts";
import type { Journal } from "../../daemon/journal/journal.ts";
import type { JournalResult, JournalRow, SnapshotTask } from "../../daemon/journal/records.ts";

/**
 * What the journal costs: one event at a time, batches, snapshots beside appends, the delay of the
 * event loop meanwhile, and a start with 100,000 finished and 10,000 queued tasks.
 */
const batchSizes = [16, 64, 256, 1_024];
const finishedTasks = 100_000;
const queuedTasks = 10_000;
const tasksPerSnapshot = 1_000;
const eventBody = JSON.stringify({ spec: { run: ["true"], title: "x".repeat(150) } });
const taskBody = JSON.stringify({ spec: { run: ["true"], title: "x".repeat(600) } });
const digest = "0123456789abcdef".repeat(4);
const commit = "fedcba98".repeat(5);

export async function benchJournal(): Promise<Record<string, number>> {
  const folder = await mkdtemp(join(tmpdir(), "orchd-bench-"));
  const path = join(folder, "orchd", "journal.db");
  try {
    const measured = await measureWriting(path);
    const size = (await stat(path)).size;
    return { ...measured, ...(await measureStart(path)), file_mb: round(size / 1e6) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measureWriting(path: string): Promise<Record<string, number>> {
  await using journal = valueOf(await openJournal(path, { epoch: 1 }));
  const writer = new Writer(journal);
  const single = await timed(400, () => writer.append(1));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const figures: Record<string, number> = {
    one_p50_ms: round(quantile(single, 0.5)),
    one_p99_ms: round(quantile(single, 0.99)),
  };
  for (const size of batchSizes) {
    const times = await timed(Math.ceil(20_000 / size), () => writer.append(size));
    const p50 = quantile(times, 0.5);
    figures[`batch_${size}_p50_ms`] = round(p50);
    figures[`batch_${size}_events_per_s`] = Math.round((size / p50) * 1_000);
    figures[`batch_${size}_overall_per_s`] = Math.round((times.length * size * 1_000) / sum(times));
  }
  Object.assign(figures, await measureSnapshots(journal, writer));
  delay.disable();
  return { ...figures, loop_delay_p99_ms: round(delay.percentile(99) / 1e6 - 1) };
}

/**
 * Fills the journal up with tasks, a thousand changed ones a snapshot, in slices as the supervisor
 * sends them. One event after the other is appended while a snapshot is written, and as many without.
 */
async function measureSnapshots(journal: Journal, writer: Writer): Promise<Record<string, number>> {
  const snapshots: number[] = [];
  const beside: number[] = [];
  const alone: number[] = [];
  for (let from = 0; from < finishedTasks + queuedTasks; from += tasksPerSnapshot) {
    await writer.append(tasksPerSnapshot);
    const start = performance.now();
    let isWritten = false;
    const snapshot = journal
      .snapshot({ seq: writer.seq, state: "{}", tasks: slices(from) })
      .finally(() => (isWritten = true));
    let appends = 0;
    for (; !isWritten; appends += 1) beside.push(...(await timed(1, () => writer.append(1))));
    valueOf(await snapshot);
    snapshots.push(performance.now() - start);
    alone.push(...(await timed(appends, () => writer.append(1))));
  }
  return {
    snapshot_1000_p50_ms: round(quantile(snapshots, 0.5)),
    snapshot_1000_p99_ms: round(quantile(snapshots, 0.99)),
    append_alone_p50_ms: round(quantile(alone, 0.5)),
    append_alone_p99_ms: round(quantile(alone, 0.99)),
    append_beside_snapshot_p50_ms: round(quantile(beside, 0.5)),
    append_beside_snapshot_p99_ms: round(quantile(beside, 0.99)),
  };
}

function* slices(from: number): Generator<readonly SnapshotTask[]> {
  for (let at = 0; at < tasksPerSnapshot; at += sliceTasksMax)
    yield Array.from({ length: Math.min(sliceTasksMax, tasksPerSnapshot - at) }, (_, index) =>
      taskAt(from + at + index),
    );
}

async function measureStart(path: string): Promise<Record<string, number>> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  await using journal = valueOf(await openJournal(path, { epoch: 2 }));
  const { live, final } = await journal.recover();
  const milliseconds = performance.now() - start;
  delay.disable();
  if (live.length !== queuedTasks || final.length !== finishedTasks)
    throw new Error(`recovered ${live.length} and ${final.length} tasks`);
  const read = await timed(100, async () => valueOf(await journal.readTask(taskAt(77).id)));
  return {
    start_110k_tasks_ms: round(milliseconds),
    start_loop_delay_max_ms: round(delay.max / 1e6),
    start_rss_mb: round(process.memoryUsage().rss / 1e6),
    read_task_p50_ms: round(quantile(read, 0.5)),
  };
}

class Writer {
  readonly #journal: Journal;
  seq = 0;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  async append(count: number): Promise<void> {
    const rows = Array.from({ length: count }, (_, index) => rowAt(this.seq + 1 + index));
    this.seq += count;
    valueOf(await this.#journal.append(rows));
  }
}

function rowAt(seq: number): JournalRow {
  const task = taskId(seq % 50_000);
  return { seq, at: 1.7e12 + seq, type: "TaskSubmitted", version: 1, task, body: eventBody };
}

function taskAt(index: number): SnapshotTask {
  const id = taskId(index);
  return index < finishedTasks
    ? { id, status: "succeeded", digest, commit, final: true, body: taskBody }
    : { id, status: "queued", digest, commit: null, final: false, body: taskBody };
}

/** Spread over the whole range, as minted ids are. */
function taskId(index: number): string {
  return `t${Math.imul(index + 1, 2_654_435_761) >>> 0}`.padEnd(11, "k");
}

async function timed(times: number, run: () => Promise<unknown>): Promise<number[]> {
  const found: number[] = [];
  for (let count = 0; count < times; count += 1) {
    const start = performance.now();
    await run();
    found.push(performance.now() - start);
  }
  return found;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function valueOf<Value>(result: JournalResult<Value>): Value {
  if (result.ok) return result.value;
  throw new Error(`the journal failed: ${JSON.stringify(result.problem)}`);
}

if (import.meta.main) console.log(JSON.stringify(await benchJournal()));
