import { enableCompileCache, flushCompileCache } from "node:module";
import { parseArgs } from "node:util";
import { failure } from "../ipc/errors.ts";
import { armFromEnvironment } from "../system/failpoint.ts";
import { keepPrivate } from "../system/umask.ts";
import { foregroundReadiness, pipeReadiness } from "./readiness.ts";
import type { BeginOptions } from "./begin.ts";

/**
 * The supervisor's process. Started detached it says on file descriptor 3, in one JSON line, that it
 * is ready or why it cannot be; in the foreground it says so to the service manager.
 *
 *     SIGTERM, SIGINT   end what runs, save it, exit       SIGHUP   read orchd.yaml again
 *
 * Next to nothing is imported before the compile cache is on: it would be compiled at every start.
 */
export type MainOptions = Omit<BeginOptions, "repository"> & {
  /** A directory in the repository. */
  readonly repo: string;
};

/** Resolves with the exit code when the supervisor has ended. */
export async function main(options: MainOptions): Promise<number> {
  armFromEnvironment("supervisor");
  keepPrivate();
  const readiness = options.foreground ? foregroundReadiness() : pipeReadiness();
  try {
    const { findRepository } = await import("../system/repository.ts");
    // git answers while the rest is loaded.
    const repository = findRepository(options.repo);
    const [{ begin }, { serve }] = await Promise.all([
      import("./begin.ts"),
      import("./service.ts"),
    ]);
    const begun = await begin({ ...options, repository });
    if (!begun.ok) return readiness.failed(begun.failure);
    const { supervisor, ended, epoch, finish, log } = begun.value;
    // Whoever is told may send a signal at once, and that must not end it.
    await using service = serve(supervisor, log);
    readiness.ready({ pid: process.pid, epoch });
    const end = await ended;
    service.stopping();
    return await finish(end);
  } catch (error) {
    const { systemFailure } = await import("../system/systemFailure.ts");
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return readiness.failed(systemFailure(error) ?? failure("internal", text));
  }
}

if (import.meta.main) {
  enableCompileCache();
  // It is written at a clean exit, but supervisors live long and may end with a kill.
  setTimeout(flushCompileCache, 2_000).unref();
  const { values } = parseArgs({
    options: { repo: { type: "string" }, "max-parallel": { type: "string" } },
  });
  const max = values["max-parallel"];
  process.exitCode = await main({
    repo: values.repo ?? process.cwd(),
    flags: max === undefined ? {} : { max_parallel: Number(max) },
    foreground: false,
  });
}
