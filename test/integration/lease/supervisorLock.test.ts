import { expect } from "chai";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { takeSupervisorLock } from "../../../daemon/lease/supervisorLock.ts";
import type { SupervisorLock } from "../../../daemon/lease/supervisorLock.ts";

const holderFile = fileURLToPath(new URL("holder.ts", import.meta.url));
const racers = 4;
const races = 50;

type Said = { readonly epoch?: number; readonly failure?: string; readonly message?: string };

describe("the supervisor lock", function () {
  this.timeout(60_000);
  let stateDir = "";
  const started: ChildProcess[] = [];

  beforeEach(() => {
    stateDir = join(mkdtempSync(join(tmpdir(), "lease-")), "orchd");
  });

  afterEach(async () => {
    for (const child of started.splice(0)) await end(child, "SIGKILL");
    rmSync(join(stateDir, ".."), { recursive: true });
  });

  async function starter(): Promise<Holder> {
    const child = spawn(process.execPath, [holderFile, stateDir], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    started.push(child);
    const made = new Holder(child);
    await made.said();
    return made;
  }

  /** One that holds the lock and has said so. */
  async function holder(): Promise<Holder> {
    const made = await starter();
    await made.ask("take");
    await made.ask("announce");
    return made;
  }

  function take(atLeast = 0): SupervisorLock {
    const taken = takeSupervisorLock(stateDir, { atLeast });
    if (!taken.ok) throw new Error(taken.failure.message);
    return taken.value;
  }

  it("refuses a second supervisor, naming the first", async () => {
    const first = await holder();
    const second = await (await starter()).ask("take");
    expect(second.failure).to.equal("already_running");
    expect(second.message).to.include(`pid ${first.child.pid}`);
  });

  it("refuses a second one also while the first is stopped", async () => {
    const first = await holder();
    first.child.kill("SIGSTOP");
    const second = await (await starter()).ask("take");
    expect(second.failure).to.equal("already_running");
    expect(second.message).to.include(`pid ${first.child.pid}`);
  });

  it("refuses at once, without waiting for the holder", async () => {
    await holder();
    const start = performance.now();
    expect(takeSupervisorLock(stateDir).ok).to.equal(false);
    expect(performance.now() - start).to.be.lessThan(1_000);
  });

  it("names nobody while the holder has not said who it is", async () => {
    await (await starter()).ask("take");
    const refused = takeSupervisorLock(stateDir);
    expect(refused.ok ? "" : refused.failure.message).to.include("just starting");
  });

  it("is free at once when the holder was killed, with a higher epoch", async () => {
    const first = await holder();
    await end(first.child, "SIGKILL");
    using lock = take();
    expect(lock.epoch).to.equal(2);
  });

  it("keeps the file locked from the first moment on", async () => {
    await (await starter()).ask("take");
    const { ino } = statSync(join(stateDir, "supervisor.db"));
    const locks = readFileSync("/proc/locks", "latin1")
      .split("\n")
      .filter((line) => line.includes(`:${ino} `));
    expect(locks.join("\n")).to.match(/POSIX +ADVISORY +WRITE/);
  });

  it("has exactly one holder when four try at once, fifty times, and the epoch rises by one", async () => {
    const all = await Promise.all(Array.from({ length: racers }, starter));
    for (let race = 1; race <= races; race += 1) {
      const said = await Promise.all(all.map((one) => one.ask("take")));
      const refused = said.filter(({ failure }) => failure === "already_running");
      expect(refused, JSON.stringify(said)).to.have.length(racers - 1);
      expect(said.filter(({ epoch }) => epoch === race)).to.have.length(1);
      const first = said.findIndex(({ epoch }) => epoch === race);
      await makeRoom(all, first, race % 5 === 0);
    }
  });

  /** The holder lets go, or is killed and another process takes its place. */
  async function makeRoom(all: Holder[], index: number, kill: boolean): Promise<void> {
    const first = all[index];
    if (!kill) await first?.ask("release");
    else if (first !== undefined) {
      await end(first.child, "SIGKILL");
      all[index] = await starter();
    }
  }

  it("gives way after release, and takes its record with it", async () => {
    const first = take();
    expect(takeSupervisorLock(stateDir).ok).to.equal(false);
    first.release();
    using second = take();
    expect(second.epoch).to.equal(2);
  });

  it("never goes below what the caller knows, and can be raised", () => {
    using lock = take(41);
    expect(lock.epoch).to.equal(42);
    expect(lock.raise(99)).to.deep.equal({ ok: true, value: 100 });
    expect(lock.raise(7)).to.deep.equal({ ok: true, value: 100 });
    lock.release();
    using next = take();
    expect(next.epoch).to.equal(101);
  });

  it("remembers the epoch by supervisor.json when the file is deleted or damaged", async () => {
    const path = join(stateDir, "supervisor.db");
    take(9).release();
    const damages: readonly (() => void)[] = [
      () => rmSync(path),
      () => writeFileSync(path, "no database at all".repeat(300)),
      () => writeFileSync(path, readFileSync(path).fill(0xff, 100, 4_200)),
      () => writeFileSync(path, readFileSync(path).subarray(0, 5_000)),
    ];
    let epoch = 10;
    for (const damage of damages) {
      const told = await starter();
      expect((await told.ask("take")).epoch).to.equal((epoch += 1));
      await told.ask("announce");
      await end(told.child, "SIGKILL");
      damage();
    }
    using lock = take();
    expect(lock.epoch).to.equal(epoch + 1);
  });

  it("refuses a new file while the holder of the deleted one lives, which notices too", async () => {
    const first = await holder();
    rmSync(join(stateDir, "supervisor.db"));
    const refused = takeSupervisorLock(stateDir);
    expect(refused.ok ? "" : refused.failure.message).to.include(`pid ${first.child.pid}`);
    await end(first.child, "SIGKILL");
    using lock = take();
    expect(lock.isIntact()).to.equal(true);
    rmSync(join(stateDir, "supervisor.db"));
    expect(lock.isIntact()).to.equal(false);
  });

  it("is private to the user", () => {
    using lock = take();
    expect(lock.epoch).to.equal(1);
    expect(statSync(stateDir).mode & 0o777).to.equal(0o700);
    expect(statSync(join(stateDir, "supervisor.db")).mode & 0o777).to.equal(0o600);
  });
});

/** A started holder.ts. */
class Holder {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(child: ChildProcess) {
    this.child = child;
    if (child.stdout === null) throw new Error("no standard output");
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  ask(order: string): Promise<Said> {
    this.child.stdin?.write(`${order}\n`);
    return this.said();
  }

  async said(): Promise<Said> {
    const next = await this.#lines.next();
    return next.done === true ? {} : (JSON.parse(next.value) as Said);
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, "exit");
}
