import { expect } from "chai";
import { deathCode, journalFailure, whyRefused } from "../../../daemon/endings.ts";
import { exitCodeOf } from "../../../ipc/errors.ts";
import { JournalFailure } from "../../../daemon/loop.ts";
import type { JournalProblem } from "../../../daemon/journal/records.ts";

const io: JournalProblem = { kind: "io", message: "disk I/O error" };
const full: JournalProblem = { kind: "full", message: "database or disk is full" };
const fenced: JournalProblem = { kind: "fenced", epoch: 7 };

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: "write", path: "/x" });
}

describe("the exit code of a supervisor that cannot go on", () => {
  for (const [what, reason, code] of [
    ["a journal on a failing disk", new JournalFailure(io), 74],
    ["any other file on a failing disk", systemError("EIO"), 74],
    ["a full disk", systemError("ENOSPC"), 75],
    ["a journal that another supervisor writes", new JournalFailure(fenced), 5],
    ["a bug", new Error("undefined is not a function"), 70],
    ["a file it may not write", systemError("EACCES"), 70],
  ] as const)
    it(`is ${code} for ${what}`, () => {
      expect(deathCode(reason, import.meta.filename)).to.equal(code);
    });

  it("asks the file of a journal that looks damaged whether it is the disk", () => {
    const message = "database disk image is malformed";
    const report = { where: "file", message, goodUntil: null, acknowledgedUntil: null } as const;
    const damage = { ...report, setAside: null, setAsideProblem: null };
    const reason = new JournalFailure({ kind: "damaged", report: damage });
    expect(deathCode(reason, import.meta.filename), "it can be opened").to.equal(5);
    expect(whyRefused(reason.problem, `${import.meta.filename}/below`).code, "it cannot").to.equal(
      "refused",
    );
  });
});

describe("a journal that cannot be opened", () => {
  it("is worth another start on a full or failing disk, and not when another supervisor writes it", () => {
    const codes = [io, full, fenced].map((problem) => exitCodeOf(journalFailure(problem).code));
    expect(codes).to.deep.equal([74, 75, 5]);
  });
});
