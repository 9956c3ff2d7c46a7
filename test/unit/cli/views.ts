import type { HoldId, TaskId, WorkerId } from "../../../ipc/ids.ts";
import type { LandingView, TargetView } from "../../../ipc/landingViews.ts";
import type { StatusView, WorkerView } from "../../../ipc/statusViews.ts";
import type { TaskRow, TaskView } from "../../../ipc/taskViews.ts";
import type { TaskSpec } from "../../../ipc/taskSpec.ts";

/** Views as the supervisor would send them, at one fixed moment. */
export const now = 1_700_000_000_000;
export const commit = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334" as TaskRow["commit"] & string;
export const secondsAgo = (seconds: number): number => now - seconds * 1_000;
export const id = (text: string): TaskId => text as TaskId;
export const target: TargetView = {
  branch: "orchd/main",
  target: "main",
  follow: "auto",
  behind: false,
  follow_problem: null,
  held: null,
};
export const holdId = (text: string): HoldId => text as HoldId;
export const worker = (text: string): WorkerId => text as WorkerId;

export function row(given: Partial<TaskRow> & { readonly id: TaskId }): TaskRow {
  return {
    title: `Title of ${given.id}`,
    status: "queued",
    priority: 0,
    attempts: 0,
    submitted_at: secondsAgo(400),
    since: secondsAgo(60),
    worker: null,
    stage: null,
    waiting: null,
    commit: null,
    reason: null,
    ...given,
  };
}

export function workerRow(given: Partial<WorkerView> & { readonly worker: WorkerId }): WorkerView {
  return {
    pid: 512,
    state: "idle",
    tasks: [],
    stage: null,
    since: secondsAgo(60),
    heartbeat_age_ms: 2_100,
    output_bytes: 0,
    last_line: null,
    ...given,
  };
}

export const landing: LandingView = {
  branch: "orchd/main",
  target: "main",
  follow: "auto",
  tip: commit,
  target_tip: commit,
  ahead: 0,
  waiting: [],
  current: null,
  chain: [],
  testing: null,
  follow_problem: null,
  held: null,
  attributes_left_out: null,
  push: null,
};

export function statusView(given: Partial<StatusView> = {}): StatusView {
  const tasks = given.tasks ?? [];
  const count = (status: TaskRow["status"]): number =>
    tasks.filter((task) => task.status === status).length;
  return {
    daemon: {
      pid: 4242,
      epoch: 3,
      version: "0.1.0",
      uptime_ms: 8_040_000,
      state: "running",
      paused: false,
      paused_labels: [],
      journal: "ok",
      space: "ok",
    },
    slots: { total: 4, busy: count("running"), free: 4 - count("running") },
    queue: {
      length: count("queued"),
      explained: 0,
      waiting_on: {
        paused: 0,
        after: 0,
        time: 0,
        claim: 0,
        resource: 0,
        disk: 0,
        slot: 0,
        workers: 0,
      },
    },
    counts: {
      queued: count("queued"),
      running: count("running"),
      landing: count("landing"),
      succeeded: count("succeeded"),
      failed: count("failed"),
      cancelled: count("cancelled"),
    },
    tasks,
    workers: [],
    locks: [],
    foreseen: [],
    merging: [],
    landing,
    ...given,
  };
}

export const spec: TaskSpec = {
  id: id("t1"),
  title: "Fix the auth middleware",
  objective: null,
  decision: null,
  labels: [],
  work: { kind: "run", argv: ["npm", "run", "fix all"] },
  cwd: ".",
  workspace: "clone",
  claims: { writes: ["src/auth/**"], reads: ["docs/**"], resources: { "db:staging": 1 } },
  after: [],
  after_any: [],
  priority: 0,
  not_before: null,
  estimate_ms: null,
  timeout_ms: 1_200_000,
  retries: { max: 2, backoff_ms: 10_000 },
  env: {},
  secrets: [],
  verify: [["npm", "test"]],
  commit: { message: null, author: null, trailers: {} },
};

export function taskView(given: Partial<TaskView> = {}): TaskView {
  return {
    ...row({ id: id("t1"), title: spec.title }),
    spec,
    attempt_list: [],
    held: [],
    sent_back: null,
    landing_held: null,
    parked: null,
    merging: null,
    foreseen: [],
    ...given,
  };
}

/** One of everything: what `orchd status` looks like on a busy day. */
export const busyDay: StatusView = statusView({
  counts: { queued: 8, running: 3, landing: 2, succeeded: 5, failed: 2, cancelled: 1 },
  tasks: [
    row({
      id: id("t7k2m9x0ab"),
      title: "Fix the auth middleware so that expired tokens are refused",
      status: "running",
      since: secondsAgo(192),
      worker: worker("worker-2"),
      stage: "running",
      attempts: 1,
    }),
    row({
      id: id("docs-index"),
      title: "Write the index of the documentation",
      status: "running",
      since: secondsAgo(9),
      worker: worker("worker-1"),
      stage: "setup",
      attempts: 2,
    }),
    row({
      id: id("t0000000zz"),
      title: "\u001b[31mred\u001b[0m title 日本語のタイトル",
      status: "running",
      since: secondsAgo(61),
      worker: worker("worker-3"),
      attempts: 1,
    }),
    row({
      id: id("t9d8f7g6h5"),
      title: "Rename user to account",
      status: "landing",
      since: secondsAgo(30),
    }),
    row({
      id: id("t5s4d3f2g1"),
      title: "Remove the old parser",
      status: "landing",
      since: secondsAgo(12),
    }),
    row({
      id: id("tq1"),
      title: "Add a migration for accounts",
      since: secondsAgo(200),
      waiting: {
        on: "claim",
        claim: "src/auth/**",
        holder: id("t7k2m9x0ab"),
        their_claim: "src/**",
      },
    }),
    row({
      id: id("tq2"),
      title: "Release notes",
      since: secondsAgo(200),
      waiting: { on: "after", tasks: [id("t7k2m9x0ab"), id("docs-index")] },
    }),
    row({
      id: id("tq3"),
      title: "Flaky thing",
      since: secondsAgo(20),
      waiting: { on: "time", until: now + 12_000, backoff: true },
    }),
    row({ id: id("tq4"), title: "Another", since: secondsAgo(2), waiting: { on: "slot" } }),
    row({
      id: id("tf1"),
      title: "Add an index on accounts.email",
      status: "succeeded",
      since: secondsAgo(70),
      commit,
    }),
    row({
      id: id("tf2"),
      title: "Upgrade the linter and everything that comes along with it",
      status: "failed",
      since: secondsAgo(700),
      reason: {
        kind: "gate",
        command: ["npm", "test"],
        failure: { kind: "exit", exit_code: 1 },
        output: "",
      },
    }),
    row({
      id: id("tf3"),
      title: "Slow one",
      status: "failed",
      since: secondsAgo(7_000),
      reason: { kind: "attempt", failure: { kind: "timeout", timeout_ms: 1_200_000 } },
    }),
    row({ id: id("tf4"), title: "Never mind", status: "cancelled", since: secondsAgo(90_000) }),
    row({ id: id("tf5"), title: "Look around", status: "succeeded", since: secondsAgo(90_000) }),
  ],
  workers: [
    workerRow({
      worker: worker("worker-1"),
      pid: 511,
      state: "busy",
      tasks: [id("docs-index")],
      stage: "setup",
      since: secondsAgo(9),
      last_line: "added 123 packages in 4s",
    }),
    workerRow({
      worker: worker("worker-2"),
      state: "busy",
      tasks: [id("t7k2m9x0ab")],
      stage: "running",
      since: secondsAgo(192),
      heartbeat_age_ms: 4_000,
      last_line:
        "PASS src/auth/login.test.ts (12 tests, 3.1 s) and a lot more of words that do not fit into eighty columns",
    }),
    workerRow({
      worker: worker("worker-3"),
      pid: 513,
      state: "busy",
      tasks: [id("t0000000zz")],
      stage: "running",
      since: secondsAgo(61),
      heartbeat_age_ms: null,
    }),
    workerRow({
      worker: worker("worker-4"),
      pid: null,
      state: "starting",
      since: now - 300,
      heartbeat_age_ms: null,
    }),
  ],
  landing: {
    ...landing,
    ahead: 3,
    waiting: [id("t9d8f7g6h5"), id("t5s4d3f2g1")],
    current: { task: id("t9d8f7g6h5"), step: "gate", since: secondsAgo(28) },
    follow_problem: "src/a.ts edited",
  },
});
