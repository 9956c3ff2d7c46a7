import type { StatusView } from "../ipc/methods.ts";
import { failure, FailureError } from "../ipc/errors.ts";
import { plain, plural } from "./render/text.ts";
import type { Session } from "./session.ts";

/** Starts a supervisor, waits until it is ready and says what runs now. */
export async function startAndTell(session: Session, maxParallel: number | null): Promise<void> {
  const { startSupervisor } = await session.ports.supervisor();
  const ready = await startSupervisor({ directory: session.directory, maxParallel });
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

function runningSentence({ daemon, slots, landing }: StatusView): string {
  const workers = plural(slots.total, "worker");
  return `orchd is running (pid ${daemon.pid}, epoch ${daemon.epoch}), ${workers}, landing on ${plain(landing.branch)}`;
}
