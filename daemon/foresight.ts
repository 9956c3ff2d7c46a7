import { generatedGlobs, generatedPaths } from "./core/generated.ts";
import type { AttemptKey } from "../ipc/workerMessages.ts";
import type { Clock, Timer } from "../system/clock.ts";
import type { ForeseenView } from "../ipc/taskViews.ts";
import type { Landing } from "./landing/landing.ts";
import type { Log } from "./observe/log.ts";
import type { Loop } from "./loop.ts";
import type { Oid, TaskId } from "../ipc/ids.ts";

/**
 * Foresees conflicts while work still runs: workers keep what their programs have changed so far as
 * `refs/orchd/live/<task>` and name it in their heartbeats; here each is merged, for the answer alone,
 * with those of the others and with what has landed.
 *
 *     heartbeat with a new state, or the branch moved ─► pairs that were not looked at as they are now
 *         ─► one git at a time, with rests between, beside everything else ─► `foresee`
 *
 * What is foreseen is a view: it is lost with the supervisor and found again by looking. An event tells
 * when a pair begins to conflict, does so in other files, or no longer does; it ends with either task.
 * Generated files are no conflict: they are made anew when the second lands.
 */
export type ForesightPorts = {
  readonly loop: Pick<Loop, "tell" | "state">;
  readonly landing: Pick<Landing, "foresee" | "sweepLive">;
  readonly wallMs: () => number;
  readonly setTimer: Clock["setTimer"];
  readonly log: Log;
};

/** Looking takes at most a fifth of the time of one core. */
const restPerMerge = 4;
const restMsMin = 50;

type Live = { readonly commit: Oid; readonly fence: number };
/** `null`: what has landed. */
type Pair = { readonly task: TaskId; readonly other: TaskId | null };
type Looked = Pair & {
  /** What was merged, and which files are made anew instead. */
  readonly at: string;
  readonly paths: readonly string[];
  readonly since: number;
};

export class Foresight {
  readonly #ports: ForesightPorts;
  readonly #live = new Map<TaskId, Live>();
  readonly #looked = new Map<string, Looked>();
  #working: Promise<void> | null = null;
  #sweeping: Promise<unknown> = Promise.resolve();
  #rest: Timer | null = null;
  #closed = false;

  constructor(ports: ForesightPorts) {
    this.#ports = ports;
  }

  /** Running states of tasks that no longer run are left by a supervisor or a worker that was killed. */
  begin(): void {
    this.#sweep();
  }

  seen({ task, fence }: AttemptKey, commit: Oid): void {
    if (this.#fenceOf(task) !== fence) return;
    this.#live.set(task, { commit, fence });
    this.#wake();
  }

  /** After each batch of events: what has ended is forgotten, what has landed is compared. */
  afterBatch(): void {
    if (this.#closed) return;
    const over = [...this.#live].filter(([task, { fence }]) => this.#fenceOf(task) !== fence);
    for (const [task] of over) this.#forget(task);
    if (over.length > 0) this.#sweep();
    if (this.#live.size > 0) this.#wake();
  }

  views(): ForeseenView[] {
    return [...this.#looked.values()]
      .filter(({ paths }) => paths.length > 0)
      .map(({ task, other, paths, since }) => ({ task, with: other, paths: [...paths], since }));
  }

  /** Resolves when no git is at work any more, nor will be. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#rest?.cancel();
    await Promise.all([this.#working, this.#sweeping]);
  }

  /** `null`: it does not run. */
  #fenceOf(task: TaskId): number | null {
    const life = this.#ports.loop.state.tasks.get(task)?.life;
    return life?.status === "running" ? life.fence : null;
  }

  #forget(task: TaskId): void {
    this.#live.delete(task);
    for (const [key, pair] of this.#looked)
      if (pair.task === task || pair.other === task) this.#looked.delete(key);
  }

  #sweep(): void {
    const { loop, landing } = this.#ports;
    const running = [...loop.state.tasks.values()].filter(({ life }) => life.status === "running");
    const sweep = landing
      .sweepLive(new Set(running.map(({ id }) => id)))
      .catch((error: unknown) => this.#note(error));
    this.#sweeping = Promise.all([this.#sweeping, sweep]);
  }

  #wake(): void {
    if (this.#working !== null || this.#rest !== null || this.#closed) return;
    const due = this.#due();
    if (due === null) return;
    this.#working = this.#lookAt(due).finally(() => (this.#working = null));
  }

  /** What comes meanwhile is found when the rest is over. */
  async #lookAt(due: Due): Promise<void> {
    const began = performance.now();
    const paths = await this.#merge(due);
    if (!this.#closed) this.#found(due, paths);
    const restMs = Math.max(restMsMin, (performance.now() - began) * restPerMerge);
    if (this.#closed) return;
    this.#rest = this.#ports.setTimer(restMs, () => {
      this.#rest = null;
      this.#wake();
    });
  }

  /** Where git fails, what is known stays, and the pair is looked at when it is another. */
  async #merge({ task, other, one, two }: Due): Promise<readonly string[]> {
    try {
      const { landing, loop } = this.#ports;
      return await landing.foresee(one, two, generatedPaths(loop.state));
    } catch (error) {
      this.#note(error);
      return this.#looked.get(keyOf({ task, other }))?.paths ?? [];
    }
  }

  #found({ task, other, at }: Due, paths: readonly string[]): void {
    // One of them may have ended meanwhile.
    if (!this.#live.has(task) || (other !== null && !this.#live.has(other))) return;
    const key = keyOf({ task, other });
    const before = this.#looked.get(key);
    const same = before !== undefined && before.paths.join("\0") === paths.join("\0");
    const since = same ? before.since : this.#ports.wallMs();
    this.#looked.set(key, { task, other, at, paths, since });
    if (same || (before === undefined && paths.length === 0)) return;
    this.#ports.loop.tell({ type: "foresee", task, other, paths });
  }

  /** The first pair that was not looked at as it is now. */
  #due(): Due | null {
    const { state } = this.#ports.loop;
    const { tip } = state.landing;
    const apart = generatedGlobs(state).join(" ");
    const live = [...this.#live].toSorted(([a], [b]) => (a < b ? -1 : 1));
    for (const [index, [task, { commit: one }]] of live.entries()) {
      const others: [TaskId | null, Oid][] = live
        .slice(index + 1)
        .map(([other, { commit }]) => [other, commit]);
      if (tip !== null) others.push([null, tip]);
      for (const [other, two] of others) {
        const at = `${one} ${two} ${apart}`;
        if (this.#looked.get(keyOf({ task, other }))?.at !== at)
          return { task, other, one, two, at };
      }
    }
    return null;
  }

  /** Whatever it is (git, a full disk): only foresight is lost. */
  #note(error: unknown): void {
    if (!this.#closed)
      this.#ports.log.info("conflicts cannot be foreseen", { problem: String(error) });
  }
}

type Due = Pair & { readonly one: Oid; readonly two: Oid; readonly at: string };

function keyOf({ task, other }: Pair): string {
  return `${task} ${other ?? ""}`;
}
