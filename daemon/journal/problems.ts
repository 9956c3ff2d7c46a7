import type { DamageReport, JournalProblem } from "./records.ts";

/** Unwinds the journal's thread with a problem that is the caller's to know; never a bug. */
export class JournalFault extends Error {
  readonly problem: JournalProblem;

  constructor(problem: JournalProblem) {
    super(problem.kind);
    this.name = "JournalFault";
    this.problem = problem;
  }
}

/** Something contradicts itself; becomes a `damaged` problem once it is known where the copy lies. */
export class Damage extends Error {
  readonly where: DamageReport["where"];
  readonly goodUntil: number | null;

  constructor(where: DamageReport["where"], message: string, goodUntil: number | null = null) {
    super(message);
    this.name = "Damage";
    this.where = where;
    this.goodUntil = goodUntil;
  }
}

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html). */
const primary = {
  error: 1,
  corrupt: 11,
  full: 13,
  schema: 17,
  mismatch: 20,
  format: 24,
  notADb: 26,
};
const damageCodes: ReadonlySet<number> = new Set([
  primary.error,
  primary.corrupt,
  primary.schema,
  primary.mismatch,
  primary.format,
  primary.notADb,
]);
/** SQLITE_IOERR_SHMSIZE: the shared-memory file could not grow, which only a full disk refuses. */
const shmSizeCode = 4874;

export type Classified =
  | { readonly kind: "problem"; readonly problem: JournalProblem }
  | { readonly kind: "damage"; readonly damage: Damage }
  | { readonly kind: "bug"; readonly error: unknown };

/** Tells what an error thrown by SQLite, by the file system or by the journal itself means. */
export function classify(error: unknown): Classified {
  if (error instanceof JournalFault) return { kind: "problem", problem: error.problem };
  if (error instanceof Damage) return { kind: "damage", damage: error };
  if (!(error instanceof Error)) return { kind: "bug", error };
  if ("errcode" in error && typeof error.errcode === "number")
    return classifyCode(error.errcode, error.message);
  // An error of the file system carries the name of its system call; a bug does not.
  if ("syscall" in error && "code" in error)
    return { kind: "problem", problem: fileProblem(String(error.code), error.message) };
  return { kind: "bug", error };
}

export function unwrap(classified: Classified): JournalProblem | null {
  switch (classified.kind) {
    case "problem":
      return classified.problem;
    case "damage":
      return { kind: "damaged", report: reportOf(classified.damage) };
    case "bug":
      return null;
  }
}

/** A report without a copy: a journal in use cannot be copied (open and close drop SQLite's locks). */
export function reportOf(damage: Damage): DamageReport {
  return {
    where: damage.where,
    message: damage.message,
    goodUntil: damage.goodUntil,
    acknowledgedUntil: null,
    setAside: null,
    setAsideProblem: null,
  };
}

function classifyCode(errcode: number, message: string): Classified {
  const code = errcode & 0xff;
  if (code === primary.full || errcode === shmSizeCode)
    return { kind: "problem", problem: { kind: "full", message } };
  if (damageCodes.has(code)) return { kind: "damage", damage: new Damage("file", message) };
  // A statement that makes no sense: ours are fixed, and the schema was compared at the start.
  if (code === primary.error) return { kind: "bug", error: new Error(message) };
  return { kind: "problem", problem: { kind: "io", message: `${message} (SQLite ${errcode})` } };
}

function fileProblem(code: string, message: string): JournalProblem {
  return code === "ENOSPC" || code === "EDQUOT"
    ? { kind: "full", message }
    : { kind: "io", message };
}
