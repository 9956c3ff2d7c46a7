import {
  currentAttempt,
  earlierRetriesMax,
  isFinal,
  isInstant,
  retriesOf,
  taskOf,
  touchedBy,
} from "./state.ts";
import { hold, holdTouched, leaveWaiting, overtake, release, wakeEverybody } from "./claimWaits.ts";
import {
  baseRed,
  baseSuspected,
  candidateDropped,
  candidateMade,
  forgetRedBase,
  gatePassed,
  gateRed,
  gateStarted,
  landingStarted,
  leaveChain,
  putBack,
  tipSeen,
} from "./evolveChain.ts";
import { holdEnded, holdGranted, holdRequested, lockBroken } from "./holdEvents.ts";
import { FinalIndex } from "./finalIndex.ts";
import { rankTime } from "./rank.ts";
import { makeSchedule } from "./scheduleIndex.ts";
import { place, queuedTasksWith, settleDependents, watchDependencies } from "./queue.ts";
import { unreachable } from "./unreachable.ts";
import type {
  AttemptAdopted,
  AttemptEnded,
  AttemptFenced,
  AttemptSalvaged,
  AttemptStarted,
  CoreSettings,
  Event,
  LandingEnded,
  Next,
  Recorded,
  SupervisorStarted,
  TaskRetried,
  TaskSubmitted,
} from "./events.ts";
import type { Attempt, Life, State, Task, WorkerState } from "./state.ts";
import type { TaskId, WorkerId } from "../../ipc/ids.ts";

/**
 * Applies what happened to the state, in place. It decides nothing and cannot fail on an event that
 * `decide` produced; an event that does not fit its state is a bug and throws.
 */
export function evolve(state: State, recorded: Recorded): void {
  const { seq, at, event } = recorded;
  if (seq !== state.seq + 1) throw new Error(`event ${seq} does not follow ${state.seq}`);
  state.seq = seq;
  apply(state, event, at, seq);
}

export function emptyState(): State {
  return {
    seq: 0,
    epoch: 0,
    settings: {
      slots: 0,
      follow: "off",
      target: "",
      verify: [],
      verifyTimeoutMs: 0,
      gate: "chain",
      chainMax: 1,
      outsideClaims: "extend",
      resources: {},
      fairnessWindowMs: 0,
      tasksOpenMax: 0,
    },
    paused: false,
    pausedLabels: new Set(),
    tasks: new Map(),
    finals: new FinalIndex(),
    counts: { queued: 0, running: 0, landing: 0, succeeded: 0, failed: 0, cancelled: 0 },
    workers: new Map(),
    landing: {
      tip: null,
      redBase: null,
      followed: null,
      followProblem: null,
      held: null,
      chain: [],
      current: null,
      aside: new Set(),
      window: null,
      waiting: new Set(),
      green: new Set(),
      red: new Map(),
    },
    rankClock: { shows: 0, sawAt: null },
    holds: new Map(),
    schedule: makeSchedule(),
  };
}

function apply(state: State, event: Event, at: number, seq: number): void {
  switch (event.type) {
    case "SupervisorStarted":
      return supervisorStarted(state, event, at);
    case "SettingsChanged":
      return settingsChanged(state, event.settings, at);
    case "BranchPrepared":
      tipSeen(state, event.tip);
      state.landing.followed ??= event.targetTip;
      return;
    case "TaskSubmitted":
      return taskSubmitted(state, event, at, seq);
    case "TaskRetried":
      return taskRetried(state, event, at);
    case "TaskPaused":
      taskOf(state, event.task).paused = true;
      return leaveWaiting(state, event.task, at);
    case "TaskResumed": {
      const task = taskOf(state, event.task);
      task.paused = false;
      return place(state, task, at);
    }
    case "LabelPaused":
      state.pausedLabels.add(event.label);
      for (const { id } of queuedTasksWith(state, event.label)) leaveWaiting(state, id, at);
      return;
    case "LabelResumed":
      state.pausedLabels.delete(event.label);
      for (const task of queuedTasksWith(state, event.label)) place(state, task, at);
      return;
    case "AllPaused":
      state.paused = true;
      return;
    case "AllResumed":
      state.paused = false;
      return;
    case "CancelRequested":
      taskOf(state, event.task).cancelRequested = true;
      return;
    case "TaskCancelled":
      return enter(state, taskOf(state, event.task), { status: "cancelled", since: at }, at);
    case "DependencyFailed": {
      const reason = { kind: "dependency", task: event.dependency, status: event.status } as const;
      return enter(state, taskOf(state, event.task), { status: "failed", since: at, reason }, at);
    }
    case "AttemptStarted":
      return attemptStarted(state, event, at, seq);
    case "AttemptAdopted":
      return beginAttempt(state, taskOf(state, event.task), event, at);
    case "AttemptFenced":
      return attemptFenced(state, event, at);
    case "AttemptEnded":
      return attemptEnded(state, event, at);
    case "AttemptSalvaged":
      return attemptSalvaged(state, event);
    case "WorkerReady":
      return workerReady(state, event.worker, at);
    case "WorkerGone":
      state.workers.delete(event.worker);
      return;
    case "LandingStarted":
      return landingStarted(state, event.task, at);
    case "CandidateMade":
      return candidateMade(state, event, at, seq);
    case "GateStarted":
      return gateStarted(state, event.task, at, seq);
    case "GateRed":
      return gateRed(state, event, at);
    case "BaseSuspected":
      return baseSuspected(state, event, at, seq);
    case "BaseRed":
      return baseRed(state, event);
    case "GatePassed":
      return gatePassed(state, event.task, event.tree, at);
    case "CandidateDropped":
      return candidateDropped(state, event, at);
    case "LandingPutBack":
      return putBack(state, event);
    case "ChainShortened":
      state.landing.window = event.length;
      return;
    case "LandingEnded":
      return landingEnded(state, event, at);
    case "LandingHeld":
      state.landing.held = event.reason;
      return;
    case "LandingReleased":
      if (state.landing.redBase !== null) state.landing.red.clear();
      state.landing.held = null;
      state.landing.redBase = null;
      if (event.tip !== null) {
        state.landing.tip = event.tip;
        state.landing.followed = event.followed ?? event.tip;
      }
      return;
    case "HoldRequested":
      return holdRequested(state, event, at, seq);
    case "HoldGranted":
      return holdGranted(state, event, at, seq);
    case "HoldEnded":
      return holdEnded(state, event, at);
    case "LockBroken":
      return lockBroken(state, event);
    case "TargetFollowed":
      tipSeen(state, event.to);
      state.landing.followed = event.to;
      state.landing.followProblem = null;
      return;
    case "FollowWaiting":
      state.landing.followProblem = { reason: event.reason, paths: event.paths };
      return;
    default:
      return unreachable(event);
  }
}

/**
 * A connection says nothing about the next epoch: every worker has to dial in again. What a landing
 * ran into is found out again by trying.
 */
function supervisorStarted(state: State, event: SupervisorStarted, at: number): void {
  state.epoch = event.epoch;
  state.workers.clear();
  if (state.landing.held?.kind !== "base_red") state.landing.held = null;
  settingsChanged(state, event.settings, at);
}

/** Other repository-wide commands: what is known to be green or red by the old ones says nothing. */
function settingsChanged(state: State, settings: CoreSettings, at: number): void {
  const before = state.settings;
  state.settings = settings;
  if (JSON.stringify(before.verify) !== JSON.stringify(settings.verify)) {
    state.landing.green.clear();
    state.landing.red.clear();
    forgetRedBase(state);
  }
  wakeEverybody(state, at);
}

function taskSubmitted(state: State, event: TaskSubmitted, at: number, seq: number): void {
  const { spec } = event;
  const rankedAt = rankTime(state, at);
  const task: Task = {
    id: event.task,
    spec,
    digest: event.digest,
    order: seq,
    submittedAt: at,
    ...(rankedAt === at ? {} : { rankedAt }),
    life: queuedAt(at, startTime(spec.not_before, at), false),
    paused: false,
    cancelRequested: false,
    attempts: [],
    setbacks: { failure: 0, lost: 0, conflict: 0 },
    touched: [],
    lastRetry: null,
  };
  state.tasks.set(task.id, task);
  state.counts.queued += 1;
  watchDependencies(state, task);
  place(state, task, at);
}

function startTime(notBefore: Task["spec"]["not_before"], at: number): number | null {
  if (notBefore === null) return null;
  return "at_ms" in notBefore ? notBefore.at_ms : at + notBefore.delay_ms;
}

/**
 * The task starts over: its setbacks are forgotten, its attempts keep their numbers. Somebody does not
 * believe in a failure, so what is red is tested again.
 */
function taskRetried(state: State, event: TaskRetried, at: number): void {
  state.landing.red.clear();
  const before = state.finals.get(event.task);
  if (before !== undefined) state.counts[before.status] -= 1;
  state.finals.delete(event.task);
  const task: Task = {
    ...event.stored,
    life: queuedAt(at, null, false),
    paused: false,
    cancelRequested: false,
    attempts: [...event.stored.attempts],
    setbacks: { failure: 0, lost: 0, conflict: 0 },
    lastRetry: event.request,
    earlierRetries: retriesOf(event.stored).slice(-earlierRetriesMax),
  };
  state.tasks.set(task.id, task);
  state.counts.queued += 1;
  watchDependencies(state, task);
  place(state, task, at);
}

function attemptStarted(state: State, event: AttemptStarted, at: number, seq: number): void {
  const task = taskOf(state, event.task);
  for (const passed of event.overtook) overtake(state, passed);
  const attempt = (currentAttempt(task)?.number ?? 0) + 1;
  beginAttempt(state, task, { worker: event.worker, attempt, fence: seq }, at);
}

type Granted = Pick<AttemptAdopted, "worker" | "attempt" | "fence">;

function beginAttempt(state: State, task: Task, granted: Granted, at: number): void {
  task.attempts.push(newAttempt(granted, at));
  const worker = state.workers.get(granted.worker);
  if (worker !== undefined) takeUp(worker, task);
  const { fence } = granted;
  enter(state, task, { status: "running", since: at, worker: granted.worker, fence }, at);
}

function newAttempt({ worker, attempt, fence }: Granted, at: number): Attempt {
  return {
    number: attempt,
    worker,
    fence,
    startedAt: at,
    endedAt: null,
    result: null,
    failure: null,
    savedRef: null,
    savedCommit: null,
  };
}

/** One that nobody knew is written down as lost: its number, and with it its saved work, stays its own. */
function attemptFenced(state: State, event: AttemptFenced, at: number): void {
  const task = state.tasks.get(event.task);
  if (task?.life.status !== "queued" || event.because !== "unknown") return;
  if (event.attempt <= (currentAttempt(task)?.number ?? 0)) return;
  task.attempts.push({ ...newAttempt(event, at), endedAt: at, result: "lost" });
}

function attemptEnded(state: State, event: AttemptEnded, at: number): void {
  const task = taskOf(state, event.task);
  const attempt = currentAttempt(task);
  if (attempt === undefined || task.life.status !== "running")
    throw new Error(`${event.task} is not running`);
  attempt.endedAt = at;
  attempt.result = event.result;
  attempt.failure = event.failure;
  attempt.savedRef = event.saved?.ref ?? null;
  attempt.savedCommit = event.saved?.commit ?? null;
  if (event.saved !== null) task.touched = mergePaths(task.touched, touchedBy(event.saved));
  const worker = state.workers.get(task.life.worker);
  if (worker !== undefined) give(worker, task);
  if (event.next.to === "landing") {
    if (event.saved === null) throw new Error(`${event.task} has nothing to land`);
    const { fence } = task.life;
    const waiting = { at: "waiting", redBase: null } as const;
    enter(
      state,
      task,
      { status: "landing", since: at, fence, saved: event.saved, step: waiting },
      at,
    );
    holdTouched(state, task);
    state.landing.waiting.add(task.id);
    return;
  }
  proceed(state, task, event.next, at);
}

function attemptSalvaged(state: State, event: AttemptSalvaged): void {
  const task = state.tasks.get(event.task);
  const attempt = task?.attempts.find(({ number }) => number === event.attempt);
  if (attempt === undefined || event.saved === null) return;
  attempt.savedRef = event.saved.ref;
  attempt.savedCommit = event.saved.commit;
}

/** What it held before this connection is known from the tasks that run on it. */
function workerReady(state: State, id: WorkerId, at: number): void {
  const worker: WorkerState = { id, slot: slotOf(id), since: at, held: new Set(), instants: 0 };
  for (const task of state.tasks.values())
    if (task.life.status === "running" && task.life.worker === id) takeUp(worker, task);
  state.workers.set(id, worker);
}

function slotOf(id: WorkerId): number | null {
  const [role, slot] = id.split("-");
  return role === "worker" ? Number(slot) : null;
}

/** The worker holds the attempt from now on. */
export function takeUp(worker: WorkerState, task: Task): void {
  worker.held.add(task.id);
  if (isInstant(task.spec)) worker.instants += 1;
}

function give(worker: WorkerState, task: Task): void {
  if (worker.held.delete(task.id) && isInstant(task.spec)) worker.instants -= 1;
}

function landingEnded(state: State, event: LandingEnded, at: number): void {
  const task = taskOf(state, event.task);
  if (state.landing.chain.includes(event.task)) stopLanding(state, event.task);
  state.landing.waiting.delete(event.task);
  if (event.next.to === "succeeded" && event.next.commit !== null)
    tipSeen(state, event.next.commit);
  proceed(state, task, event.next, at);
}

function proceed(state: State, task: Task, next: Next, at: number): void {
  switch (next.to) {
    case "landing":
      throw new Error("an attempt is the only way to land");
    case "succeeded":
      return enter(state, task, { status: "succeeded", since: at, commit: next.commit }, at);
    case "failed":
      return enter(state, task, { status: "failed", since: at, reason: next.reason }, at);
    case "cancelled":
      return enter(state, task, { status: "cancelled", since: at }, at);
    case "queued": {
      if (next.because !== "stopping") task.setbacks[next.because] += 1;
      enter(state, task, queuedAt(at, next.notBefore, next.because === "failure"), at);
      return place(state, task, at);
    }
    default:
      return unreachable(next);
  }
}

/** Every change of status passes here: counts, claims and those who wait stay in step with it. */
function enter(state: State, task: Task, life: Life, at: number): void {
  const before = task.life.status;
  state.counts[before] -= 1;
  state.counts[life.status] += 1;
  task.life = life;
  if (life.status === "running") {
    state.schedule.fairness.delete(task.id);
    hold(state, task);
  } else if (life.status !== "landing") release(state, task.id, at);
  leaveWaiting(state, task.id, at);
  if (isFinal(life)) settle(state, task, at);
}

function settle(state: State, task: Task, at: number): void {
  if (!isFinal(task.life)) return;
  const commit = task.life.status === "succeeded" ? task.life.commit : null;
  state.finals.set(task.id, { digest: task.digest, status: task.life.status, commit });
  state.schedule.fairness.delete(task.id);
  state.schedule.unmet.delete(task.id);
  settleDependents(state, task.id, at);
}

/** With the landing that ran into it ended, nobody else would find out that the cause is gone. */
function stopLanding(state: State, id: TaskId): void {
  leaveChain(state, id);
  const { landing } = state;
  if (landing.held?.kind !== "base_red") landing.held = null;
}

function queuedAt(at: number, notBefore: number | null, backoff: boolean): Life {
  return { status: "queued", since: at, notBefore, backoff };
}

function mergePaths(before: readonly string[], more: readonly string[]): readonly string[] {
  return before.length === 0 ? more : [...new Set([...before, ...more])];
}
