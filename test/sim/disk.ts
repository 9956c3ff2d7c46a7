import { chainChecksum, noChecksum, parseRowText, rowText } from "../../daemon/journal/chain.ts";
import { must } from "./violation.ts";
import { never } from "./timeline.ts";
import type { Checksum } from "../../daemon/journal/chain.ts";
import type {
  JournalResult,
  JournalRow,
  Recovered,
  Snapshot,
  SnapshotTask,
  StoredRow,
} from "../../daemon/journal/records.ts";
import type { Machine } from "./machine.ts";
import type { Port } from "./port.ts";

/**
 * The disk under the journal. A batch is written and then synced; between the two it can be lost, or
 * torn, and only then. Rows are kept as the texts and chained checksums of daemon/journal/chain.ts, so
 * damage is found by the product's own format.
 *
 *     append ─► written ─fsync─► synced ─► answered
 *                  └─ a crash here: whole, lost or torn      (never acknowledged)
 */
type Kept = { text: string; readonly checksum: Checksum };
/** What a crash makes of a batch that is not synced. */
type Fate = "whole" | "lost" | "torn";

export type Found =
  | { readonly kind: "good"; readonly recovered: Recovered }
  | { readonly kind: "damaged"; readonly at: number };

export class Disk {
  rows: Kept[] = [];
  /** Rows that survive anything. */
  synced = 0;
  /** Set while a row holds a bit that flipped: how to flip it back. */
  flipped: (() => void) | null = null;
  fullUntilMs = -1;
  snapshotRow: Recovered["snapshot"] = null;
  /** Where the chain stood at the snapshot. */
  snapshotChain: Checksum = noChecksum;
  readonly tasks = new Map<string, SnapshotTask>();
  epoch = 0;
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** The supervisor is gone: what was on its way to the disk meets its fate. */
  crash(fate: Fate): void {
    const open = this.rows.length - this.synced;
    if (open > 0) {
      if (fate !== "whole") this.rows.length = this.synced;
      if (fate === "torn") this.#machine.fired("torn_tail");
      if (fate === "lost") this.#machine.fired("unsynced_lost");
    }
    // A torn row does not fit its checksum, and was never synced: it is dropped at the next start.
    if (open > 0 && fate === "torn") this.rows.push({ text: "\u0000", checksum: noChecksum });
    else this.synced = this.rows.length;
  }

  flipBit(): boolean {
    const from = this.snapshotRow?.seq ?? 0;
    if (this.flipped !== null || this.synced <= from) return false;
    const row = this.rows[this.#machine.random.int(from, this.synced - 1)];
    if (row === undefined) return false;
    const before = row.text;
    const at = this.#machine.random.int(0, before.length - 1);
    const bit = 1 << this.#machine.random.int(0, 6);
    row.text = `${before.slice(0, at)}${String.fromCharCode(before.charCodeAt(at) ^ bit)}${before.slice(at + 1)}`;
    this.flipped = () => {
      row.text = before;
      this.flipped = null;
    };
    return true;
  }

  /** What a start finds: everything behind the snapshot is proven, and a torn tail is dropped. */
  recover(): Found {
    if (this.rows.length > this.synced && this.rows.at(-1)?.checksum === noChecksum)
      this.rows.length = this.synced;
    let chain = this.snapshotChain;
    const events: StoredRow[] = [];
    for (let at = this.snapshotRow?.seq ?? 0; at < this.rows.length; at += 1) {
      const row = this.rows[at];
      chain = chainChecksum(chain, row?.text ?? "");
      if (row === undefined || chain !== row.checksum) return { kind: "damaged", at: at + 1 };
      events.push(parseRowText(row.text));
    }
    const tasks = [...this.tasks.values()];
    return {
      kind: "good",
      recovered: {
        snapshot: this.snapshotRow,
        live: tasks.filter(({ final }) => !final),
        final: tasks.filter(({ final }) => final),
        events,
      },
    };
  }

  row(seq: number): StoredRow {
    const row = this.rows[seq - 1];
    must(row !== undefined, "S6", () => `event ${seq} is not on the disk`);
    return parseRowText(row.text);
  }

  write(rows: readonly JournalRow[], epoch: number): void {
    let chain = this.rows.at(-1)?.checksum ?? noChecksum;
    for (const row of rows) {
      must(row.seq === this.rows.length + 1, "S5", () => `event ${row.seq} leaves a gap`);
      const text = rowText({ ...row, epoch, previous: null });
      chain = chainChecksum(chain, text);
      this.rows.push({ text, checksum: chain });
    }
  }
}

/** The journal of one supervisor: the port that daemon/loop.ts writes to. */
export class SimJournal {
  readonly #machine: Machine;
  readonly #port: Port;
  readonly #epoch: number;

  constructor(machine: Machine, port: Port, epoch: number) {
    this.#machine = machine;
    this.#port = port;
    this.#epoch = epoch;
    machine.disk.epoch = epoch;
  }

  async append(rows: readonly JournalRow[]): Promise<JournalResult<null>> {
    const { disk, timeline, random, scenario } = this.#machine;
    if (!this.#port.pass("append")) return await never();
    if (timeline.nowMs < disk.fullUntilMs) {
      this.#machine.fired("enospc");
      await timeline.elapse(1);
      return { ok: false, problem: { kind: "full", message: "no space" } };
    }
    must(disk.epoch === this.#epoch, "S4", () => "a deposed supervisor writes the journal");
    disk.write(rows, this.#epoch);
    if (this.#machine.takeArmed("eio")) {
      await timeline.elapse(1);
      if (random.chance(0.5)) disk.crash(random.pick(["whole", "lost"]));
      return { ok: false, problem: { kind: "io", message: "EIO" } };
    }
    if (this.#machine.diesBeforeSync()) this.#port.die();
    if (!this.#port.pass("written")) return await never();
    await timeline.elapse(random.int(1, scenario.syncMsMax));
    if (!this.#port.alive) return await never();
    disk.synced = disk.rows.length;
    if (!this.#port.pass("synced")) return await never();
    return { ok: true, value: null };
  }

  async snapshot(part: Snapshot): Promise<JournalResult<null>> {
    const { disk, timeline, random } = this.#machine;
    if (!this.#port.pass("snapshot")) return await never();
    if (timeline.nowMs < disk.fullUntilMs)
      return { ok: false, problem: { kind: "full", message: "no space" } };
    const tasks: SnapshotTask[] = [];
    for (const slice of part.tasks) {
      await timeline.elapse(random.int(1, 5));
      if (!this.#port.alive) return await never();
      tasks.push(...slice);
    }
    for (const text of [part.state, ...tasks.map(({ body }) => body)])
      this.#machine.checker.holdsNoSecret("a snapshot", text);
    disk.snapshotRow = { seq: part.seq, state: part.state };
    disk.snapshotChain = disk.rows[part.seq - 1]?.checksum ?? noChecksum;
    for (const task of tasks) disk.tasks.set(task.id, task);
    this.#machine.note("disk", "snapshot", part.seq);
    return this.#port.pass("snapshot written") ? { ok: true, value: null } : await never();
  }
}
