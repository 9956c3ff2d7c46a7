import { join } from "node:path";
import type { WorkerId } from "../ipc/ids.ts";
import { isRecord } from "../ipc/message.ts";
import type { Peer } from "../ipc/peer.ts";
import { protocolVersion } from "../ipc/protocol.ts";
import { packageVersion } from "../ipc/version.ts";
import type {
  Assignment,
  AttemptKey,
  Cancellation,
  WorkerHello,
  WorkerSettings,
} from "../ipc/workerMessages.ts";
import { replaceFile } from "../system/atomicFile.ts";
import { ownIdentity } from "../system/processIdentity.ts";
import { Duty } from "./duty.ts";
import type { Log } from "./log.ts";
import { stayConnected } from "./redial.ts";
import { failpoint } from "../system/failpoint.ts";

/**
 * The worker: its duty, and a connection that comes and goes independently of it.
 *
 *     connected ◄──────────► alone ──adoption_grace over──► ending
 *         └──worker.stop, SIGTERM, refused at a hello────────┘  └─ work saved, reports told ─► over
 *
 * Losing the supervisor changes nothing for what runs: the attempt goes on, its outcome is on disk
 * before it is told, and it is told at every connection until somebody acknowledges it.
 */
export type WorkerOptions = {
  readonly worker: WorkerId;
  readonly stateFolder: string;
  /** `<common-dir>/orchd` */
  readonly stateDir: string;
  readonly token: string;
  readonly log: Log;
};

/** Until the first supervisor has said how long. */
const firstGraceMs = 15 * 60 * 1000;
/** An ending worker waits this long for its last reports to be acknowledged; they are on disk anyway. */
const farewellMs = 3_000;

export class Worker {
  readonly #options: WorkerOptions;
  readonly #duty: Duty;
  readonly #over = new AbortController();
  #peer: Peer | null = null;
  #graceMs = firstGraceMs;
  #beat: NodeJS.Timeout | null = null;
  #patience: NodeJS.Timeout | null = null;
  #ending = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#duty = new Duty({
      worker: options.worker,
      stateFolder: options.stateFolder,
      log: options.log,
      send: (method, params) => this.#peer?.notify(method, params),
      onIdle: () => this.#leaveIfDone(),
    });
  }

  /** Resolves when the process may end: nothing runs, and everything is saved. */
  async run(): Promise<void> {
    this.#duty.takeOver();
    this.#waitAlone();
    const { stateDir, log } = this.#options;
    const refusal = await stayConnected({
      stateDir,
      hello: () => this.#hello(),
      onConnected: (peer, settings) => this.#connected(peer, settings),
      onLost: () => this.#lost(),
      onNotification: (method, params) => this.#hear(method, params),
      signal: this.#over.signal,
      log,
    });
    if (refusal !== null) this.end(`the supervisor refuses this worker: ${refusal.message}`);
    await this.#duty.settled();
    this.#clearTimers();
  }

  /** Ends what runs, saves it, tells it, and lets `run` resolve. */
  end(why: string): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#options.log("ending", { why });
    this.#duty.end();
    this.#leaveIfDone();
  }

  #hello(): WorkerHello {
    const { worker, token } = this.#options;
    return {
      role: "worker",
      protocol: protocolVersion,
      version: packageVersion(),
      worker,
      token,
      pid: process.pid,
      holding: this.#duty.holding(),
    };
  }

  #connected(peer: Peer, settings: WorkerSettings): void {
    const { limits } = settings.config;
    this.#options.log("connected", { epoch: settings.epoch });
    this.#peer = peer;
    this.#graceMs = limits.adoption_grace_ms;
    this.#clearTimers();
    this.#beat = setInterval(() => {
      this.#duty.tellHeartbeat();
      this.#duty.makeRoomIfIdle();
    }, limits.heartbeat_ms);
    this.#duty.begin(settings);
    this.#writeRecord(settings.epoch);
  }

  #lost(): void {
    this.#peer = null;
    this.#clearTimers();
    this.#options.log("the connection is lost");
    this.#waitAlone();
    this.#leaveIfDone();
  }

  /** The shapes are those of `ipc/workerMessages.ts`: whoever sends has the same protocol version. */
  #hear(method: string, params: unknown): void {
    if (method === "worker.assign" && Array.isArray(params))
      this.#duty.assign(params as Assignment[]);
    else if (method === "worker.acknowledge" && Array.isArray(params))
      this.#duty.acknowledge(params as AttemptKey[]);
    else if (method === "worker.cancel" && isRecord(params))
      this.#duty.cancel(params as Cancellation);
    else if (method === "worker.stop") this.end("the supervisor said so");
  }

  #waitAlone(): void {
    this.#patience = setTimeout(() => this.end("no supervisor came back"), this.#graceMs);
  }

  #leaveIfDone(): void {
    if (!this.#ending || this.#duty.isWorking || this.#over.signal.aborted) return;
    if (this.#peer === null || this.#duty.unacknowledged === 0) return this.#over.abort();
    this.#patience ??= setTimeout(() => this.#over.abort(), farewellMs);
  }

  #clearTimers(): void {
    if (this.#beat !== null) clearInterval(this.#beat);
    if (this.#patience !== null) clearTimeout(this.#patience);
    this.#beat = null;
    this.#patience = null;
  }

  /** For whoever looks, and for the next process of this worker (start.ts). */
  #writeRecord(epoch: number): void {
    const { stateFolder, log } = this.#options;
    const record = `${JSON.stringify({ ...ownIdentity(), epoch })}\n`;
    failpoint("worker.record", () => replaceFile(join(stateFolder, "worker.json"), record)).catch(
      (error: unknown) => log("worker.json cannot be written", { error: String(error) }),
    );
  }
}
