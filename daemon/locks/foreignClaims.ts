import { claimingEverything, foreignBytesMax, parseForeign } from "./foreignFile.ts";
import { identityOf, judge } from "../../system/processIdentity.ts";
import { isHoldId } from "../../ipc/ids.ts";
import { mkdir, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Stats } from "node:fs";
import type { Clock, Timer } from "../../system/clock.ts";
import type { HoldId } from "../../ipc/ids.ts";
import type { ProcessIdentity } from "../../system/processIdentity.ts";

/**
 * Watches the folder of foreign claims and says what counts. A file that is stale (its process has
 * ended, or nobody touched it for `stale_after`) is moved to `stale/`, so that it can be seen, and
 * put back, and does not count again by itself.
 */
export type ForeignClaimsOptions = {
  /** `.aibrain/locks/foreign` */
  readonly folder: string;
  readonly staleAfterMs: () => number;
  readonly clock: Clock;
  /** The globs as the repository spells them. */
  readonly spell: (globs: readonly string[]) => Promise<string[]>;
  readonly onClaim: (claim: ForeignClaim) => void;
  /** `stale`: nobody looks after the file any more. */
  readonly onGone: (hold: HoldId, stale: boolean) => void;
  readonly onProblem: (file: string, message: string) => void;
};

export type ForeignClaim = {
  readonly hold: HoldId;
  readonly writes: readonly string[];
  readonly owner: ProcessIdentity | null;
  readonly file: string;
};

/** As the journal knows it. */
export type KnownClaim = { readonly hold: HoldId; readonly owner: ProcessIdentity | null };

type Seen = {
  readonly mtimeMs: number;
  /** By the monotonic clock: when this time of the file was seen first. */
  readonly seenAt: number;
  readonly owner: ProcessIdentity | null;
  readonly counts: boolean;
};

const checkMs = 500;
const suspendGapMs = 5 * checkMs;
const filesMax = 1_000;
const staleFolder = "stale";

export class ForeignClaims {
  readonly #options: ForeignClaimsOptions;
  readonly #seen = new Map<string, Seen>();
  #watcher: { close(): Promise<void> } | null = null;
  /** By name, of an earlier epoch: which process a number meant when the claim was noticed. */
  readonly #owners = new Map<string, ProcessIdentity>();
  #timer: Timer | null = null;
  #turn: Promise<void> = Promise.resolve();
  #lastCheck: number;
  #again = false;
  /** What kept the last look from being made. */
  #problem: string | null = null;
  #closed = false;

  constructor(options: ForeignClaimsOptions) {
    this.#options = options;
    this.#lastCheck = options.clock.monotonicMs();
  }

  /** Resolves when what lies there counts. `known`: foreign claims of an earlier epoch. */
  async open(known: readonly KnownClaim[]): Promise<void> {
    for (const { hold, owner } of known) if (owner !== null) this.#owners.set(nameOf(hold), owner);
    await this.#watch();
    await this.look();
    this.#owners.clear();
    for (const { hold } of known)
      if (this.#seen.get(nameOf(hold))?.counts !== true) this.#options.onGone(hold, false);
    this.#lookLater();
  }

  /** The folder was removed under us. */
  async rebuild(): Promise<void> {
    await this.#watcher?.close();
    await this.#watch();
    await this.look();
  }

  /** Milliseconds since the file was touched, as far as it was seen. */
  ageMs(hold: HoldId): number | null {
    const seen = this.#seen.get(nameOf(hold));
    return seen === undefined ? null : this.#options.clock.monotonicMs() - seen.seenAt;
  }

  fileOf(hold: HoldId): string {
    return join(this.#options.folder, nameOf(hold));
  }

  /** A person wants it gone. */
  async remove(hold: HoldId): Promise<void> {
    await unlink(this.fileOf(hold)).catch(() => {});
    await this.look();
  }

  /** Looks at every file; one look after the other. */
  look(): Promise<void> {
    if (this.#again || this.#closed) return this.#turn;
    this.#again = true;
    this.#turn = this.#turn.then(async () => {
      this.#again = false;
      const problem = await this.#lookAtAll().then(() => null, String);
      if (problem !== null && problem !== this.#problem)
        this.#options.onProblem(this.#options.folder, problem);
      this.#problem = problem;
    });
    return this.#turn;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#watcher?.close();
    await this.#turn;
  }

  #lookLater(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.setTimer(checkMs, () => {
      void this.look();
      this.#lookLater();
    });
  }

  async #watch(): Promise<void> {
    const { folder } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { watch } = await import("chokidar");
    const watcher = watch(folder, { ignoreInitial: true, depth: 0 });
    watcher.on("all", () => void this.look());
    watcher.on("error", (error) => this.#options.onProblem(folder, String(error)));
    this.#watcher = watcher;
  }

  async #lookAtAll(): Promise<void> {
    if (this.#closed) return;
    const now = this.#options.clock.monotonicMs();
    const slept = now - this.#lastCheck > suspendGapMs;
    this.#lastCheck = now;
    const names = (await readdir(this.#options.folder).catch(noneIfMissing)) ?? [];
    if (names.length > filesMax) throw new Error(`more than ${filesMax} files`);
    for (const name of this.#seen.keys()) if (!names.includes(name)) this.#forget(name, false);
    for (const name of names) if (name !== staleFolder) await this.#lookAtOne(name, now, slept);
  }

  async #lookAtOne(name: string, now: number, slept: boolean): Promise<void> {
    const file = join(this.#options.folder, name);
    const found = await stat(file).catch(noneIfMissing);
    if (found === null) return this.#forget(name, false);
    const before = this.#seen.get(name);
    if (before?.mtimeMs !== found.mtimeMs) return await this.#take(name, found, now);
    if (!before.counts) return;
    if (slept) this.#seen.set(name, { ...before, seenAt: now });
    else if (isStale(before, now, this.#options.staleAfterMs()))
      await this.#setAside(name, found.mtimeMs);
  }

  async #take(name: string, found: Stats, now: number): Promise<void> {
    const { folder, onClaim, onProblem } = this.#options;
    const { mtimeMs, size } = found;
    const file = join(folder, name);
    const refuse = (message: string): void => {
      this.#forget(name, false);
      this.#seen.set(name, { mtimeMs, seenAt: now, owner: null, counts: false });
      onProblem(file, message);
    };
    const hold = `foreign:${name}`;
    if (!isHoldId(hold))
      return refuse("its name is not letters, digits, dots, dashes and underscores");
    if (!found.isFile()) return refuse("is no file");
    const { writes, pid, problems } =
      size > foreignBytesMax
        ? claimingEverything(`has more than ${foreignBytesMax} bytes`)
        : parseForeign(await readFile(file, "utf8"));
    for (const problem of problems) onProblem(file, problem);
    const owner = pid === null ? null : this.#ownerOf(name, pid);
    if (pid !== null && (owner === null || judge(owner) === "dead")) {
      this.#seen.set(name, { mtimeMs, seenAt: now, owner, counts: true });
      return await this.#setAside(name, mtimeMs);
    }
    if (writes.length === 0) return refuse("claims nothing: it has no glob");
    this.#seen.set(name, { mtimeMs, seenAt: now, owner, counts: true });
    onClaim({ hold, writes: await this.#options.spell(writes), owner, file });
  }

  /** While nobody watched, the number may have been given to another process. */
  #ownerOf(name: string, pid: number): ProcessIdentity | null {
    const known = this.#owners.get(name);
    return known?.pid === pid ? known : (identityOf(pid) ?? null);
  }

  /** It counts no more, even where it cannot be moved: until it is touched it is not looked at again. */
  async #setAside(name: string, mtimeMs: number): Promise<void> {
    const { folder, clock, onProblem } = this.#options;
    const file = join(folder, name);
    const problem = await moveInto(join(folder, staleFolder), file, name);
    this.#forget(name, true);
    if (problem === null) return;
    this.#seen.set(name, { mtimeMs, seenAt: clock.monotonicMs(), owner: null, counts: false });
    onProblem(file, `is stale, and cannot be moved to ${staleFolder}/: ${problem}`);
  }

  #forget(name: string, stale: boolean): void {
    const seen = this.#seen.get(name);
    this.#seen.delete(name);
    const hold = `foreign:${name}`;
    if (seen?.counts === true && isHoldId(hold)) this.#options.onGone(hold, stale);
  }
}

/** What kept it from being moved; `null`: nothing, or it is gone. */
async function moveInto(folder: string, file: string, name: string): Promise<string | null> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await rename(file, join(folder, name));
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? null : String(error);
  }
}

/** Whatever else keeps a file from being read says nothing about the claim: it counts on. */
function noneIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}

function isStale({ owner, seenAt }: Seen, now: number, staleAfterMs: number): boolean {
  if (owner === null) return now - seenAt >= staleAfterMs;
  return judge(owner) === "dead";
}

function nameOf(hold: HoldId): string {
  return hold.slice(hold.indexOf(":") + 1);
}
