import { mkdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { announce, takeSupervisorLock } from "./lease/supervisorLock.ts";
import { createLanding } from "./landing/landing.ts";
import { epochInRepository } from "./landing/prepare.ts";
import { deathCode, whyRefused } from "./endings.ts";
import { excludeBrain } from "../system/exclude.ts";
import { exitCodes, fail, FailureError, failure, ok } from "../ipc/errors.ts";
import { JournalFailure } from "./loop.ts";
import { lastEpochMarked } from "./journal/mark.ts";
import { layoutOf, workspaceRoot } from "../system/paths.ts";
import { openJournal } from "./journal/journal.ts";
import { ownRoot } from "./ownRoot.ts";
import { openFilesLimit, tooFewFiles } from "../system/openFiles.ts";
import { openLog } from "./observe/log.ts";
import { packageVersion } from "../ipc/version.ts";
import { readConfig } from "./settings.ts";
import { logFile } from "./scan.ts";
import { Supervisor } from "./supervisor.ts";
import type { End } from "./supervisor.ts";
import type { Failure, Result } from "../ipc/errors.ts";
import type { Flags } from "./settings.ts";
import type { Journal } from "./journal/journal.ts";
import type { Landing } from "./landing/landing.ts";
import type { LandingStart } from "./landing/prepare.ts";
import type { Layout } from "../system/paths.ts";
import type { Repository } from "../system/repository.ts";
import type { Log } from "./observe/log.ts";
import type { SupervisorLock } from "./lease/supervisorLock.ts";

/** Of paths in one line of the log. */
const notedPathsMax = 20;

export type BeginOptions = {
  /** Being looked for. */
  readonly repository: Promise<Result<Repository>>;
  readonly flags: Flags;
  readonly foreground: boolean;
};

export type Begun = {
  readonly supervisor: Supervisor;
  readonly ended: Promise<End>;
  readonly epoch: number;
  readonly log: Log;
  /** Closes everything; the exit code. */
  readonly finish: (end: End) => Promise<number>;
};

export async function begin(options: BeginOptions): Promise<Result<Begun>> {
  const found = await options.repository;
  const tooFew = tooFewFiles(openFilesLimit());
  if (tooFew !== null) return fail(tooFew);
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
  const taken = takeSupervisorLock(layout.stateDir, {
    atLeast: lastEpochMarked(layout.journal),
  });
  if (!taken.ok) return taken;
  const lock = taken.value;
  const root = workspaceRoot(layout, config.workspace.root, process.env);
  const shared = await ownRoot(root, layout);
  const opened =
    shared === null
      ? await openTruth(lock, { layout, target, repository: found.value })
      : fail(shared);
  if (!opened.ok) {
    lock.release();
    return opened;
  }
  const { journal, landing, prepared } = opened.value;
  const { epoch } = lock;
  await excludeBrain(layout.commonDir);
  const log = openLog(join(layout.logsDir, logFile), { toStandardError: options.foreground });
  landing.tellLeftOut((paths) => {
    log.warn(
      "merges go by .gitattributes only in part, some are too large: two changes of a file below them conflict",
      {
        paths: paths.slice(0, notedPathsMax),
      },
    );
  });
  const { promise: ended, resolve: onEnd } = Promise.withResolvers<End>();
  const workerEntry = entryOf("../worker/main");
  const { flags } = options;
  const spelling = { workTree, foldsCase: found.value.ignoresCase };
  const parts = { layout, epoch, journal, landing, prepared, config, configured, flags, target };
  const isLockIntact = () => lock.isIntact();
  const supervisor = new Supervisor({ ...parts, workerEntry, log, onEnd, isLockIntact, spelling });
  const finish = async (end: End) => {
    const code = await closeAll(end, supervisor, { log, journal: layout.journal });
    await journal.close();
    lock.release();
    await log.close();
    return code;
  };
  const starting = async (): Promise<void> => {
    const ready = await supervisor.open();
    if (!ready.ok) throw new FailureError(ready.failure);
    const { socket } = ready.value;
    await announce(lock, {
      socket,
      version: packageVersion(),
      startedAt: Date.now(),
      maxParallel: flags.max_parallel ?? null,
    });
    await supervisor.begin();
  };
  try {
    await Promise.race([starting(), death(ended)]);
  } catch (error) {
    // Half begun it would hold the lock and the socket, and take tasks that nobody looks after.
    await finish({ why: "died", reason: error });
    if (error instanceof FailureError) return fail(error.failure);
    if (error instanceof JournalFailure) return fail(whyRefused(error.problem, layout.journal));
    throw error;
  }
  return { ok: true, value: { supervisor, ended, epoch, log, finish } };
}

/** Rejects when it dies: what it waited for, to begin, may then never come. */
async function death(ended: Promise<End>): Promise<never> {
  const end = await ended;
  if (end.why === "died") throw end.reason;
  return await new Promise<never>(() => {});
}

type Truth = {
  readonly journal: Journal;
  readonly landing: Landing;
  readonly prepared: Extract<LandingStart, { kind: "ready" }>;
};

/**
 * Opens the journal and prepares landing side by side, since one waits for a thread and the other for
 * git. A repository or a journal that knows a higher epoch than the lock (its file was lost) raises
 * the lock's, and both begin again.
 */
async function openTruth(
  lock: SupervisorLock,
  place: { readonly layout: Layout; readonly target: string; readonly repository: Repository },
): Promise<Result<Truth>> {
  const { layout, target, repository } = place;
  if (!lock.remembered) lock.raise(await epochInRepository(layout.commonDir));
  const { epoch } = lock;
  const { commonDir: gitDir, workTree } = layout;
  const landing = createLanding({ gitDir, workTree, target, epoch, repository });
  const opening = openJournal(layout.journal, { epoch });
  const preparing = landing.prepare();
  await Promise.allSettled([opening, preparing]);
  const opened = await opening;
  if (!opened.ok) {
    const { problem } = opened;
    const raised = problem.kind === "fenced" && lock.raise(problem.epoch).ok;
    if (raised) return await openTruth(lock, place);
    return fail(whyRefused(problem, layout.journal));
  }
  const journal = opened.value;
  try {
    const prepared = await preparing;
    if (prepared.kind === "ready") return ok({ journal, landing, prepared });
    await journal.close();
    return fail(prepared.failure);
  } catch (error) {
    await journal.close();
    throw error;
  }
}

/** A supervisor that cannot go on leaves its workers to the next one, like a crash would. */
async function closeAll(
  end: End,
  supervisor: Supervisor,
  { log, journal }: { readonly log: Log; readonly journal: string },
): Promise<number> {
  if (end.why === "died") {
    const { reason } = end;
    const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    log.error("the supervisor has to end", { reason: text });
    await supervisor.close("restart");
    return deathCode(reason, journal);
  }
  log.info("ending", { why: end.why });
  await supervisor.close(end.why);
  return exitCodes.done;
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

/** Beside this file, of the same kind: `.ts` in the sources, `.js` in the package. */
function entryOf(relative: string): string {
  const extension = extname(new URL(import.meta.url).pathname);
  return fileURLToPath(new URL(`${relative}${extension}`, import.meta.url));
}
