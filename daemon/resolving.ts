import { FailureError, failure, unreachable } from "../ipc/errors.ts";
import { completeSaved } from "./settings.ts";
import { parkedOf } from "./core/parked.ts";
import { resolutionsMax } from "./core/state.ts";
import { settle } from "./server/decision.ts";
import { whyNotResolvable } from "./core/resolve.ts";
import type { Landing } from "./landing/landing.ts";
import type { Log } from "./observe/log.ts";
import type { Loop } from "./loop.ts";
import type { Oid, RequestId, TaskId } from "../ipc/ids.ts";
import type { PinnedResolution, Resolution } from "./landing/resolution.ts";
import type { Saved } from "../ipc/workerMessages.ts";
import type { Spelling } from "../system/claimSpelling.ts";
import type { StoredTask } from "./core/state.ts";

/** What taking a person's resolution needs of the supervisor. */
export type ResolvingPorts = {
  readonly loop: Pick<Loop, "ask" | "read" | "stopping">;
  readonly landing: Pick<Landing, "resolution" | "pinnedResolutions" | "unpinResolutions">;
  readonly readTask: (id: TaskId) => Promise<StoredTask | null>;
  readonly spelling: Spelling;
  readonly log: Log;
  readonly die: (reason: unknown) => void;
};

export type Asked = {
  readonly request: RequestId;
  readonly task: TaskId;
  readonly commit: Oid;
};

/**
 * Has a person's commit land instead of the parked work of a task:
 *
 *     looked at ─► pinned under the request's own ref ─► decided ─┬─► taken: the ref stays
 *          │                                              │       └─► not: the ref goes
 *          └─ refused: nothing was pinned                 └─ a crash in between: it goes at the next start,
 *                                                            unless the journal knows the request
 */
export class Resolving {
  readonly #ports: ResolvingPorts;
  /** By request: the same one is sent again by somebody who has had no answer yet. */
  readonly #open = new Map<RequestId, Promise<readonly TaskId[]>>();
  #sweeping: Promise<void> = Promise.resolve();

  constructor(ports: ResolvingPorts) {
    this.#ports = ports;
  }

  /**
   * The tasks that this changed; the same request changes nothing a second time. Rejects with
   * `not_found`, `wrong_status` (it is not parked), `refused` (the commit cannot be taken) or `stopping`.
   */
  async resolve(asked: Asked): Promise<readonly TaskId[]> {
    const { request } = asked;
    const before = this.#open.get(request);
    if (before !== undefined) return await before;
    const open = this.#resolve(asked).finally(() => this.#open.delete(request));
    this.#open.set(request, open);
    return await open;
  }

  /** At a start: unpins what an earlier supervisor had not decided on. */
  begin(): void {
    this.#sweeping = this.#sweep();
  }

  /** Once the loop is stopping: when it resolves, no git is asked for any more. */
  async close(): Promise<void> {
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { landing, log } = this.#ports;
    try {
      const left: PinnedResolution[] = [];
      for (const pinned of await landing.pinnedResolutions())
        if (await this.#isUndecided(pinned)) left.push(pinned);
      if (left.length === 0) return;
      const { kind } = await landing.unpinResolutions(left);
      log.info("undecided resolutions", { refs: left.length, unpinned: kind });
    } catch (error) {
      // They are tried again at the next start.
      log.warn("resolutions that nobody decided on", { problem: String(error) });
    }
  }

  async #resolve({ request, task: id, commit }: Asked): Promise<readonly TaskId[]> {
    const { loop, landing, spelling } = this.#ports;
    const task = await this.#find(id);
    if (task === null) throw refusal("not_found", `there is no task ${id}`);
    if (task.resolutions?.includes(request) === true) return [];
    const refused = whyNotResolvable(task);
    if (refused !== null) return settle(refused, "change", hintsFor(id)).changed;
    if (loop.stopping) throw refusal("stopping", "the supervisor is stopping");
    const parked = parkedOf(task)?.ref ?? null;
    const looked = await landing.resolution({ request, task: id, commit, parked });
    const saved = completeSaved(this.#savedOf(looked, id), spelling);
    // It may leave the memory before this is decided.
    const command = { type: "resolve", request, task: id, saved, archived: task } as const;
    const decision = await loop.ask(command);
    if (!decision.ok) await this.#unpin({ request, task: id, commit });
    return settle(decision, "change", hintsFor(id)).changed;
  }

  async #find(id: TaskId): Promise<StoredTask | null> {
    const { loop, readTask } = this.#ports;
    return (await loop.read(({ tasks }) => tasks.get(id) ?? null)) ?? (await readTask(id));
  }

  /** The journal keeps the last ones of a task: where it is full, older ones may have been forgotten. */
  async #isUndecided({ task: id, request }: PinnedResolution): Promise<boolean> {
    if (this.#open.has(request)) return false;
    const task = await this.#find(id);
    if (task === null) return false;
    const decided = task.resolutions ?? [];
    return !decided.includes(request) && decided.length < resolutionsMax;
  }

  /** Where that fails, or comes too late, it goes at the next start. */
  async #unpin(pinned: PinnedResolution): Promise<void> {
    const { loop, landing, log } = this.#ports;
    if (loop.stopping) return;
    const done = await landing.unpinResolutions([pinned]).catch((error: unknown) => ({ error }));
    if (!("kind" in done) || done.kind !== "done")
      log.info("a resolution that was not taken stays pinned", { ...pinned, done });
  }

  #savedOf(looked: Resolution, id: TaskId): Saved {
    switch (looked.kind) {
      case "ready":
        return looked.saved;
      case "refused":
        throw refusal("refused", looked.message, hintFor(id));
      case "problem":
        throw refusal("refused", looked.message);
      case "fenced":
        this.#ports.die(new Error("another supervisor has taken over"));
        throw refusal("stopping", "another supervisor has taken over this repository");
      default:
        return unreachable(looked);
    }
  }
}

function hintsFor(id: TaskId) {
  return { wrong_status: hintFor(id), refused: hintFor(id) };
}

function hintFor(id: TaskId): string {
  return `\`orchd show ${id}\` tells how it stands, and prints how to resolve what is parked.`;
}

function refusal(
  code: "not_found" | "refused" | "stopping",
  message: string,
  hint?: string,
): FailureError {
  return new FailureError(failure(code, message, hint === undefined ? {} : { hint }));
}
