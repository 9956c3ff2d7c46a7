import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";

import type { HistoryQuery } from "../../ipc/historyViews.ts";
import { historyRow, isListed } from "../core/history.ts";
import type { StoredTask } from "../core/state.ts";
import { columns, prepared } from "./verify.ts";

/**
 * Reads finished tasks backwards, newest first, in steps that are short enough to stand between two
 * commits. The order is that of `tasks.head`, the seq of a task's last event: it never runs backwards
 * as clocks do, and no two tasks share one, so it is also the place where the next page goes on.
 *
 * There is no index on `head`. SQLite passes over the rows of `tasks`, which are small, and keeps the
 * newest; that costs some hundredths of a second for 100,000 of them, only when somebody asks. An
 * index would cost every snapshot. Where a filter has to look at many, a long stretch is read at once
 * and kept for the steps that follow; it holds until the next snapshot.
 */
export type HistoryStep = {
  /** JSON of one `HistoryRow` each. */
  readonly rows: readonly string[];
  /** The next step looks before this one; `null` when nothing is left. */
  readonly next: number | null;
  /** For each of the ids asked for, the seq of its last event; 0 for an unknown one. */
  readonly heads: readonly number[];
};

const rowsPerStretch = 20_000;
const rowsPerStepMax = 4_000;
const bodiesPerStepMax = 1_000;
/**
 * The last event of a task is nearly always its end, whose time is read without the task. What may
 * follow later (work saved from a dead worker), and a clock that was set back, get this much room.
 */
const lateMs = 60 * 60 * 1000;

type Row = readonly (SQLOutputValue | undefined)[];

/** Consecutive finished tasks from below `before` on, as they were at `revision`. */
type Stretch = {
  readonly revision: number;
  readonly before: number;
  readonly rows: readonly Row[];
};

type Ports = {
  /** Another number whenever rows of `tasks` may have changed. */
  readonly revision: () => number;
  readonly bodyOf: (id: string) => string | null;
  readonly headOf: (id: string) => number;
};

export class HistoryRows {
  readonly #older: StatementSync;
  readonly #timeOf: StatementSync;
  readonly #ports: Ports;
  #stretch: Stretch = { revision: -1, before: 0, rows: [] };

  constructor(db: DatabaseSync, ports: Ports) {
    this.#ports = ports;
    this.#older = prepared(
      db,
      "SELECT head, id, status FROM tasks WHERE final = 1 AND head < ? ORDER BY head DESC LIMIT ?",
    );
    this.#timeOf = prepared(db, "SELECT at FROM events WHERE seq = ?");
  }

  step(query: HistoryQuery, ids: readonly string[]): HistoryStep {
    const rows: string[] = [];
    let next: number | null = null;
    let bodies = 0;
    const found = this.#rowsBelow(query);
    for (const [index, [head, id, status]] of found.entries()) {
      if (this.#mayBeListed(query, Number(head), String(status))) {
        bodies += 1;
        const row = this.#rowOf(String(id), Number(head));
        if (row !== null && isListed(row, query)) rows.push(JSON.stringify(row));
      }
      const isLast = index === found.length - 1;
      const isEnough = rows.length >= query.limit || bodies >= bodiesPerStepMax;
      // Whether something follows the last of them is for the next step to find out.
      if (isLast || isEnough) next = Number(head);
      if (next !== null) break;
    }
    return { rows, next, heads: ids.map((id) => this.#ports.headOf(id)) };
  }

  /** The next rows of the stretch that was read before, or of a new one. */
  #rowsBelow(query: HistoryQuery): readonly Row[] {
    const before = query.before ?? Number.MAX_SAFE_INTEGER;
    const revision = this.#ports.revision();
    const known = this.#stretch;
    if (known.revision === revision && before <= known.before) {
      const start = known.rows.findIndex(([head]) => Number(head) < before);
      if (start >= 0) return known.rows.slice(start, start + rowsPerStepMax);
    }
    const goesOn = query.before !== null || isFiltered(query);
    const rows = this.#older.all(before, goesOn ? rowsPerStretch : query.limit + 1).map(columns);
    this.#stretch = { revision, before, rows: goesOn ? rows : [] };
    return rows.slice(0, rowsPerStepMax);
  }

  #mayBeListed({ statuses, since, until }: HistoryQuery, head: number, status: string): boolean {
    if (statuses.length > 0 && !statuses.some((one) => one === status)) return false;
    if (since === null && until === null) return true;
    const at = Number(columns(this.#timeOf.get(head))[0]);
    return (since === null || at >= since - lateMs) && (until === null || at < until + lateMs);
  }

  #rowOf(id: string, head: number): ReturnType<typeof historyRow> {
    const body = this.#ports.bodyOf(id);
    // The checksum fits, so it is what was written.
    return body === null ? null : historyRow(JSON.parse(body) as StoredTask, head);
  }
}

function isFiltered({ statuses, labels, since, until }: HistoryQuery): boolean {
  return statuses.length + labels.length > 0 || since !== null || until !== null;
}
