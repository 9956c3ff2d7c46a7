import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { createNotifier } from "../../../daemon/observe/notify.ts";
import { receiveAt } from "../../helpers/notifyReceiver.ts";
import { until } from "../../helpers/until.ts";

function isMissing(program: string): boolean {
  const missing = spawnSync(program, ["--version"]).error !== undefined;
  if (missing) console.log(`SKIPPED: ${program} is not installed, so this is not tested here`);
  return missing;
}

describe("telling the service manager", () => {
  let folder: string;
  let socket: string;

  before(function () {
    if (isMissing("python3")) this.skip();
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "notify-"));
    socket = join(folder, "notify.sock");
  });

  afterEach(async () => {
    delete process.env["ORCHD_NO_NATIVE"];
    await rm(folder, { recursive: true });
  });

  it("sends readiness, status, watchdog, reload and stop from its own process", async () => {
    await using receiver = await receiveAt(socket);
    const notifier = createNotifier({ NOTIFY_SOCKET: socket });
    notifier.ready("2 workers");
    notifier.status("a line\nREADY=0");
    notifier.watchdog();
    notifier.reloading();
    notifier.stopping();
    await notifier.close();
    await until(() => receiver.received.length === 5, { what: "five messages" });
    const [ready, status, watchdog, reloading, stopping] = receiver.received;
    expect(ready).to.deep.equal({ pid: process.pid, lines: ["READY=1", "STATUS=2 workers"] });
    expect(status?.lines).to.deep.equal(["STATUS=a line READY=0"]);
    expect(watchdog?.lines).to.deep.equal(["WATCHDOG=1"]);
    expect(reloading?.lines[0]).to.equal("RELOADING=1");
    expect(reloading?.lines[1]).to.match(/^MONOTONIC_USEC=\d+$/);
    expect(stopping?.lines).to.deep.equal(["STOPPING=1"]);
  });

  it("reaches an abstract socket", async () => {
    const name = `@orchd-test-${process.pid}`;
    await using receiver = await receiveAt(name);
    const notifier = createNotifier({ NOTIFY_SOCKET: name });
    notifier.ready("");
    await notifier.close();
    await until(() => receiver.received[0]?.lines[0] === "READY=1");
  });

  it("falls back to systemd-notify, in order, without native code", async function () {
    if (isMissing("systemd-notify")) this.skip();
    process.env["ORCHD_NO_NATIVE"] = "1";
    await using receiver = await receiveAt(socket);
    const problems: string[] = [];
    const notifier = createNotifier({ NOTIFY_SOCKET: socket }, (told) => problems.push(told));
    notifier.status("first");
    notifier.ready("second");
    await notifier.close();
    await until(() => receiver.received.length === 2, { what: "two messages" });
    const lines = receiver.received.map((message) => message.lines);
    expect(lines[0]).to.include("STATUS=first").and.not.include("READY=1");
    expect(lines[1]).to.include.members(["READY=1", "STATUS=second"]);
    expect(problems).to.be.empty;
  });

  it("reports once that nobody listens, and goes on", async () => {
    const problems: string[] = [];
    const notifier = createNotifier({ NOTIFY_SOCKET: socket }, (told) => problems.push(told));
    notifier.ready("");
    notifier.watchdog();
    await notifier.close();
    expect(problems).to.deep.equal(["the service manager does not take messages"]);
  });
});

describe("what the service manager asks for", () => {
  const asked = { NOTIFY_SOCKET: "/nonexistent/notify", WATCHDOG_USEC: "30000000" };

  it("is a watchdog message in half of the time it allows", async () => {
    const forThis = createNotifier({ ...asked, WATCHDOG_PID: String(process.pid) });
    expect(forThis.watchdogIntervalMs).to.equal(15_000);
    await forThis.close();
  });

  it("does not concern this process if it was asked of another", async () => {
    const forOther = createNotifier({ ...asked, WATCHDOG_PID: String(process.pid + 1) });
    expect(forOther.watchdogIntervalMs).to.equal(null);
    await forOther.close();
  });

  it("is no watchdog if the limit is absent or no number", async () => {
    for (const WATCHDOG_USEC of [undefined, "", "0", "-5", "soon"]) {
      const notifier = createNotifier({ ...asked, WATCHDOG_USEC });
      expect(notifier.watchdogIntervalMs, WATCHDOG_USEC).to.equal(null);
      await notifier.close();
    }
  });

  it("is hidden from children", async () => {
    const env = { ...asked, WATCHDOG_PID: "1", PATH: "/bin" };
    await createNotifier(env).close();
    expect(env).to.deep.equal({ PATH: "/bin" });
  });

  it("is nothing when no service manager started it", async () => {
    const problems: string[] = [];
    const notifier = createNotifier({ WATCHDOG_USEC: "1000" }, (told) => problems.push(told));
    notifier.ready("alone");
    expect(notifier.watchdogIntervalMs).to.equal(null);
    await notifier.close();
    expect(problems).to.be.empty;
  });
});
