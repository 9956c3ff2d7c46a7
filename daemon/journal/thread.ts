import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";

import { unreachable } from "../../ipc/errors.ts";
import { openFiles } from "./open.ts";
import { JournalFault, classify, unwrap } from "./problems.ts";
import type {
  AppendRequest,
  HistoryRequest,
  Reply,
  Request,
  SnapshotRequest,
  ThreadSettings,
} from "./protocol.ts";
import type { JournalProblem } from "./records.ts";
import { Store } from "./store.ts";
import { arm, armFromEnvironment } from "../../system/failpoint.ts";

/**
 * The journal's thread: it alone touches the disk. Requests are served in the order they came in;
 * appends that wait next to each other share one transaction and one sync.
 *
 * After a failed append the next ones, sent before the caller could know, no longer follow the last
 * event. They fail the same way (`stalled`) until a batch arrives that does follow it.
 * After an I/O error nothing is tried again (`broken`).
 */
const port = parentPort;
if (port === null) throw new Error("this file is started as a thread");

const settings = workerData as ThreadSettings;
const rowsPerCommitMax = 4_096;
const queue: Request[] = [];
let stalled: JournalProblem | null = null;
let broken: JournalProblem | null = null;
let closed = false;
/** A chunk that cannot be read is found at the next start; until then the state is in memory. */
let foldable = true;

const store = start();
if (store === null) port.close();
else port.on("message", (request: Request) => serve(store, request));

function start(): Store | null {
  try {
    const { path, epoch, failpoint } = settings;
    armFromEnvironment("supervisor");
    if (failpoint !== undefined) arm(failpoint);
    const opened = openFiles(path, epoch, (part) => post(part));
    post({ op: "opened", problem: null, snapshot: opened.verified.snapshot });
    return new Store(epoch, opened);
  } catch (error) {
    const problem = unwrap(classify(error));
    if (problem === null) throw error;
    post({ op: "opened", problem, snapshot: null });
    return null;
  }
}

function serve(open: Store, first: Request): void {
  queue.push(first);
  for (;;) {
    drain();
    const request = queue.shift();
    if (request === undefined && !foldOne(open)) return tidy(open, true);
    if (request !== undefined) serveOne(open, request);
    tidy(open, false);
  }
}

/** One step of what nobody waits for: an append that comes meanwhile waits for that one only. */
function foldOne(open: Store): boolean {
  let more = false;
  if (stalled !== null || broken !== null || closed || !foldable) return more;
  const problem = answer([], () => (more = open.foldOne()));
  foldable = problem === null || problem.kind === "full";
  return more;
}

/**
 * It reads rows only: what still waits in chunks comes first, one chunk a turn, also while appends are
 * refused for lack of space. A list without those tasks would be wrong, and is not given.
 */
function history(open: Store, request: HistoryRequest): void {
  if (open.isFolded)
    return void answer([request.id], () => {
      const step = open.history.step(request.query, request.ids);
      post({ op: "history", id: request.id, step });
    });
  const refused = stalled;
  const problem = answer([request.id], () => {
    open.foldOne();
    queue.push(request);
  });
  // Folding says nothing about whether the next append follows the last event.
  if (problem?.kind === "full") stalled = refused;
}

/** What nobody waits for: done when there is nothing else to do, if it can wait. */
function tidy(open: Store, idle: boolean): void {
  if (stalled === null && broken === null && !closed)
    answer([], () => open.checkpointIfDue({ idle }));
}

/** Takes in what arrived while the last request was served. */
function drain(): void {
  for (;;) {
    const received = port === null ? undefined : receiveMessageOnPort(port);
    if (received === undefined) return;
    queue.push(received.message as Request);
  }
}

function serveOne(open: Store, request: Request): void {
  switch (request.op) {
    case "append":
      return append(open, [request, ...waitingAppends(request.at.length)]);
    case "part":
      answer([request.id], () => {
        open.stage(request.of, request);
        post({ op: "done", ids: [request.id], problem: null });
      });
      return;
    case "snapshot":
      answer([request.id], () => snapshot(open, request));
      return;
    case "task":
      answer([request.id], () => {
        const body = open.bodyOf(request.task);
        post({ op: "read", id: request.id, body, texts: open.rows.ofTask(request.task) });
      });
      return;
    case "events":
      answer([request.id], () => {
        const texts = open.rows.range(request.from, request.max);
        post({ op: "read", id: request.id, body: null, texts });
      });
      return;
    case "history":
      return history(open, request);
    case "close":
      answer([request.id], () => {
        open.close();
        post({ op: "done", ids: [request.id], problem: null });
      });
      closed = true;
      port?.close();
      return;
    default:
      return unreachable(request);
  }
}

function append(open: Store, batches: readonly AppendRequest[]): void {
  const fitting: AppendRequest[] = [];
  let next = open.last.seq + 1;
  for (const batch of batches) {
    if (batch.first === next) {
      fitting.push(batch);
      next += batch.at.length;
    } else if (stalled !== null && fitting.length === 0) {
      post({ op: "done", ids: [batch.id], problem: stalled });
    } else {
      const message = `a batch starts at event ${batch.first}, but the next one is ${next}`;
      post({ op: "bug", ids: [batch.id], message });
    }
  }
  if (fitting.length === 0) return;
  const ids = fitting.map((batch) => batch.id);
  stalled = null;
  answer(ids, () => {
    open.append(fitting);
    post({ op: "done", ids, problem: null });
  });
}

function waitingAppends(rows: number): readonly AppendRequest[] {
  const waiting: AppendRequest[] = [];
  let total = rows;
  for (let next = queue[0]; next?.op === "append"; next = queue[0]) {
    total += next.at.length;
    if (total > rowsPerCommitMax) break;
    waiting.push(next);
    queue.shift();
  }
  return waiting;
}

function snapshot(open: Store, { id, of, seq, state }: SnapshotRequest): void {
  if (seq > open.last.seq && stalled !== null) throw new JournalFault(stalled);
  open.seal(of, seq, state);
  post({ op: "done", ids: [id], problem: null });
}

/** Runs a request that posts its own answer; posts and returns what went wrong instead, if it throws. */
function answer(ids: readonly number[], run: () => void): JournalProblem | null {
  try {
    if (broken !== null) throw new JournalFault(broken);
    run();
    return null;
  } catch (error) {
    const problem = unwrap(classify(error));
    if (problem === null) {
      post({ op: "bug", ids, message: describe(error) });
      return null;
    }
    if (problem.kind === "full") stalled = problem;
    else if (problem.kind !== "damaged") broken = problem;
    post({ op: "done", ids, problem });
    return problem;
  }
}

function post(reply: Reply): void {
  port?.postMessage(reply);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
