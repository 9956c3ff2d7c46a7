import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";

/** Empty for a process that has ended, also if nobody has asked for its exit code yet. */
function commandLine(pid: number): string {
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

const leaky = join(import.meta.dirname, "fixtures/leaky.ts");

describe("the check for leaks", () => {
  it("fails a file whose tests pass but leave something behind, and removes that", () => {
    const { status, stdout } = spawnSync("mocha", [leaky], {
      encoding: "utf8",
    });
    expect(status).to.equal(1);
    expect(stdout).to.match(/\n1 passed, 1 failed\n$/);
    expect(stdout).to.include("left behind by the tests of this file");
    expect(stdout).to.match(/temporary file \S+forgotten-/);
    expect(stdout).to.match(/open Timeout \(1\)/);
    const pid = Number(/process (\d+): sleep 60/.exec(stdout)?.[1]);
    expect(commandLine(pid)).to.equal("");
  });
});
