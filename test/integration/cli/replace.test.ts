import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { identityOf } from "../../../system/processIdentity.ts";
import type { ProcessIdentity } from "../../../system/processIdentity.ts";
import { isGone } from "../../helpers/processes.ts";
import { makeRepository } from "../../helpers/repository.ts";
import { noSupervisor, orchd } from "../../unit/cli/recording.ts";

/** `orchd start --replace` where `supervisor.json` names a process of ours, changed by `change`. */
async function replace(change: Partial<ProcessIdentity>) {
  await using repository = await makeRepository();
  using sleeper = spawn("sleep", ["600"], { stdio: "ignore" });
  const identity = identityOf(sleeper.pid ?? 0);
  if (identity === undefined) throw new Error("no sleeper");
  const { pid, startTime, bootId, pidNamespace, host } = { ...identity, ...change };
  const record = {
    pid,
    epoch: 4,
    socket: "/nowhere",
    version: "0.1.0",
    started_at: 0,
    start_time: startTime,
    boot_id: bootId,
    pid_namespace: pidNamespace,
    host,
    max_parallel: 7,
  };
  await mkdir(join(repository.dir, ".git/orchd"));
  await writeFile(join(repository.dir, ".git/orchd/supervisor.json"), JSON.stringify(record));
  const started: (number | null)[] = [];
  const run = await orchd("start --replace", {
    cwd: repository.dir,
    connect: noSupervisor,
    supervisor: async () => ({
      startSupervisor: async ({ maxParallel }) => {
        started.push(maxParallel);
        throw new Error("far enough");
      },
      runSupervisorHere: async () => 0,
    }),
  });
  return { run, started, killed: isGone(pid) };
}

describe("orchd start --replace", () => {
  it("kills exactly the process that the record names, and keeps --max-parallel", async () => {
    const { started, killed, run } = await replace({});
    expect(killed).to.equal(true);
    expect(run.err).to.include("does not answer and is killed");
    expect(started).to.deep.equal([7]);
  });

  for (const [name, change] of [
    ["another process has its number now", { startTime: 1 }],
    ["the machine was started again since", { bootId: "another" }],
  ] as const)
    it(`kills nobody when ${name}, and starts`, async () => {
      const { started, killed } = await replace(change);
      expect(killed).to.equal(false);
      expect(started).to.have.length(1);
    });

  for (const [name, change] of [
    ["another host", { host: "elsewhere", bootId: "another" }],
    ["another container", { pidNamespace: "pid:[1]" }],
  ] as const)
    it(`refuses when the supervisor is on ${name}`, async () => {
      const { started, killed, run } = await replace(change);
      expect(run.code).to.equal(5);
      expect(run.err).to.include("cannot be told from here");
      expect(killed).to.equal(false);
      expect(started).to.deep.equal([]);
    });
});
