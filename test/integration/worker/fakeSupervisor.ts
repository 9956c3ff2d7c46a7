import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdirSync, openSync, closeSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { Server } from "node:net";
import { dirname, join } from "node:path";
import { FailureError } from "../../../ipc/errors.ts";
import type { Failure } from "../../../ipc/errors.ts";
import type { TaskId } from "../../../ipc/ids.ts";
import { Peer } from "../../../ipc/peer.ts";
import type { TaskSpec } from "../../../ipc/taskSpec.ts";
import type {
  Assignment,
  AttemptKey,
  Heartbeat,
  Report,
  WorkerHello,
  WorkerSettings,
} from "../../../ipc/workerMessages.ts";
import type { TestRepository } from "../../helpers/repository.ts";
import { plainSpec } from "../../helpers/plainSpec.ts";
import { until } from "../../helpers/until.ts";

/** A supervisor that does only what a test says, and real worker processes that dial it. Owns the repository. */
export class FakeSupervisor implements AsyncDisposable {
  readonly person: TestRepository;
  readonly stateDir: string;
  readonly stateFolder: string;
  readonly log: string;
  settings: WorkerSettings;
  /** Answers hellos with this instead of the settings. */
  refusal: Failure | null = null;
  hellos: WorkerHello[] = [];
  heartbeats: Heartbeat[] = [];
  reports: Report[] = [];
  acknowledges = true;
  readonly #workers: ChildProcess[] = [];
  readonly #peers = new Set<Peer>();
  #server: Server | null = null;
  #epoch = 0;

  constructor(person: TestRepository, settings: WorkerSettings) {
    this.person = person;
    this.settings = settings;
    this.stateDir = join(settings.git_dir, "orchd");
    this.stateFolder = join(settings.work_tree, ".aibrain", "worker-1");
    this.log = join(dirname(settings.work_tree), "worker.log");
  }

  async listen(): Promise<void> {
    this.#epoch += 1;
    const socket = join(dirname(this.person.dir), `s${this.#epoch}.sock`);
    const server = createServer((connection) => {
      const peer = new Peer(connection, {
        onRequest: (_method, params) => this.#welcome(params as WorkerHello),
        onNotification: (method, params) => this.#hear(peer, method, params),
        onEnd: () => this.#peers.delete(peer),
        onBug: (error) => {
          throw error;
        },
      });
      this.#peers.add(peer);
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    this.#server = server;
    await mkdir(this.stateDir, { recursive: true });
    const record = {
      pid: process.pid,
      epoch: this.#epoch,
      socket,
      version: "0",
      started_at: 0,
    };
    await writeFile(join(this.stateDir, "supervisor.json"), JSON.stringify(record));
  }

  /** As a crash does it: every connection ends, nobody listens. */
  async vanish(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const peer of this.#peers) peer[Symbol.dispose]();
    this.#peers.clear();
    if (server !== null) await new Promise((resolve) => server.close(resolve));
  }

  /** Starts a worker process; its environment is the person's. */
  start(env: Readonly<Record<string, string>> = {}): ChildProcess {
    mkdirSync(dirname(this.log), { recursive: true });
    const log = openSync(this.log, "a");
    const child = spawn(process.execPath, [join(import.meta.dirname, "../../../worker/main.ts")], {
      env: {
        ...this.person.env,
        ORCHD_WORKER: "worker-1",
        ORCHD_WORKER_DIR: this.stateFolder,
        ORCHD_WORKER_TOKEN: "a token",
        ORCHD_STATE_DIR: this.stateDir,
        ...env,
      },
      cwd: "/",
      stdio: ["ignore", log, log],
      detached: true,
    });
    closeSync(log);
    this.#workers.push(child);
    return child;
  }

  notify(method: string, params: unknown): void {
    for (const peer of this.#peers) peer.notify(method, params);
  }

  assign(...assignments: readonly Assignment[]): void {
    this.notify("worker.assign", assignments);
  }

  async hello(count = 1): Promise<WorkerHello> {
    await until(() => this.hellos.length >= count, { what: `hello ${count}`, timeoutMs: 9_000 });
    const hello = this.hellos.at(-1);
    if (hello === undefined) throw new Error("no hello");
    return hello;
  }

  async reportOf(key: Pick<AttemptKey, "task" | "attempt">): Promise<Report> {
    return await until(
      () => this.reports.find(({ task, attempt }) => task === key.task && attempt === key.attempt),
      { what: `report of ${key.task}.${key.attempt}`, timeoutMs: 9_000 },
    );
  }

  async stage(stage: Heartbeat["stage"]): Promise<Heartbeat> {
    return await until(() => this.heartbeats.find((beat) => beat.stage === stage), {
      what: `stage ${stage}`,
      timeoutMs: 9_000,
    });
  }

  /** The worker knows that its report has arrived. */
  async hasAcknowledged(key: AttemptKey): Promise<boolean> {
    const text = await readFile(join(this.stateFolder, "attempts.log"), "utf8");
    return text.includes(JSON.stringify({ acknowledged: keyOf(key) }));
  }

  attemptFile(key: Pick<AttemptKey, "task" | "attempt">, name: string): string {
    return join(this.stateFolder, "attempts", `${key.task}.${key.attempt}`, name);
  }

  async readAttempt(key: Pick<AttemptKey, "task" | "attempt">, name: string): Promise<string> {
    return await readFile(this.attemptFile(key, name), "utf8");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) if (isRunning(worker)) worker.kill("SIGKILL");
    await Promise.all(this.#workers.map(exitOf));
    await this.vanish();
    await this.person[Symbol.asyncDispose]();
  }

  #welcome(hello: WorkerHello): WorkerSettings {
    this.hellos.push(hello);
    if (this.refusal !== null) throw new FailureError(this.refusal);
    return this.settings;
  }

  #hear(peer: Peer, method: string, params: unknown): void {
    if (method === "worker.heartbeat") this.heartbeats.push(params as Heartbeat);
    if (method !== "worker.report") return;
    const reports = params as Report[];
    this.reports.push(...reports);
    if (this.acknowledges) peer.notify("worker.acknowledge", reports.map(keyOf));
  }
}

export async function exitOf(child: ChildProcess): Promise<number | null> {
  if (isRunning(child)) await new Promise((resolve) => child.once("exit", resolve));
  return child.exitCode;
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

export function keyOf({ task, attempt, fence }: AttemptKey): AttemptKey {
  return { task, attempt, fence };
}

/** A task that runs this shell script. */
export function shellTask(
  id: string,
  script: string,
  change: Partial<TaskSpec> = {},
  attempt = 1,
): Extract<Assignment, { kind: "task" }> {
  const asked = { work: { kind: "shell", script }, claims: null, timeout_ms: 60_000 } as const;
  const spec = plainSpec(id as TaskId, { ...asked, ...change });
  return { kind: "task", task: spec.id, attempt, fence: 10 + attempt, spec, secrets: {} };
}
