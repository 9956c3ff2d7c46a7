import { choices, count, countOrNull, texts } from "../params.ts";
import { historyPageMax } from "../../../ipc/historyViews.ts";
import { historyRow, isListed } from "../../core/history.ts";
import { isFinal } from "../../core/state.ts";
import type { HistoryQuery, HistoryRow } from "../../../ipc/historyViews.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

/**
 * Finished tasks, newest first. They come from two places: the last snapshot has all that ended
 * before it, the memory all that ended since, and some that both know. Where they differ the memory
 * is right: a task that was retried is finished in the snapshot and open here.
 *
 *     snapshot   d e f a b          merged by the seq of a task's last event,
 *     memory           a b c        which the journal tells for both
 *
 * The journal is read in short steps, between which it commits.
 */
export async function history(
  params: unknown,
  context: ServerContext,
): Promise<Methods["history"]["result"]> {
  const query = queryOf(params);
  const ended = await endedInMemory(context);
  const known = new Set(ended.map(({ id }) => id));
  const first = await context.historyStep(query, [...known]);
  const rows = ended
    .map((row, index) => ({ ...row, seq: first.heads[index] ?? 0 }))
    .filter((row) => row.seq < (query.before ?? Infinity) && isListed(row, query));
  let step = first;
  for (let taken = 1; ; taken += 1) {
    const older = step.rows.filter(({ id }) => !known.has(id));
    rows.push(...(await withoutOpen(older, context)));
    const { next } = step;
    if (next === null || taken === stepsMax || readyRows(rows, next).length > query.limit)
      return pageOf(readyRows(rows, next), next, query.limit);
    step = await context.historyStep({ ...query, before: next }, []);
  }
}

/** About 200,000 tasks; who asks for more goes on from `next`. */
const stepsMax = 50;
const labelsMax = 100;

function queryOf(params: unknown): HistoryQuery {
  return {
    statuses: choices(params, "statuses", ["succeeded", "failed", "cancelled"]),
    labels: texts(params, "labels", labelsMax),
    since: countOrNull(params, "since", Number.MAX_SAFE_INTEGER),
    until: countOrNull(params, "until", Number.MAX_SAFE_INTEGER),
    before: countOrNull(params, "before", Number.MAX_SAFE_INTEGER),
    limit: Math.max(1, count(params, "limit", historyPageMax)),
  };
}

function endedInMemory(context: ServerContext): Promise<HistoryRow[]> {
  return context.read((state) =>
    [...state.tasks.values()].flatMap((task) => historyRow(task, 0) ?? []),
  );
}

function withoutOpen(rows: readonly HistoryRow[], context: ServerContext): Promise<HistoryRow[]> {
  return context.read(({ tasks }) =>
    rows.filter(({ id }) => {
      const task = tasks.get(id);
      return task === undefined || isFinal(task.life);
    }),
  );
}

/** Those in front of which nothing can come any more: the journal was read down to `next`. */
function readyRows(rows: readonly HistoryRow[], next: number | null): HistoryRow[] {
  return rows.filter(({ seq }) => next === null || seq >= next).toSorted((a, b) => b.seq - a.seq);
}

function pageOf(ready: readonly HistoryRow[], next: number | null, limit: number) {
  const tasks = ready.slice(0, limit);
  return { tasks, next: ready.length > limit ? (tasks.at(-1)?.seq ?? next) : next };
}
