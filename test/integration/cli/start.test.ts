import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { startSupervisor } from "../../../cli/supervisor.ts";
import { FailureError } from "../../../ipc/errors.ts";
import type { Failure } from "../../../ipc/errors.ts";
import { makeRepository } from "../../helpers/repository.ts";
import type { TestRepository } from "../../helpers/repository.ts";
import { until } from "../../helpers/until.ts";

/** Starts `source` in the place of the supervisor's program. */
async function start(
  repository: TestRepository,
  source: string,
  maxParallel: number | null = null,
) {
  const entry = join(repository.dir, "../supervisor.mjs");
  await writeFile(entry, `import fs from "node:fs";\n${source}`);
  return await startSupervisor({ directory: repository.dir, maxParallel }, entry);
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof FailureError) return error.failure;
  throw new Error("it did not fail with a failure", { cause: error });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("starting a supervisor", () => {
  it("ends when it says that it is ready, and leaves it running in a session of its own", async () => {
    await using repository = await makeRepository();
    const ready = await start(
      repository,
      `const stat = fs.readFileSync("/proc/self/stat", "utf8").split(") ")[1].split(" ");
       fs.writeSync(3, JSON.stringify({ ready: true, pid: process.pid, epoch: Number(stat[3]) }) + "\\n");
       fs.closeSync(3);
       setInterval(() => {}, 1000);`,
    );
    try {
      expect(ready.epoch, "its session is its own").to.equal(ready.pid);
      expect(isAlive(ready.pid)).to.equal(true);
    } finally {
      process.kill(ready.pid, "SIGKILL");
    }
    await until(() => !isAlive(ready.pid));
  });

  it("passes the repository and the flags on", async () => {
    await using repository = await makeRepository();
    const said = await failureOf(
      start(
        repository,
        `const error = { code: "refused", message: process.argv.slice(2).join(" "), hint: null, problems: [] };
         fs.writeSync(3, JSON.stringify({ error }) + "\\n");`,
        4,
      ),
    );
    expect(said.message).to.equal(`--repo ${repository.dir} --max-parallel 4`);
  });

  it("fails with what it said of itself", async () => {
    await using repository = await makeRepository();
    const said = await failureOf(
      start(
        repository,
        `const error = { code: "already_running", message: "Process 7 has it.", hint: "Use it.", problems: [] };
         fs.writeSync(3, JSON.stringify({ error }) + "\\n");
         process.exitCode = 5;`,
      ),
    );
    expect(said).to.deep.equal({
      code: "already_running",
      message: "Process 7 has it.",
      hint: "Use it.",
      problems: [],
    });
  });

  it("fails with its last words when it died without saying anything", async () => {
    await using repository = await makeRepository();
    const said = await failureOf(start(repository, `throw new Error("out of luck");`));
    expect(said.code).to.equal("internal");
    expect(said.message)
      .to.include("ended before it was ready (exit code 1)")
      .and.to.include("out of luck");
  });

  it("fails when a signal ended it", async () => {
    await using repository = await makeRepository();
    const said = await failureOf(start(repository, `process.kill(process.pid, "SIGKILL");`));
    expect(said.message).to.include("(SIGKILL)").and.to.include("It left no word.");
  });

  it("fails when it says something else", async () => {
    await using repository = await makeRepository();
    const said = await failureOf(start(repository, `fs.writeSync(3, "hello\\n");`));
    expect(said.message).to.include("something else").and.to.include("hello");
  });
});
