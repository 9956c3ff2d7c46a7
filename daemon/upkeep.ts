import { droppedAtOnceMax } from "./landing/collect.ts";
import { expiredRefs } from "./core/retention.ts";
import { gcRefsMax } from "../ipc/gcView.ts";
import { unreachable } from "../ipc/errors.ts";
import type { Clock, Timer } from "../system/clock.ts";
import type { ExpiredRef, RetentionPolicy } from "./core/retention.ts";
import type { GcView } from "../ipc/gcView.ts";
import type { Keeping } from "./landing/keeping.ts";
import type { Log } from "./observe/log.ts";
import type { State } from "./core/state.ts";

/**
 * The repository is looked after by its one writer, seldom, and after everything else:
 *
 *     every 10 min     are there many loose objects or packs? then they are packed, once nothing lands
 *     every 6 h        refs that `retention` no longer keeps are removed; first after an hour
 *     `orchd gc`       both, now
 *
 * While something lands, packing stands still; it holds no lock that anybody could wait for.
 */
export type UpkeepPorts = {
  readonly keeping: Keeping;
  readonly read: <View>(look: (state: State) => View) => Promise<View>;
  /** Something lands, or waits to. */
  readonly isLanding: () => boolean;
  readonly policy: () => RetentionPolicy;
  readonly isOff: () => boolean;
  readonly setTimer: Clock["setTimer"];
  readonly wallMs: () => number;
  readonly log: Pick<Log, "info" | "warn">;
  readonly die: (reason: unknown) => void;
};

const lookMs = 10 * 60 * 1000;
/** In looks. */
const firstCollection = 6;
const collectEvery = 36;
/** Below what git itself calls too much (6,700 and 50), so that a person's git does not begin at it. */
const looseMax = 4_000;
const packsMax = 40;
/** How soon packing stands still when something begins to land. */
const glanceMs = 50;

export class Upkeep {
  readonly #ports: UpkeepPorts;
  readonly #stop = new AbortController();
  #looks = 0;
  #timer: Timer | null = null;
  #collecting: Promise<unknown> = Promise.resolve();
  #packing: Promise<void> | null = null;

  constructor(ports: UpkeepPorts) {
    this.#ports = ports;
  }

  begin(): void {
    this.#timer = this.#ports.setTimer(lookMs, () => {
      this.#look().catch((error: unknown) =>
        this.#ports.log.warn("upkeep failed", { reason: String(error) }),
      );
      if (!this.#stop.signal.aborted) this.begin();
    });
  }

  /** One at a time. Rejects with a `GitError`. */
  collect({ dryRun }: { readonly dryRun: boolean }): Promise<GcView> {
    const next = this.#collecting.then(() => this.#collect(dryRun));
    this.#collecting = next.catch(() => undefined);
    return next;
  }

  /** Resolves when no git of it is left. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#stop.abort();
    await this.#packing;
  }

  async #look(): Promise<void> {
    if (this.#ports.isOff()) return;
    this.#looks += 1;
    if (this.#looks % collectEvery === firstCollection) {
      const { refs, problem } = await this.#refs(false);
      if (refs.length > 0) this.#ports.log.info("old refs are removed", { refs: refs.length });
      if (problem !== null) this.#ports.log.warn("old refs stay", { problem });
    }
    const { loose, packs } = await this.#ports.keeping.clutter();
    if (loose > looseMax || packs > packsMax) await this.#pack();
  }

  async #collect(dryRun: boolean): Promise<GcView> {
    const { keeping, isOff } = this.#ports;
    const { refs, bytes, problem } = await this.#refs(dryRun);
    const objects = await keeping.clutter();
    const listed = refs.map(({ name, why }) => ({ ref: name, why }));
    const view = { dry_run: dryRun, refs: listed, bytes, objects, problem };
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
          this.#ports.die(new Error("another supervisor has taken over this repository"));
          return { refs: gone, bytes, problem: "another supervisor has taken over" };
        case "problem":
          return { refs: gone, bytes, problem: dropped.message };
        default:
          return unreachable(dropped);
      }
    }
    return { refs: gone, bytes, problem: null };
  }

  async #expired(): Promise<ExpiredRef[]> {
    const { keeping, read, policy, wallMs } = this.#ports;
    const at = wallMs();
    const refs = await keeping.refs(at);
    return await read((state) => expiredRefs(state, refs, policy(), at));
  }

  /** Begins to pack, unless that is under way. */
  async #pack(): Promise<void> {
    const { keeping, wallMs } = this.#ports;
    if (this.#packing !== null || keeping.notOurs() !== null || this.#stop.signal.aborted) return;
    this.#packing = this.#repack().finally(() => (this.#packing = null));
    await keeping.removeLeftPacks(wallMs());
  }

  async #repack(): Promise<void> {
    const { keeping, log, setTimer, isLanding } = this.#ports;
    const repack = keeping.repack(this.#stop.signal);
    const glance: { timer: Timer | null; stands: boolean } = { timer: null, stands: false };
    const look = (): void => {
      const stands = isLanding();
      if (stands && !glance.stands) repack.pause();
      if (!stands && glance.stands) repack.resume();
      glance.stands = stands;
      glance.timer = setTimer(glanceMs, look);
    };
    look();
    const problem = await repack.problem;
    glance.timer?.cancel();
    if (this.#stop.signal.aborted) return;
    if (problem === null) log.info("objects are packed", await keeping.clutter());
    else log.warn("objects could not be packed", { problem });
  }
}
