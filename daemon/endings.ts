import { exitCodeOf, exitCodes, failure, unreachable } from "../ipc/errors.ts";
import { JournalFailure } from "./loop.ts";
import { systemFailure, whyNotOpened } from "../system/systemFailure.ts";
import type { Failure } from "../ipc/errors.ts";
import type { JournalProblem } from "./journal/records.ts";

/** Why a supervisor cannot start, or go on, in the words and codes of the catalogue. */
export function journalFailure(problem: JournalProblem): Failure {
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
      return failure("disk_full", "there is no space left on the disk of the journal");
    case "io":
      return failure("disk_failed", `the journal cannot be used: ${problem.message}`);
    default:
      return unreachable(problem);
  }
}

/**
 * The same, as far as the file `journal` itself tells more: SQLite has one word for many errors of a
 * disk, and takes a page that it gets no sense of for a damaged one. It must not be in use any more.
 */
export function whyRefused(problem: JournalProblem, journal: string): Failure {
  const isOpen = problem.kind !== "io" && problem.kind !== "damaged";
  return (isOpen ? null : whyNotOpened(journal)) ?? journalFailure(problem);
}

/**
 * The exit code of a supervisor that cannot go on. A service manager starts it again after a bug or a
 * failing disk, and not when another supervisor has taken over.
 */
export function deathCode(reason: unknown, journal: string): number {
  if (reason instanceof JournalFailure) return exitCodeOf(whyRefused(reason.problem, journal).code);
  const code = systemFailure(reason)?.code;
  return code === "disk_failed" || code === "disk_full" ? exitCodeOf(code) : exitCodes.bug;
}
