import { failure, FailureError } from "../ipc/errors.ts";
import type { Failure } from "../ipc/errors.ts";
import { findRepository } from "../ipc/locate.ts";
import { readHolder } from "../system/holder.ts";
import type { Holder } from "../system/holder.ts";
import { signalProcess } from "../system/processFamily.ts";
import { endSupervisor, isGone } from "./ending.ts";
import type { Session } from "./session.ts";

/**
 * A supervisor that hangs (a blocked loop, SIGSTOP, a disk that does not answer) keeps its lock, so
 * nobody can start beside it, and nobody may: it could wake up. `start --replace` ends it first:
 *
 *     none, or dead ──────────────────────────────► start
 *     alive ──asked to leave──► gone in time ─────► start
 *                 └─ no answer in time ─► SIGKILL ─► gone ─► start
 *
 * It is killed only if process number, start time, boot and PID namespace are those that
 * `supervisor.json` names. Its workers live on, and the next supervisor takes them over.
 */
const answerMs = 5_000;
const deathMs = 10_000;

/** Rejects with `refused` when the present one cannot be proven or does not go. */
export async function endPresentSupervisor(session: Session): Promise<void> {
  const holder = presentHolder(session);
  if (holder === null || holder.judgement === "dead") return;
  const { pid, identity } = holder;
  if (identity === null || holder.judgement === "unknown")
    throw new FailureError(
      failure("refused", `Whether supervisor ${pid} lives cannot be told from here.`, {
        hint: "It was started on another host or in another container: end it there.",
      }),
    );
  if (await leaves(session, answerMs)) return;
  session.remark(`The supervisor (pid ${pid}) does not answer and is killed. Agents run on.`);
  signalProcess(identity, "SIGKILL");
  if (!(await isGone(identity, deathMs)))
    throw new FailureError(
      failure("refused", `The supervisor (pid ${pid}) was killed and is still there.`, {
        hint: "Its disk does not answer, or it belongs to another user.",
      }),
    );
}

/** What the present supervisor was started with; `null`: nothing, or there is none. */
export function presentMaxParallel(session: Session): number | null {
  return presentHolder(session)?.maxParallel ?? null;
}

/** Of a living supervisor that says nothing within 5 s: what to do about it. `null`: it answers, or there is none. */
export async function hangingFailure(session: Session): Promise<Failure | null> {
  const holder = presentHolder(session);
  if (holder?.judgement !== "alive" || (await answers(session, answerMs))) return null;
  return failure(
    "already_running",
    `The supervisor of this repository (pid ${holder.pid}) runs and does not answer.`,
    { hint: "`orchd start --replace` kills it and starts another; agents run on." },
  );
}

function presentHolder(session: Session): Holder | null {
  const repository = findRepository(session.directory);
  return repository === null ? null : readHolder(repository.stateDir);
}

async function answers(session: Session, timeMs: number): Promise<boolean> {
  const asked = session
    .connect()
    .then(async (client) => await client.call("status", { finished_max: 0, open_max: 0 }));
  return await within(timeMs, asked);
}

async function leaves(session: Session, timeMs: number): Promise<boolean> {
  return await within(timeMs, endSupervisor(session, "restart", timeMs));
}

/** False: it failed, or was not done in time. */
async function within(timeMs: number, work: Promise<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), timeMs);
  try {
    const done = work.then(
      () => true,
      (error: unknown) => {
        if (error instanceof FailureError) return false;
        throw error;
      },
    );
    return await Promise.race([done, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
