import { FailureError, failure, unreachable } from "../ipc/errors.ts";
import { completeSaved } from "./settings.ts";
import { parkedOf } from "./core/state.ts";
import { settle } from "./server/decision.ts";
import { whyNotResolvable } from "./core/resolve.ts";
import type { Landing } from "./landing/landing.ts";
import type { Loop } from "./loop.ts";
import type { Oid, RequestId, TaskId } from "../ipc/ids.ts";
import type { Resolution } from "./landing/resolution.ts";
import type { Saved } from "../ipc/workerMessages.ts";
import type { Spelling } from "../system/claimSpelling.ts";
import type { StoredTask } from "./core/state.ts";

/** What taking a person's resolution needs of the supervisor. */
export type ResolvingPorts = {
  readonly loop: Pick<Loop, "ask" | "read">;
  readonly landing: Pick<Landing, "resolution">;
  readonly readTask: (id: TaskId) => Promise<StoredTask | null>;
  readonly spelling: Spelling;
  readonly die: (reason: unknown) => void;
};

/**
 * Looks at a person's commit and has it land instead of the parked work of a task; the tasks that this
 * changed. The same request changes nothing a second time. Rejects with `not_found`, `wrong_status`
 * (it is not parked) or `refused` (the commit cannot be taken).
 */
export async function resolveParked(
  { loop, landing, readTask, spelling, die }: ResolvingPorts,
  asked: { readonly request: RequestId; readonly task: TaskId; readonly commit: Oid },
): Promise<readonly TaskId[]> {
  const { request, task: id, commit } = asked;
  const inMemory = await loop.read(({ tasks }) => tasks.get(id) ?? null);
  const archived = inMemory === null ? await readTask(id) : null;
  const task = inMemory ?? archived;
  if (task === null) throw refusal("not_found", `there is no task ${id}`);
  if (task.resolutions?.includes(request) === true) return [];
  const parked = parkedOf(task);
  const hints = { wrong_status: hintFor(id), refused: hintFor(id) };
  const refused = whyNotResolvable(task);
  if (refused !== null) return settle(refused, "change", hints).changed;
  const looked = await landing.resolution({ task: id, commit, parked: parked?.ref ?? null });
  const saved = completeSaved(savedOf(looked, id, die), spelling);
  const command = { type: "resolve", request, task: id, saved, archived } as const;
  return settle(await loop.ask(command), "change", hints).changed;
}

function savedOf(looked: Resolution, id: TaskId, die: ResolvingPorts["die"]): Saved {
  switch (looked.kind) {
    case "ready":
      return looked.saved;
    case "refused":
      throw refusal("refused", looked.message, hintFor(id));
    case "problem":
      throw refusal("refused", looked.message);
    case "fenced":
      die(new Error("another supervisor has taken over"));
      throw refusal("stopping", "another supervisor has taken over this repository");
    default:
      return unreachable(looked);
  }
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
