import { existsSync } from "node:fs";
import { join } from "node:path";
import { mkdir } from "node:fs/promises";
import type { Holds } from "./holds.ts";
import type { Layout } from "../system/paths.ts";
import type { Listener } from "./server/listener.ts";
import type { LockFiles } from "./locks/lockFiles.ts";
import type { Log } from "./observe/log.ts";
import type { Loop } from "./loop.ts";
import type { SpaceWatch } from "./spaceWatch.ts";

/** How often the folders and the socket are looked after: people run `git clean -fdx`. */
const scanMs = 500;
/** In `.aibrain/logs`. */
export const logFile = "orchd.log";

/** What is looked after. */
export type ScanPorts = {
  readonly layout: Layout;
  readonly log: Log;
  /** False: the file of the supervisor's lock was removed or replaced, so it shuts out nobody. */
  readonly isLockIntact: () => boolean;
  readonly loop: Pick<Loop, "journalProblem">;
  readonly space: Pick<SpaceWatch, "look">;
  readonly locks: Pick<LockFiles, "folder" | "reconcile" | "rebuild">;
  readonly holds: Pick<Holds, "rebuild">;
  readonly listener: () => Pick<Listener, "relisten"> | null;
  readonly reopenInbox: () => Promise<void>;
  /** The supervisor ends: nothing is made again. */
  readonly hasEnded: () => boolean;
  readonly die: (reason: unknown) => void;
};

/** Makes again what was removed under us, and logs what stands in the way of the journal. */
export class Scan {
  readonly #ports: ScanPorts;
  readonly #noted = new Map<string, string>();
  #timer: NodeJS.Timeout | null = null;
  #scanning: Promise<void> = Promise.resolve();

  constructor(ports: ScanPorts) {
    this.#ports = ports;
  }

  begin(): void {
    this.#timer = setInterval(() => {
      this.#scanning = this.#scanning
        .then(() => {
          this.#note("the journal cannot be written", this.#ports.loop.journalProblem);
          this.#ports.space.look();
          return this.#lookAfter();
        })
        .then(
          () => this.#note("looking after .aibrain failed", null),
          (error: unknown) => this.#note("looking after .aibrain failed", String(error)),
        );
    }, scanMs);
  }

  /** Resolves when no scan is under way any more. */
  async end(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#scanning;
  }

  /** What lasts is logged when it begins, changes and ends, not at every look. */
  #note(what: string, problem: string | null): void {
    const before = this.#noted.get(what) ?? null;
    if (before === problem) return;
    if (problem === null) this.#noted.delete(what);
    else this.#noted.set(what, problem);
    if (problem === null) this.#ports.log.info("it works again", { before: what });
    else this.#ports.log.warn(what, { problem });
  }

  async #lookAfter(): Promise<void> {
    const { layout, log, locks, holds, isLockIntact, listener, hasEnded, die } = this.#ports;
    if (hasEnded()) return;
    if (!isLockIntact())
      return die(new Error("supervisor.db was removed or replaced: the lock is lost"));
    await mkdir(layout.logsDir, { recursive: true, mode: 0o700 });
    if (!existsSync(join(layout.logsDir, logFile))) log.reopen();
    if (await listener()?.relisten()) log.warn("the socket was removed and made again");
    if (existsSync(locks.folder)) await locks.reconcile();
    else {
      await locks.rebuild();
      await holds.rebuild();
    }
    if (!existsSync(layout.inboxDir)) await this.#ports.reopenInbox();
  }
}
