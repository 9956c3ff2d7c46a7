import { chainUpTo } from "../../core/chain.ts";
import { heapPop, heapPush, makeHeap } from "../../core/heap.ts";
import { holdingOf } from "../../core/holding.ts";
import { holdsClaims, isFinal } from "../../core/state.ts";
import { landingOrder } from "../../core/landing.ts";
import { rankOf } from "../../core/rank.ts";
import { slotCounts } from "./slots.ts";
import { mergingOf, taskRow } from "./task.ts";
import { waitersBehind } from "../../core/claimWaits.ts";
import { whyWaitingWithin } from "../../core/explain.ts";
import type { Heartbeat } from "../../../ipc/workerMessages.ts";
import type { LandingView, TargetView } from "../../../ipc/landingViews.ts";
import type { Shortage } from "../../../ipc/shortage.ts";
import type { LockView } from "../../../ipc/claimViews.ts";
import type { MergingView, StatusQuery, StatusView, WorkerView } from "../../../ipc/statusViews.ts";
import type { OutboxView, PushView } from "../../../ipc/pushView.ts";
import type { ServerContext, WorkerSlotView } from "../context.ts";
import type { Hold, State, Task } from "../../core/state.ts";
import type { WorkerId } from "../../../ipc/ids.ts";

/** Queued tasks looked at for `waiting_on`; and how many of them may cost a search among all claims. */
const lookedAtMax = 2_000;
const searchesMax = 200;

type Branches = Awaited<ReturnType<ServerContext["branches"]>>;

export function statusView(
  state: State,
  context: ServerContext,
  query: StatusQuery,
  branches: Branches,
): StatusView {
  const at = context.wallMs();
  const slots = context.workers();
  const problem = context.journalProblem();
  const shortage = context.shortage();
  const open = openTasks(state, query.open_max);
  const heartbeats = heartbeatsOf(slots);
  return {
    daemon: {
      pid: context.pid,
      epoch: context.epoch,
      version: context.version,
      uptime_ms: at - context.startedAt,
      state: context.daemonState(),
      paused: state.paused,
      paused_labels: [...state.pausedLabels],
      journal: problem === null ? "ok" : { problem },
      space: shortage ?? "ok",
    },
    slots: slotCounts(state),
    queue: { length: state.counts.queued, ...waitingOn(state, at, shortage) },
    counts: { ...state.counts },
    tasks: [...open, ...finishedTasks(state, query.finished_max)].map((task) =>
      taskRow(state, task, at, heartbeats, shortage),
    ),
    workers: workerViews(state, slots),
    locks: lockViews(state, context),
    foreseen: [...context.foreseen()],
    merging: mergingViews(state, at),
    landing: landingView(state, branches, context.outbox()),
  };
}

/** Long enough for whoever looks once a day. */
const mergingShownMs = 24 * 60 * 60 * 1000;
const mergingMax = 10;

function mergingViews(state: State, at: number): MergingView[] {
  const views: MergingView[] = [];
  // There may be very many tasks, and next to none is of this kind.
  for (const task of state.tasks.values()) {
    const rules = mergingOf(task);
    if (rules === null) continue;
    const { status, since } = task.life;
    if (status !== "landing" && status !== "succeeded") continue;
    if (status === "succeeded" && since < at - mergingShownMs) continue;
    views.push({ task: task.id, status, since, ...rules });
  }
  return views.toSorted((a, b) => b.since - a.since).slice(0, mergingMax);
}

export function heartbeatsOf(slots: readonly WorkerSlotView[]): ReadonlyMap<WorkerId, Heartbeat> {
  return new Map(
    slots.flatMap(({ worker, heartbeat }) => (heartbeat === null ? [] : [[worker, heartbeat]])),
  );
}

export function workerViews(state: State, slots: readonly WorkerSlotView[]): WorkerView[] {
  return slots
    .map((slot) => ({
      worker: slot.worker,
      pid: slot.pid,
      state: workerState(state, slot),
      tasks: tasksOf(state, slot.worker),
      stage: slot.heartbeat?.stage ?? null,
      since: slot.since,
      heartbeat_age_ms: whole(slot.heartbeatAgeMs),
      output_bytes: slot.heartbeat?.output_bytes ?? 0,
      last_line: slot.heartbeat?.last_line ?? null,
    }))
    .toSorted((a, b) => a.worker.localeCompare(b.worker, "en", { numeric: true }));
}

/** Milliseconds as programs read them. */
function whole(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms);
}

/** What is held, tasks first, and the locks that wait. */
export function lockViews(state: State, context: ServerContext): LockView[] {
  const ages = new Map(
    context.workers().map(({ worker, heartbeatAgeMs }) => [worker, heartbeatAgeMs]),
  );
  const ofTasks = [...state.tasks.values()].flatMap((task) => taskLock(state, task, context, ages));
  return [...ofTasks, ...[...state.holds.values()].map((one) => holdLock(state, one, context))];
}

function taskLock(
  state: State,
  task: Task,
  context: ServerContext,
  ages: ReadonlyMap<WorkerId, number | null>,
): LockView[] {
  const attempt = task.attempts.at(-1);
  if (attempt === undefined || !holdsClaims(task.life)) return [];
  const { writes, reads, resources, optimistic } = holdingOf(task);
  if (!optimistic && !state.schedule.holders.has(task.id)) return [];
  const worker = task.life.status === "running" ? task.life.worker : null;
  return [
    {
      holder: task.id,
      kind: "task",
      attempt: attempt.number,
      fence: attempt.fence,
      worker,
      pid: context.workers().find((slot) => slot.worker === worker)?.pid ?? null,
      note: task.spec.title,
      writes: [...writes],
      reads: [...reads],
      resources: { ...resources },
      optimistic,
      granted_at: attempt.startedAt,
      requested_at: task.submittedAt,
      heartbeat_age_ms: worker === null ? null : whole(ages.get(worker) ?? null),
      waiters: waitersBehind(state, task.id),
      file: context.lockFile(task.id),
    },
  ];
}

function holdLock(state: State, one: Hold, context: ServerContext): LockView {
  const { id, kind, claims, owner, granted, note } = one;
  return {
    holder: id,
    kind,
    attempt: null,
    fence: granted?.fence ?? null,
    worker: null,
    pid: owner?.pid ?? null,
    note,
    writes: [...claims.writes],
    reads: [...claims.reads],
    resources: { ...claims.resources },
    optimistic: false,
    granted_at: granted?.at ?? null,
    requested_at: one.requestedAt,
    heartbeat_age_ms: whole(context.holds.ageMs(id)),
    waiters: granted === null ? [] : waitersBehind(state, id),
    file: kind === "foreign" ? note : context.lockFile(id),
  };
}

export function targetView({ landing, settings }: State): TargetView {
  return {
    branch: `orchd/${settings.target}`,
    target: settings.target,
    follow: settings.follow,
    behind: landing.tip !== landing.followed,
    follow_problem: problemText(landing.followProblem),
    held: landing.held?.message ?? null,
  };
}

export function landingView(
  state: State,
  { rewound, ...branches }: Branches,
  outbox: OutboxView,
): LandingView {
  const { landing } = state;
  const { branch, target, follow, follow_problem, held } = targetView(state);
  const current = landing.current === null ? undefined : state.tasks.get(landing.current);
  return {
    branch,
    target,
    follow,
    ...branches,
    waiting: [...landing.chain, ...landingOrder(state).map(({ id }) => id)],
    current: current === undefined ? null : currentView(current),
    chain: [...landing.chain],
    testing: current === undefined ? null : tested(state, current),
    follow_problem,
    held: held ?? rewound,
    push: pushView(state, outbox),
  };
}

function pushView({ push, landing }: State, outbox: OutboxView): PushView | null {
  if (push === null) return null;
  const { place, accepted, commits, problem } = push;
  return {
    ...place,
    accepted,
    behind: landing.tip !== accepted,
    commits,
    state: outbox.state,
    problem,
    next_try_at: outbox.nextTryAt,
  };
}

function currentView(task: Task): LandingView["current"] {
  if (task.life.status !== "landing") return null;
  const { step } = task.life;
  if (step.at === "waiting" || step.at === "chained") return null;
  return { task: task.id, step: step.at, since: step.since };
}

function tested(state: State, { id, life }: Task): LandingView["testing"] {
  if (life.status !== "landing" || life.step.at !== "gate") return null;
  return life.step.suspected === null ? chainUpTo(state, id).map((member) => member.id) : [];
}

function problemText(problem: { reason: string; paths: readonly string[] } | null): string | null {
  if (problem === null) return null;
  const shown = problem.paths.slice(0, 5).join(", ");
  const more = problem.paths.length > 5 ? ` and ${problem.paths.length - 5} more` : "";
  return shown === "" ? problem.reason : `${problem.reason}: ${shown}${more}`;
}

/** Running first, then landing, then queued in the order in which they would start. */
function openTasks(state: State, max: number): Task[] {
  const live: Task[] = [];
  const queued = makeHeap<Task>();
  for (const task of state.tasks.values()) {
    const { status } = task.life;
    if (status === "running" || status === "landing") live.push(task);
    // A heap, because all of 100,000 are not sorted for a page of them.
    else if (status === "queued")
      heapPush(queued, { rank: rankOf(task), order: task.order, key: task });
  }
  const first = (status: string) => (status === "running" ? 0 : 1);
  const shown = live.toSorted(
    (a, b) =>
      first(a.life.status) - first(b.life.status) || rankOf(a) - rankOf(b) || a.order - b.order,
  );
  while (shown.length < max) {
    const next = heapPop(queued);
    if (next === undefined) break;
    shown.push(next.key);
  }
  return shown.slice(0, max);
}

function finishedTasks(state: State, max: number): Task[] {
  if (max === 0) return [];
  return [...state.tasks.values()]
    .filter(({ life }) => isFinal(life))
    .toSorted((a, b) => b.life.since - a.life.since || b.order - a.order)
    .slice(0, max);
}

function waitingOn(
  state: State,
  at: number,
  shortage: Shortage | null,
): Pick<StatusView["queue"], "explained" | "waiting_on"> {
  const counts: StatusView["queue"]["waiting_on"] = {
    paused: 0,
    after: 0,
    time: 0,
    claim: 0,
    resource: 0,
    disk: 0,
    slot: 0,
    workers: 0,
  };
  const searches = { left: searchesMax };
  let looked = 0;
  let explained = 0;
  for (const task of state.tasks.values()) {
    if (task.life.status !== "queued") continue;
    if (looked >= lookedAtMax) break;
    looked += 1;
    const reason = whyWaitingWithin(state, task, at, searches, shortage);
    if (reason === undefined) continue;
    explained += 1;
    if (reason !== null) counts[reason.on] += 1;
  }
  return { explained, waiting_on: counts };
}

function workerState(state: State, slot: WorkerSlotView): WorkerView["state"] {
  if (slot.state === "connected")
    return (state.workers.get(slot.worker)?.held.size ?? 0) > 0 || slot.heartbeat?.attempt
      ? "busy"
      : "idle";
  return slot.state === "starting" ? "starting" : "lost";
}

function tasksOf(state: State, worker: WorkerId): WorkerView["tasks"] {
  const held = state.workers.get(worker)?.held ?? [];
  const gated = worker.startsWith("gate-") ? gateTask(state) : [];
  return [...held, ...gated];
}

function gateTask(state: State): WorkerView["tasks"] {
  const { current } = state.landing;
  const life = current === null ? undefined : state.tasks.get(current)?.life;
  if (current === null || life?.status !== "landing") return [];
  return life.step.at === "gate" || life.step.at === "generating" ? [current] : [];
}
