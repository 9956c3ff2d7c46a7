import type { StatusView } from "../ipc/statusViews.ts";
import { failure, FailureError } from "../ipc/errors.ts";
import { plain, plural } from "./render/text.ts";
import { hangingFailure } from "./replacing.ts";
import { markerVariable } from "../system/marker.ts";
import type { Session } from "./session.ts";

const insideTask = {
  start: "A task cannot start a supervisor: it would end together with the task.",
  stop: "A task cannot stop the supervisor: it would run again after each start, and stop it again.",
} as const;

/**
 * A supervisor started by a task would end with it, and its workers too: whatever a task starts does
 * not outlive it. One that a task stops ends all attempts, and that task's runs again with the others.
 */
export function refuseInsideTask(session: Session, what: keyof typeof insideTask = "start"): void {
  const attempt = session.terminal.env[markerVariable];
  if (attempt === undefined || attempt === "") return;
  throw new FailureError(
    failure("refused", insideTask[what], {
      hint: `Do it in a terminal or a service manager (${markerVariable} is set here).`,
    }),
  );
}

/** Starts a supervisor, waits until it is ready and says what runs now. */
export async function startAndTell(session: Session, maxParallel: number | null): Promise<void> {
  const { startSupervisor } = await session.ports.supervisor();
  const ready = await startSupervisor({ directory: session.directory, maxParallel }).catch(
    async (error: unknown) => {
      const isTaken = error instanceof FailureError && error.failure.code === "already_running";
      const hanging = isTaken ? await hangingFailure(session) : null;
      throw hanging === null ? error : new FailureError(hanging);
    },
  );
  const client = await session.connect();
  const view = await client.call("status", { finished_max: 0, open_max: 0 });
  if (session.json)
    session.printJson({ ...ready, workers: view.slots.total, branch: view.landing.branch });
  else session.print(runningSentence(view));
}

/** Whole and positive, or the default; what `orchd.yaml` allows is checked by the supervisor. */
export function requireMaxParallel(given: number | undefined): number | null {
  if (given === undefined) return null;
  if (Number.isInteger(given) && given >= 1) return given;
  throw new FailureError(
    failure("usage", `--max-parallel takes a whole number from 1, not ${given}.`),
  );
}

/** What would keep the next supervisor from starting must not cost the one that runs. */
export async function refuseInvalidSettings(
  session: Session,
  maxParallel: number | null,
): Promise<void> {
  const { readSettings } = await import("./configFile.ts");
  try {
    const flags = maxParallel === null ? {} : { max_parallel: maxParallel };
    const { config } = await readSettings(session, flags);
    await refuseUnsuitable(session, config.target);
  } catch (error) {
    // Then there is none to lose, and looking for it says so.
    const isNowhere = error instanceof FailureError && error.failure.code === "not_a_repository";
    if (!isNowhere) throw error;
  }
}

/** A branch that was renamed, for example; without `target` the supervisor finds out itself. */
async function refuseUnsuitable(session: Session, target: string | null): Promise<void> {
  const { findRepository } = await import("../system/repository.ts");
  const { obstaclesTo } = await import("./init/obstacles.ts");
  const found = await findRepository(session.directory);
  if (!found.ok || target === null) return;
  const [obstacle] = await obstaclesTo(found.value, target, session.terminal.env);
  if (obstacle === undefined) return;
  const message = `The repository ${obstacle.message}.`;
  throw new FailureError(failure("unsuitable_repository", message, { hint: obstacle.hint }));
}

function runningSentence({ daemon, slots, landing }: StatusView): string {
  const workers = plural(slots.total, "worker");
  return `orchd is running (pid ${daemon.pid}, epoch ${daemon.epoch}), ${workers}, landing on ${plain(landing.branch)}`;
}
