import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { failpoint, failpointNow, onFailpoint } from "../../../system/failpoint.ts";

const program = `
  const { armFromEnvironment, failpointNow } = await import(process.argv[1]);
  armFromEnvironment("worker");
  for (const name of ["one", "two", "one"]) failpointNow(name, () => process.stdout.write(name + " "));
`;

describe("a failpoint", () => {
  let folder = "";

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "failpoint-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  function run(plan: object, env: NodeJS.ProcessEnv): { signal: string | null; stdout: string } {
    const module = join(import.meta.dirname, "../../../system/failpoint.ts");
    const { signal, stdout } = spawnSync(
      process.execPath,
      ["--input-type=module", "-e", program, module],
      {
        env: { ...env, ORCHD_TEST_FAILPOINTS: JSON.stringify({ folder, ...plan }) },
        encoding: "utf8",
      },
    );
    return { signal, stdout };
  }

  const testRun = { ORCHD_TEST_RUN: "a test" };

  it("kills the process right before its step, or right after, and says that it did", () => {
    const at = (point: string) => run({ kill: [{ role: "worker", at: point }] }, testRun);
    expect(at("two:before")).to.deep.equal({ signal: "SIGKILL", stdout: "one " });
    expect(at("two:after")).to.deep.equal({ signal: "SIGKILL", stdout: "one two " });
    expect(readdirSync(folder)).to.include.members(["worker.two:before", "worker.two:after"]);
  });

  it("kills at the passing it is told, and one process only", () => {
    const plan = { kill: [{ role: "worker", at: "one:before", nth: 2 }] };
    expect(run(plan, testRun)).to.deep.equal({ signal: "SIGKILL", stdout: "one two " });
    expect(run(plan, testRun)).to.deep.equal({ signal: null, stdout: "one two one " });
  });

  it("tells which points were passed, each once", () => {
    run({ kill: [] }, testRun);
    expect(readFileSync(join(folder, "worker.passed"), "utf8").split("\n")).to.deep.equal([
      "one:before",
      "one:after",
      "two:before",
      "two:after",
      "",
    ]);
  });

  it("does nothing for another role, nor outside of a test run", () => {
    const lived = { signal: null, stdout: "one two one " };
    expect(run({ kill: [{ role: "supervisor", at: "two:before" }] }, testRun)).to.deep.equal(lived);
    expect(run({ kill: [{ role: "worker", at: "two:before" }] }, {})).to.deep.equal(lived);
  });

  it("waits for what a test does at it, and passes the value and the failure of its step on", async () => {
    const seen: string[] = [];
    {
      using _ = onFailpoint(async (point) => {
        await Promise.resolve();
        seen.push(point);
      });
      expect(await failpoint("a", async () => await Promise.resolve(seen.length))).to.equal(1);
      expect(seen).to.deep.equal(["a:before", "a:after"]);
    }
    expect(failpointNow("b", () => 5)).to.equal(5);
    const failed = failpoint("c", () => Promise.reject(new Error("no space")));
    expect(await failed.catch((error: unknown) => String(error))).to.equal("Error: no space");
    expect(seen).to.have.length(2);
  });
});
