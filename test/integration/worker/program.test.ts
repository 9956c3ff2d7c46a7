import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { findProgram } from "../../../worker/program.ts";

describe("a search path with a folder that cannot be looked into", () => {
  let cwd = "";
  // As root may look everywhere: a link to itself, which nobody can follow.
  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), "program-"));
    await symlink("closed", join(cwd, "closed"));
  });
  afterEach(() => rm(cwd, { recursive: true }));

  it("finds the program in the folders behind it, as a shell does", () => {
    expect(findProgram("sh", { cwd, path: "closed:/bin" })).to.deep.equal({
      ok: true,
      file: "/bin/sh",
    });
  });

  it("does not have what is nowhere else either, and a file that is named is said to be out of sight", () => {
    const missing = findProgram("no-such-program", { cwd, path: "closed:/bin" });
    expect(missing.ok || missing.message).to.match(/^program not found: no-such-program/);
    const named = findProgram("closed/sh", { cwd, path: "" });
    expect(named.ok || named.message).to.match(/closed\/sh cannot be looked at$/);
  });
});
