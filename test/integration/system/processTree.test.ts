import { expect } from "chai";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { identityOf, judge } from "../../../system/processIdentity.ts";
import type { ProcessIdentity } from "../../../system/processIdentity.ts";
import { endFamily, endGroup, endMarked, findMarked } from "../../../system/processTree.ts";
import { until } from "../../helpers/until.ts";

const sleep = ["300"];
let count = 0;

describe("processes found by their marker", () => {
  let marker: string;
  const started: ChildProcess[] = [];

  beforeEach(() => {
    marker = `tree-${process.pid}-${++count}`;
  });
  afterEach(async () => {
    for (const child of started.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });

  async function start(env: Record<string, string>): Promise<ProcessIdentity> {
    const child = spawn("/bin/sleep", sleep, {
      stdio: "ignore",
      detached: true,
      env: { ORCHD_TEST_RUN: process.env["ORCHD_TEST_RUN"], ...env },
    });
    started.push(child);
    await until(() => readFileSync(`/proc/${child.pid}/environ`, "latin1") !== "");
    return await until(() => identityOf(child.pid ?? 0));
  }

  it("are those with exactly that value, wherever it stands in the environment", async () => {
    const first = await start({ ORCHD_ATTEMPT: marker, LAST: "1" });
    const last = await start({ FIRST: "1", ORCHD_ATTEMPT: marker });
    await start({ ORCHD_ATTEMPT: `${marker}0` });
    await start({ ORCHD_ATTEMPT: marker.slice(0, -1) });
    await start({ OTHER: `ORCHD_ATTEMPT=${marker}` });
    await start({ MY_ORCHD_ATTEMPT: marker });
    const found = findMarked(marker).toSorted((a, b) => a.pid - b.pid);
    expect(found).to.deep.equal([first, last].toSorted((a, b) => a.pid - b.pid));
  });

  it("are found with a value that is not ASCII", async () => {
    const child = await start({ ORCHD_ATTEMPT: `${marker}-ü` });
    expect(findMarked(`${marker}-ü`)).to.deep.equal([child]);
  });

  it("are looked for among those that are no older than who gave out the marker", async () => {
    const child = await start({ ORCHD_ATTEMPT: marker });
    const locked = await start({ ORCHD_ATTEMPT: "another", ORCHD_LOCK: marker });
    const later = Math.max(child.startTime, locked.startTime) + 1;
    expect(await endMarked(marker, { graceMs: 0, since: later })).to.include({ found: 0 });
    expect([child, locked].map(judge)).to.deep.equal(["alive", "alive"]);
    const since = Math.min(child.startTime, locked.startTime);
    expect(await endMarked(marker, { graceMs: 0, since })).to.deep.equal({ found: 2, left: 0 });
  });

  it("are all ended, except those named", async () => {
    const ended = await start({ ORCHD_ATTEMPT: marker });
    const spared = await start({ ORCHD_ATTEMPT: marker });
    const other = await start({ ORCHD_ATTEMPT: `${marker}-other` });
    expect(await endMarked(marker, { graceMs: 500, except: [spared.pid] })).to.deep.equal({
      found: 1,
      left: 0,
    });
    expect([ended, spared, other].map(judge)).to.deep.equal(["dead", "alive", "alive"]);
  });

  it("are ended one by one where their groups hold others", async () => {
    const script = `sleep 300 & echo $!; ORCHD_ATTEMPT=${marker} sleep 300`;
    const shell = spawn("sh", ["-c", script], {
      stdio: ["ignore", "pipe", "ignore"],
      detached: true,
      env: { ORCHD_TEST_RUN: process.env["ORCHD_TEST_RUN"], PATH: process.env["PATH"] },
    });
    started.push(shell);
    const [output] = (await once(shell.stdout, "data")) as [Buffer];
    const beside = identityOf(Number(output.toString()));
    await until(() => findMarked(marker).length === 1, { what: "the marked one to run" });
    expect(await endMarked(marker, { graceMs: 0, sharesGroups: true })).to.deep.equal({
      found: 1,
      left: 0,
    });
    expect(beside && judge(beside)).to.equal("alive");
    await endGroup(shell.pid ?? 0, { graceMs: 0 });
  });

  it("are never this process, though it carries the marker itself", async () => {
    const script = `
      import { endMarked, findMarked } from ${JSON.stringify(new URL("../../../system/processTree.ts", import.meta.url).href)};
      console.log(JSON.stringify([findMarked("${marker}"), await endMarked("${marker}", { graceMs: 10 })]));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      env: { ...process.env, ORCHD_ATTEMPT: marker },
      stdio: ["ignore", "pipe", "inherit"],
    });
    started.push(child);
    const [[output], [code]] = (await Promise.all([
      once(child.stdout, "data"),
      once(child, "exit"),
    ])) as [[Buffer], [number]];
    expect(JSON.parse(output.toString())).to.deep.equal([[], { found: 0, left: 0 }]);
    expect(code).to.equal(0);
  });

  it("cannot be asked for without a marker", async () => {
    const error = await endMarked("", { graceMs: 0 }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(Error);
  });
});

describe("a family whose first process is long gone", () => {
  it("holds neither the process that was given its number nor that one's children", async () => {
    const child = spawn("sh", ["-c", "sleep 300 & echo $!; wait"], {
      stdio: ["ignore", "pipe", "ignore"],
      detached: true,
    });
    const [output] = (await once(child.stdout, "data")) as [Buffer];
    const identities = [child.pid ?? 0, Number(output.toString())].flatMap(
      (pid) => identityOf(pid) ?? [],
    );
    expect(identities).to.have.length(2);
    const [leader] = identities;
    if (leader === undefined) throw new Error("it was just found");
    const earlier = { ...leader, startTime: leader.startTime - 1 };
    const family = {
      marker: "nobody",
      root: earlier,
      adopting: false,
      since: 0,
      others: new Map(),
    };
    expect(await endFamily(family, { graceMs: 0 })).to.deep.equal({ found: 0, left: 0 });
    expect(identities.map(judge)).to.deep.equal(["alive", "alive"]);
    expect(await endGroup(leader.pid, { graceMs: 500 })).to.include({ left: 0 });
  });
});

describe("ending a process group alone", () => {
  it("is polite first and hard after the grace", async () => {
    const script = "trap '' TERM; sleep 300 & echo ready; while :; do sleep 0.01; done";
    const child = spawn("sh", ["-c", script], {
      detached: true,
      stdio: ["ignore", "pipe", "ignore"],
    });
    await once(child.stdout, "data");
    const pid = child.pid ?? 0;
    const exit = once(child, "exit");
    expect((await endGroup(pid, { graceMs: 50 })).left).to.equal(0);
    expect(await exit).to.deep.equal([null, "SIGKILL"]);
    expect(() => process.kill(-pid, 0)).to.throw("ESRCH");
  });
});
