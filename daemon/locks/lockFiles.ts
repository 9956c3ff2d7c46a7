import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, unlink, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { replaceFile } from "../../system/atomicFile.ts";
import type { ProcessIdentity } from "../../system/processIdentity.ts";
import type { HolderId, WorkerId } from "../../ipc/ids.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * The visible record of what is held: `.aibrain/locks/e<epoch>/<task>.<n>.lock` of an attempt and
 * `lock-<id>.lock` of a hold, made with the npm package `lockfile`, and beside it a `.json` that says
 * who and what.
 *
 * The supervisor decides who holds what; these files show it, to people and to other tools. The
 * package's stale handling is never used (it acquires twice in up to 15 % of synchronised trials) and
 * it gets a fresh options object each time, since it writes into it. The epoch in the path makes the
 * package's exit hook harmless: a deposed supervisor can only remove files of its own epoch.
 */
export type LockRecord = {
  readonly holder: HolderId;
  /** Of a task. */
  readonly attempt: number | null;
  readonly fence: number;
  readonly epoch: number;
  readonly worker: WorkerId | null;
  /** What a hold is for, as its owner says. */
  readonly note: string | null;
  readonly writes: readonly string[];
  readonly reads: readonly string[];
  readonly resources: Readonly<Record<string, number>>;
  readonly optimistic: boolean;
  readonly grantedAt: number;
  readonly ttlMs: number;
  /** The process of the worker, or of the hold's owner; `null` while it is not known. */
  readonly owner: ProcessIdentity | null;
};

export type LockFilesOptions = {
  /** `.aibrain/locks` */
  readonly folder: string;
  readonly epoch: number;
  /** A lock file went away without us; it has been put back. */
  readonly onPutBack: (file: string) => void;
  readonly onProblem: (message: string) => void;
};

const epochFolder = /^e[0-9]+$/;
const archivedEpochsMax = 8;

type Held = { readonly file: string; readonly record: LockRecord };

export class LockFiles {
  readonly #options: LockFilesOptions;
  readonly #folder: string;
  readonly #held = new Map<HolderId, Held>();
  #turn: Promise<unknown> = Promise.resolve();
  #watcher: { close(): Promise<void> } | null = null;

  constructor(options: LockFilesOptions) {
    this.#options = options;
    this.#folder = join(options.folder, `e${options.epoch}`);
  }

  /** The folder of this epoch's files. */
  get folder(): string {
    return this.#folder;
  }

  /** Archives what earlier epochs left and begins to watch. */
  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await this.#archiveEarlierEpochs();
    await this.#watch();
  }

  place(record: LockRecord): Promise<void> {
    const file = join(this.#folder, lockFileName(record));
    return this.#inTurn(async () => {
      const before = this.#held.get(record.holder);
      if (before !== undefined && before.file !== file) await this.#erase(before.file);
      this.#held.set(record.holder, { file, record });
      await this.#write(file, record);
    });
  }

  remove(holder: HolderId): Promise<void> {
    return this.#inTurn(async () => {
      const held = this.#held.get(holder);
      if (held === undefined) return;
      this.#held.delete(holder);
      await this.#erase(held.file);
    });
  }

  /** Absolute path of the holder's lock file, if there is one. */
  fileOf(holder: HolderId): string | null {
    return this.#held.get(holder)?.file ?? null;
  }

  /** For those who only look: the file's time is that of the last sign of life. */
  touch(holder: HolderId): void {
    const held = this.#held.get(holder);
    if (held === undefined) return;
    const now = new Date();
    utimes(held.file, now, now).catch(() => {});
  }

  /** Puts back what is missing: a file that went before the watcher had seen it makes no event. */
  reconcile(): Promise<void> {
    return this.#inTurn(async () => {
      for (const { file } of this.#held.values()) if (!existsSync(file)) await this.#putBack(file);
    });
  }

  /** The folder was removed under us (`git clean -fdx`): makes every file again. */
  rebuild(): Promise<void> {
    return this.#inTurn(async () => {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      for (const { file, record } of this.#held.values()) await this.#write(file, record);
      await this.#watcher?.close();
      await this.#watch();
    });
  }

  async close(): Promise<void> {
    await this.#watcher?.close();
    await this.#inTurn(async () => {
      for (const { file } of this.#held.values()) await this.#erase(file);
      this.#held.clear();
      await failpoint("locks.close", () => rm(this.#folder, { recursive: true, force: true }));
    });
  }

  async #watch(): Promise<void> {
    const { watch } = await import("chokidar");
    const watcher = watch(this.#folder, { ignoreInitial: true, depth: 0, ignored: isNoLock });
    watcher.on("unlink", (file) => void this.#inTurn(() => this.#putBack(file)));
    watcher.on("error", (error) => this.#options.onProblem(String(error)));
    this.#watcher = watcher;
  }

  /** The record first: a lock file is never without its owner. */
  async #write(file: string, record: LockRecord): Promise<void> {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await failpoint("locks.record", () =>
      replaceFile(file.replace(/\.lock$/, ".json"), `${JSON.stringify(record, null, 2)}\n`),
    );
    await failpoint("locks.acquire", () => acquire(file));
  }

  async #erase(file: string): Promise<void> {
    await failpoint("locks.release", () => releaseFile(file));
    await failpoint("locks.forget", () => unlink(file.replace(/\.lock$/, ".json"))).catch(() => {});
  }

  async #putBack(file: string): Promise<void> {
    const held = [...this.#held.values()].find((other) => other.file === file);
    if (held === undefined) return;
    await this.#write(held.file, held.record);
    this.#options.onPutBack(basename(file));
  }

  /** Their records stay for people to look at, a few epochs long; a lock file that holds nothing goes. */
  async #archiveEarlierEpochs(): Promise<void> {
    const { folder, epoch } = this.#options;
    const archive = join(folder, "earlier");
    for (const name of await readdir(folder)) {
      if (!epochFolder.test(name) || name === `e${epoch}`) continue;
      for (const file of await readdir(join(folder, name)))
        if (file.endsWith(".lock"))
          await failpoint("locks.drop", () => unlink(join(folder, name, file)));
      await failpoint("locks.archive", async () => {
        await rm(join(archive, name), { recursive: true, force: true });
        await mkdir(archive, { recursive: true, mode: 0o700 });
        await rename(join(folder, name), join(archive, name));
      });
    }
    const kept = (await readdir(archive).catch(() => []))
      .filter((name) => epochFolder.test(name))
      .toSorted((a, b) => Number(b.slice(1)) - Number(a.slice(1)));
    for (const name of kept.slice(archivedEpochsMax))
      await failpoint("locks.discard", () =>
        rm(join(archive, name), { recursive: true, force: true }),
      );
  }

  /** One file operation after the other, so that a put-back never meets a removal half-way. */
  #inTurn(step: () => Promise<void>): Promise<void> {
    const next = this.#turn.then(step).catch((error: unknown) => {
      this.#options.onProblem(error instanceof Error ? error.message : String(error));
    });
    this.#turn = next;
    return next;
  }
}

/** Records, and what they are written into first: each file that is watched costs a watch of its own. */
function isNoLock(path: string): boolean {
  return /\.(?:json|tmp)$/.test(path);
}

function lockFileName({ holder, attempt }: LockRecord): string {
  return attempt === null ? `${holder.replace(":", "-")}.lock` : `${holder}.${attempt}.lock`;
}

async function acquire(file: string): Promise<void> {
  const { default: lockfile } = await import("lockfile");
  await new Promise<void>((resolve, reject) => {
    lockfile.lock(file, {}, (error) => {
      const there =
        error !== null && (error as NodeJS.ErrnoException | undefined)?.code === "EEXIST";
      if (error && !there) reject(error);
      else resolve();
    });
  });
}

async function releaseFile(file: string): Promise<void> {
  const { default: lockfile } = await import("lockfile");
  await new Promise<void>((resolve) => {
    lockfile.unlock(file, () => resolve());
  });
}
