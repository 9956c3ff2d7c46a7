import { droppedAtOnceMax } from "./landing/collect.ts";
import { ageOf } from "./core/ages.ts";
import { Aging } from "./aging.ts";
import { Packing } from "./packing.ts";
import { collectFolders, fencedWords } from "./folderUpkeep.ts";
import { expiredRefs, overRefs } from "./core/retention.ts";
import { gcRefsMax } from "../ipc/gcView.ts";
import { unreachable } from "../ipc/errors.ts";
import type { Ages } from "./core/ages.ts";
import type { AgingPorts } from "./aging.ts";
import type { Clock, Timer } from "../system/clock.ts";
import type { ExpiredRef, OverRef, RetentionPolicy } from "./core/retention.ts";
import type { FolderPorts } from "./folderUpkeep.ts";
import type { GcView } from "../ipc/gcView.ts";
import type { Keeping } from "./landing/keeping.ts";
import type { LeftFolder } from "./core/folders.ts";
import type { Log } from "./observe/log.ts";
import type { State } from "./core/state.ts";

/**
 * The repository is looked after by its one writer, seldom, and after everything else:
 *
 *     a minute after a start, then every 10 min     what is over is noted: its age begins (core/ages.ts)
 *     of these, not the first                       many loose objects or packs: they are packed
 *     of these, every 6 h                           refs that `retention` no longer keeps are removed
 *     `orchd gc`                                    all of it, now
 *
 * While something lands, packing stands still; it holds no lock that anybody could wait for.
 */
export type UpkeepPorts = AgingPorts & {
  readonly keeping: Keeping;
  readonly read: <View>(look: (state: State) => View) => Promise<View>;
  /** Something lands, or waits to. */
  readonly isLanding: () => boolean;
  readonly policy: () => RetentionPolicy;
  readonly isOff: () => boolean;
  readonly setTimer: Clock["setTimer"];
  readonly folders: FolderPorts;
  readonly log: Pick<Log, "info" | "warn">;
  readonly die: (reason: unknown) => void;
};

const firstLookMs = 60 * 1000;
const lookMs = 10 * 60 * 1000;
const collectMs = 6 * 60 * 60 * 1000;
/** Paths in one line of the log. */
const loggedMax = 20;
/** Longer than any git that is still at work on it. */
const leftPackMs = 24 * 60 * 60 * 1000;
/** Below what git itself calls too much (6,700 and 50), so that a person's git does not begin at it. */
const looseMax = 4_000;
const packsMax = 40;

export class Upkeep {
  readonly #ports: UpkeepPorts;
  readonly #stop = new AbortController();
  /** Resolves when it is known who works where, or at the end. */
  readonly #begun = Promise.withResolvers<void>();
  readonly #folderPorts: FolderPorts;
  /** The folder that is being removed. */
  #removing: Promise<unknown> = Promise.resolve();
  #timer: Timer | null = null;
  #collecting: Promise<unknown> = Promise.resolve();
  readonly #packing: Packing;
  readonly #aging: Aging;

  constructor(ports: UpkeepPorts) {
    this.#ports = ports;
    this.#packing = new Packing(ports);
    this.#aging = new Aging(ports);
    this.#folderPorts = { ...ports.folders, remove: (folder) => this.#remove(folder) };
  }

  /** To be called once the workers are known: nothing is removed before. */
  begin(): void {
    this.#begun.resolve();
    this.#lookIn(firstLookMs, async () => await this.#aging.save((await this.#note()).ages));
  }

  /** One at a time, and not before it has begun. Rejects with a `GitError`, or with what the disk says. */
  async collect({ dryRun }: { readonly dryRun: boolean }): Promise<GcView> {
    await this.#begun.promise;
    return await this.#inTurn(() => this.#collect(dryRun));
  }

  /** Resolves when no git of it is left and it removes no folder any more; nobody waits for the journal. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#stop.abort();
    this.#begun.resolve();
    await Promise.all([this.#packing.close(), this.#removing]);
  }

  async #remove(folder: LeftFolder): ReturnType<FolderPorts["remove"]> {
    const removing = this.#ports.folders.remove(folder);
    this.#removing = removing.catch(() => undefined);
    const removal = await removing;
    if (removal === "fenced") this.#ports.die(new Error(fencedWords));
    return removal;
  }

  #lookIn(ms: number, look: () => Promise<unknown>): void {
    this.#timer = this.#ports.setTimer(ms, () => {
      this.#inTurn(look).catch((error: unknown) =>
        this.#ports.log.warn("upkeep failed", { reason: String(error) }),
      );
      if (!this.#stop.signal.aborted) this.#lookIn(lookMs, () => this.#look());
    });
  }

  #inTurn<Value>(step: () => Promise<Value>): Promise<Value> {
    const next = this.#collecting.then(step);
    this.#collecting = next.catch(() => undefined);
    return next;
  }

  async #look(): Promise<void> {
    const { ages } = await this.#note();
    await this.#aging.save(ages);
    if (this.#ports.isOff()) return;
    if (ages.passedMs - (ages.collectedMs ?? -collectMs) >= collectMs) {
      const { refs, problem } = await this.#refs(false);
      if (refs.length > 0) this.#ports.log.info("old refs are removed", { refs: refs.length });
      if (problem !== null) this.#ports.log.warn("old refs stay", { problem });
      await this.#lookAtFolders();
      await this.#collected();
    }
    const { loose, packs } = await this.#ports.keeping.clutter();
    if (loose > looseMax || packs > packsMax) await this.#pack();
  }

  async #lookAtFolders(): Promise<void> {
    const how = { dryRun: false, measure: false, stop: this.#stop.signal };
    const { folders, problem } = await collectFolders(this.#folderPorts, await this.#note(), how);
    const paths = folders.slice(0, loggedMax).map(({ path }) => path);
    const { log } = this.#ports;
    if (folders.length > 0) log.info("old folders are removed", { folders: folders.length, paths });
    if (problem !== null) log.warn("old folders stay", { problem });
  }

  /** What is over now, and since when. */
  async #note(): Promise<Noted> {
    const { keeping, read, time } = this.#ports;
    const refs = await keeping.refs(time().wallMs);
    const packs = await keeping.leftPacks();
    const { folders, isUsed } = await this.#folders();
    const over = await read((state) => overRefs(state, refs, isUsed));
    const names = [...over.map(({ name }) => name), ...packs, ...folders.map(({ path }) => path)];
    return { over, packs, folders, ages: await this.#aging.note(names) };
  }

  /** A disk that cannot be read keeps no ref from going; what is on it is younger afterwards. */
  async #folders(): Promise<{
    readonly folders: readonly LeftFolder[];
    readonly isUsed: (worker: string) => boolean;
  }> {
    try {
      const folders = await this.#ports.folders.list();
      const workers = await this.#ports.folders.workers();
      return { folders, isUsed: (worker) => workers.has(worker) };
    } catch (error) {
      this.#ports.log.warn("folders cannot be looked at", { reason: String(error) });
      return { folders: [], isUsed: () => true };
    }
  }

  async #collect(dryRun: boolean): Promise<GcView> {
    const { keeping, isOff } = this.#ports;
    const { refs, bytes, problem } = await this.#refs(dryRun);
    const how = { dryRun, measure: true, stop: this.#stop.signal };
    const left = await collectFolders(this.#folderPorts, await this.#note(), how);
    if (!dryRun) await this.#collected();
    const objects = await keeping.clutter();
    const listed = refs.map(({ name, why }) => ({ ref: name, why }));
    const { folders, unsaved } = left;
    const problems = { problem: problem ?? left.problem };
    const view = { dry_run: dryRun, refs: listed, bytes, objects, folders, unsaved, ...problems };
    const reason = isOff() ? "maintenance is off" : keeping.notOurs();
    if (reason !== null) return { ...view, packing: { not: reason } };
    if (objects.loose === 0 && objects.packs <= 1) return { ...view, packing: "needless" };
    if (!dryRun) await this.#pack();
    return { ...view, packing: "begun" };
  }

  async #refs(dryRun: boolean): Promise<{
    readonly refs: readonly ExpiredRef[];
    readonly bytes: number | null;
    readonly problem: string | null;
  }> {
    const { keeping } = this.#ports;
    const expired = (await this.#expired()).slice(0, gcRefsMax);
    const bytes = await keeping.bytes(expired);
    if (dryRun) return { refs: expired, bytes, problem: null };
    const wanted = new Set(expired.map(({ name }) => name));
    const gone: ExpiredRef[] = [];
    while (gone.length < expired.length && !this.#stop.signal.aborted) {
      // Anew each time: a task may run again meanwhile, and then all of it stays.
      const batch = (await this.#expired())
        .filter(({ name }) => wanted.has(name))
        .slice(0, droppedAtOnceMax);
      if (batch.length === 0) break;
      const dropped = await keeping.drop(batch);
      switch (dropped.kind) {
        case "dropped":
          gone.push(...batch);
          break;
        case "fenced":
          this.#ports.die(new Error(fencedWords));
          return { refs: gone, bytes, problem: fencedWords };
        case "problem":
          return { refs: gone, bytes, problem: dropped.message };
        default:
          return unreachable(dropped);
      }
    }
    return { refs: gone, bytes, problem: null };
  }

  async #collected(): Promise<void> {
    await this.#aging.collected((await this.#note()).ages);
  }

  async #expired(): Promise<ExpiredRef[]> {
    const { over, ages } = await this.#note();
    return expiredRefs(over, ages, this.#ports.policy());
  }

  /** Begins to pack, unless that is under way. */
  async #pack(): Promise<void> {
    if (!this.#packing.begin()) return;
    const { packs, ages } = await this.#note();
    const old = packs.filter((pack) => ageOf(ages, pack) >= leftPackMs);
    await this.#ports.keeping.removeLeftPacks(old);
  }
}

type Noted = {
  readonly over: readonly OverRef[];
  /** What repacks that were cut off have left. */
  readonly packs: readonly string[];
  readonly folders: readonly LeftFolder[];
  readonly ages: Ages;
};
