import { enableCompileCache } from "node:module";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { mkdir } from "node:fs/promises";
import { closeSync, writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { exitCodeOf, exitCodes, fail, failure } from "../ipc/errors.ts";
import { announce, takeSupervisorLock } from "./lease/supervisorLock.ts";
import { createNotifier } from "./observe/notify.ts";
import { findRepository } from "../system/repository.ts";
import { layoutOf } from "../system/paths.ts";
import { openJournal } from "./journal/journal.ts";
import { openLog } from "./observe/log.ts";
import { readConfig } from "./settings.ts";
import { Supervisor } from "./supervisor.ts";
import type { End } from "./supervisor.ts";
import type { Failure, Result } from "../ipc/errors.ts";
import type { Flags } from "./settings.ts";
import type { JournalProblem } from "./journal/records.ts";
import type { Layout } from "../system/paths.ts";
import type { Log } from "./observe/log.ts";

/**
 * The supervisor's process. Started detached it says on file descriptor 3, in one JSON line, that it
 * is ready or why it cannot be; in the foreground it says so to the service manager.
 *
 *     SIGTERM, SIGINT   end what runs, save it, exit       SIGHUP   read orchd.yaml again
 */
export type MainOptions = {
  /** A directory in the repository. */
  readonly repo: string;
  readonly flags: Flags;
  readonly foreground: boolean;
};

/** Resolves with the exit code when the supervisor has ended. */
export async function main(options: MainOptions): Promise<number> {
  process.umask(0o077);
  const readiness = options.foreground ? foregroundReadiness() : pipeReadiness();
  try {
    const begun = await begin(options);
    if (!begun.ok) return readiness.failed(begun.failure);
    const { supervisor, ended, epoch, finish, log } = begun.value;
    readiness.ready({ pid: process.pid, epoch });
    await using service = await serve(supervisor, log);
    const end = await ended;
    service.stopping();
    return await finish(end);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return readiness.failed(failure("internal", text));
  }
}

type Begun = {
  readonly supervisor: Supervisor;
  readonly ended: Promise<End>;
  readonly epoch: number;
  readonly log: Log;
  /** Closes everything; the exit code. */
  readonly finish: (end: End) => Promise<number>;
};

async function begin(options: MainOptions): Promise<Result<Begun>> {
  const found = await findRepository(options.repo);
  if (!found.ok) return found;
  const { commonDir, workTree, head, bare } = found.value;
  if (bare || workTree === null)
    return fail(
      failure("unsuitable_repository", "a bare repository has no working tree to land in"),
    );
  const layout = layoutOf({ commonDir, workTree });
  const read = await readConfig(layout, options.flags);
  if (!read.ok) return read;
  const { config, configured } = read.value;
  const target = config.target ?? head.ref?.replace(/^refs\/heads\//, "") ?? null;
  if (target === null || head.commit === null) return fail(noTarget(head.commit !== null));
  await mkdir(layout.stateDir, { recursive: true, mode: 0o700 });
  const lock = takeSupervisorLock(layout.stateDir, { atLeast: 0 });
  if (!lock.ok) return lock;
  const { epoch, release } = lock.value;
  const opened = await openJournal(layout.journal, { epoch });
  if (!opened.ok) {
    release();
    return fail(journalFailure(opened.problem));
  }
  const journal = opened.value;
  const log = openLog(`${layout.logsDir}/orchd.log`, { toStandardError: options.foreground });
  const { promise: ended, resolve: onEnd } = Promise.withResolvers<End>();
  const workerEntry = entryOf("../worker/main");
  const { flags } = options;
  const parts = { layout, epoch, journal, config, configured, flags, target, workerEntry, log };
  const supervisor = new Supervisor({ ...parts, onEnd });
  const ready = await supervisor.open();
  if (!ready.ok) {
    await journal.close();
    release();
    return ready;
  }
  await announce(layout.stateDir, { epoch, socket: ready.value.socket });
  await supervisor.begin();
  const finish = async (end: End) => {
    const code = await closeAll(end, supervisor, log, layout);
    await journal.close();
    release();
    await log.close();
    return code;
  };
  return { ok: true, value: { supervisor, ended, epoch, log, finish } };
}

/** A supervisor that cannot go on leaves its workers to the next one, like a crash would. */
async function closeAll(
  end: End,
  supervisor: Supervisor,
  log: Log,
  _layout: Layout,
): Promise<number> {
  if (end.why === "died") {
    const { reason } = end;
    const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    log.error("the supervisor has to end", { reason: text });
    await supervisor.close("restart");
    return exitCodes.bug;
  }
  log.info("ending", { why: end.why });
  await supervisor.close(end.why);
  return exitCodes.done;
}

/** Signals, and the service manager's notifications and watchdog. */
async function serve(supervisor: Supervisor, log: Log) {
  const notifier = await createNotifier(process.env);
  const stop = () => void supervisor.stop("now");
  const reload = () => {
    notifier.reloading();
    supervisor.reload().then(
      () => notifier.ready("running"),
      (error: unknown) => {
        log.warn("orchd.yaml was not taken over", { reason: String(error) });
        notifier.ready("running with the configuration from before");
      },
    );
  };
  process.on("SIGTERM", stop).on("SIGINT", stop).on("SIGHUP", reload);
  notifier.ready("running");
  const watchdog = watch(supervisor, notifier);
  return {
    stopping: () => notifier.stopping(),
    [Symbol.asyncDispose]: async () => {
      clearInterval(watchdog);
      process.off("SIGTERM", stop).off("SIGINT", stop).off("SIGHUP", reload);
      await notifier.close();
    },
  };
}

/** Sent only after the main loop has shown that it works, never by a bare timer. */
function watch(supervisor: Supervisor, notifier: Awaited<ReturnType<typeof createNotifier>>) {
  const { watchdogIntervalMs } = notifier;
  if (watchdogIntervalMs === null) return undefined;
  return setInterval(() => {
    void supervisor.healthy().then((healthy) => {
      if (healthy) notifier.watchdog();
    });
  }, watchdogIntervalMs);
}

type Readiness = {
  readonly ready: (line: { pid: number; epoch: number }) => void;
  /** Says why, and returns the exit code. */
  readonly failed: (reason: Failure) => number;
};

const readinessFd = 3;

/** Descriptor 3 is a pipe to whoever started us. */
function pipeReadiness(): Readiness {
  const say = (value: unknown) => {
    try {
      writeSync(readinessFd, `${JSON.stringify(value)}\n`);
      closeSync(readinessFd);
    } catch {
      // Whoever started us does not listen any more.
    }
  };
  return {
    ready: (line) => say({ ready: true, ...line }),
    failed: (reason) => {
      say({ error: reason });
      return exitCodeOf(reason.code);
    },
  };
}

function foregroundReadiness(): Readiness {
  return {
    ready: () => {},
    failed: (reason) => {
      const hint = reason.hint === null ? "" : `\n${reason.hint}`;
      process.stderr.write(`orchd: ${reason.message}${hint}\n`);
      return exitCodeOf(reason.code);
    },
  };
}

function noTarget(hasCommit: boolean): Failure {
  return hasCommit
    ? failure("unsuitable_repository", "no branch is checked out, and orchd.yaml names no target", {
        hint: "Check out a branch, or set `target:` in orchd.yaml.",
      })
    : failure("unsuitable_repository", "the repository has no commit yet", {
        hint: "Make a first commit.",
      });
}

function journalFailure(problem: JournalProblem): Failure {
  switch (problem.kind) {
    case "damaged": {
      const { message, setAside } = problem.report;
      const copy = setAside === null ? "" : ` A copy and a report are in ${setAside}.`;
      return failure("journal_damaged", `the journal is damaged: ${message}.${copy}`);
    }
    case "format":
      return failure("version_mismatch", `the journal was written by a newer orchd`);
    case "fenced":
      return failure(
        "already_running",
        `a supervisor of epoch ${problem.epoch} writes the journal`,
      );
    case "full":
    case "io":
      return failure("internal", `the journal cannot be opened: ${problem.message}`);
  }
}

/** Beside this file, of the same kind: `.ts` in the sources, `.js` in the package. */
function entryOf(relative: string): string {
  const extension = extname(new URL(import.meta.url).pathname);
  return fileURLToPath(new URL(`${relative}${extension}`, import.meta.url));
}

if (import.meta.main) {
  enableCompileCache();
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
