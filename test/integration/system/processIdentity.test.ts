import { expect } from "chai";
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { identityOf, judge, ownIdentity } from "../../../system/processIdentity.ts";
import type { ProcessIdentity } from "../../../system/processIdentity.ts";
import { lookUp, parsePsLine } from "../../../system/processTable.ts";
import { signalProcess } from "../../../system/processFamily.ts";
import { until } from "../../helpers/until.ts";

describe("the identity of a process", () => {
  let child: ChildProcess;
  let identity: ProcessIdentity;

  beforeEach(() => {
    child = spawn("sleep", ["300"], { stdio: "ignore" });
    const found = identityOf(child.pid ?? 0);
    if (found === undefined) throw new Error("a child that was just started has an identity");
    identity = found;
  });
  afterEach(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });

  it("is the same each time it is asked for, and survives JSON", () => {
    expect(identityOf(identity.pid)).to.deep.equal(identity);
    expect(JSON.parse(JSON.stringify(identity))).to.deep.equal(identity);
    expect(judge(identity)).to.equal("alive");
  });

  it("is known of this process itself", () => {
    expect(ownIdentity().pid).to.equal(process.pid);
    expect(judge(ownIdentity())).to.equal("alive");
  });

  it("is dead after another boot, or when its number was given to another process", () => {
    expect(judge({ ...identity, bootId: "0000" })).to.equal("dead");
    expect(judge({ ...identity, startTime: identity.startTime - 1 })).to.equal("dead");
  });

  it("is unknown on another host or in another PID namespace, whatever else is said", () => {
    expect(judge({ ...identity, host: "elsewhere", bootId: "0000" })).to.equal("unknown");
    expect(judge({ ...identity, pidNamespace: "pid:[1]", startTime: 1 })).to.equal("unknown");
    const container = { ...identity, host: "4f1c2a", pidNamespace: "pid:[1]" };
    expect(judge(container)).to.equal("unknown");
  });

  it("is judged as before when its host has been renamed since", () => {
    expect(judge({ ...identity, host: "renamed" })).to.equal("alive");
    expect(judge({ ...identity, host: "renamed", startTime: 1 })).to.equal("dead");
  });

  it("is dead when the process is gone", async () => {
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(judge(identity)).to.equal("dead");
    expect(identityOf(identity.pid)).to.equal(undefined);
  });

  it("is dead as a zombie", async () => {
    const keeper = spawn("perl", [
      "-e",
      "$| = 1; my $p = fork // die; exit 0 unless $p; print $p; sleep 300",
    ]);
    const [output] = (await once(keeper.stdout, "data")) as [Buffer];
    const pid = Number(output.toString());
    await until(() => readFileSync(`/proc/${pid}/stat`, "latin1").includes(") Z "));
    const zombie = identityOf(pid);
    expect(zombie).to.have.property("pid", pid);
    expect(zombie === undefined ? "gone" : judge(zombie)).to.equal("dead");
    keeper.kill("SIGKILL");
    await once(keeper, "exit");
  });

  it("belongs to no number that cannot be one", () => {
    for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 40])
      expect(identityOf(pid), `${pid}`).to.equal(undefined);
  });

  it("keeps a signal from the process that has the number now", async () => {
    expect(signalProcess({ ...identity, startTime: identity.startTime - 1 }, "SIGKILL")).to.equal(
      false,
    );
    expect(judge(identity)).to.equal("alive");
    expect(signalProcess(identity, "SIGKILL")).to.equal(true);
    await once(child, "exit");
    expect(child.signalCode).to.equal("SIGKILL");
  });

  it("can be read from ps as well", () => {
    const args = ["-o", "ppid=,pgid=,stat=,lstart=", "-p", `${identity.pid}`];
    const { stdout } = spawnSync("ps", args, {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], LC_ALL: "C" },
    });
    const row = parsePsLine(identity.pid, stdout);
    const known = lookUp(identity.pid);
    if (row === undefined || typeof known === "string") throw new Error("both must know it");
    expect([row.parent, row.group, row.ended]).to.deep.equal([
      known.parent,
      known.group,
      known.ended,
    ]);
    expect(Math.abs(row.startTime - Date.now())).to.be.below(60_000);
  });
});
