import { shortageWords } from "../../../ipc/shortage.ts";
import type { ServerContext } from "../context.ts";
import type { SlotsClosed, SlotsView } from "../../../ipc/statusViews.ts";
import type { State } from "../../core/state.ts";

export function slotCounts(state: State): Pick<SlotsView, "total" | "busy" | "free"> {
  const total = state.settings.slots;
  const busy = busyWorkers(state);
  return { total, busy, free: Math.max(0, total - busy) };
}

/** Also those with an attempt that an earlier supervisor started, and that have not dialled in yet. */
function busyWorkers(state: State): number {
  const busy = [...state.workers.values()].filter(({ held }) => held.size > 0);
  const attempts = busy.reduce((sum, { held }) => sum + held.size, 0);
  if (attempts === state.counts.running) return busy.length;
  const running = [...state.tasks.values()].flatMap(({ life }) =>
    life.status === "running" ? [life.worker] : [],
  );
  return new Set(running).size;
}

export function slotsView(
  state: State,
  context: Pick<ServerContext, "daemonState" | "journalProblem" | "shortage">,
): SlotsView {
  const counts = slotCounts(state);
  const closed = [...closedAltogether(state, context), ...noPlace(state, counts.free)];
  return {
    ...counts,
    open: closed.length === 0,
    closed_because: closed,
    paused_labels: [...state.pausedLabels],
  };
}

function closedAltogether(
  state: State,
  context: Pick<ServerContext, "daemonState" | "journalProblem" | "shortage">,
): SlotsClosed[] {
  const closed: SlotsClosed[] = [];
  const daemon = context.daemonState();
  if (daemon !== "running") closed.push({ because: daemon });
  const problem = context.journalProblem();
  if (problem !== null) closed.push({ because: "disk", problem });
  const shortage = context.shortage();
  if (shortage !== null) closed.push({ because: "disk", problem: shortageWords(shortage) });
  if (state.paused) closed.push({ because: "paused" });
  return closed;
}

function noPlace(state: State, free: number): SlotsClosed[] {
  if (free === 0) return [{ because: "busy" }];
  const idle = [...state.workers.values()].some(
    ({ slot, held }) => slot !== null && slot <= state.settings.slots && held.size === 0,
  );
  return idle ? [] : [{ because: "workers" }];
}
