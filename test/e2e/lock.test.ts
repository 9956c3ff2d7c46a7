import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { agent } from "../helpers/agent.ts";
import { isGone, pidsIn } from "../helpers/processes.ts";
import { lockCommand } from "../helpers/lockCommand.ts";
import { entry, makeSupervised } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import { ownIdentity } from "../../system/processIdentity.ts";
import type { Supervised } from "../helpers/supervised.ts";
import type { FailureError } from "../../ipc/errors.ts";
import type { HoldId } from "../../ipc/ids.ts";
import type { LockView } from "../../ipc/claimViews.ts";

async function locksOf(supervised: Supervised): Promise<LockView[]> {
  const client = await supervised.client();
  return (await client.call("locks", {})).locks;
}

/** Holds its claims until the file is there. */
function untilFile(supervised: Supervised, name: string) {
  const file = join(supervised.repository.dir, "..", name);
  return {
    script: `while [ ! -e '${file}' ]; do sleep 0.1; done`,
    go: () => writeFileSync(file, ""),
  };
}

/** As a task finds it. */
const orchd = `'${process.execPath}' '${entry}'`;

describe("orchd lock", function () {
  this.timeout(60_000);
  let supervised: Supervised;

  before(async () => {
    supervised = await makeSupervised({ config: { max_parallel: 2, limits: { grace: "300ms" } } });
  });

  after(async () => {
    await supervised[Symbol.asyncDispose]();
  });

  it("keeps tasks out while its command runs, waits for them in turn, and ends as the command does", async () => {
    const gate = untilFile(supervised, "go");
    const held = lockCommand(supervised, ["src/"], `${gate.script}; exit 7`);
    await held.command();
    const [id] = await supervised.submit({ id: "t1", run: ["true"], claims: ["src/a"] });
    const shown = await supervised.orchd("show", "t1");
    expect(shown.stdout).to.match(/src\/a is held by lock:[a-z0-9]+ as src\/\*\*/);
    const [lock] = await locksOf(supervised);
    expect(lock).to.include({ kind: "lock", pid: held.pid });
    expect(lock?.waiters).to.deep.equal(["t1"]);
    expect(existsSync(lock?.file ?? "")).to.equal(true);
    const second = lockCommand(supervised, ["src/b", "--note", "codegen"], "true");
    await until(() => second.said().includes("Waiting for lock:"));
    expect((await locksOf(supervised)).at(-1)).to.include({ note: "codegen", fence: null });
    gate.go();
    expect((await held.end).code).to.equal(7);
    const { code, stderr } = await second.end;
    expect(code, stderr).to.equal(0);
    expect((await supervised.wait(id === undefined ? [] : [id]))[0]?.status).to.equal("succeeded");
    expect(await locksOf(supervised)).to.deep.equal([]);
  });

  it("does not wait with --try, nor longer than --timeout, and says who is in the way", async () => {
    const one = agent(supervised, "busy");
    const ids = await supervised.submit(one.task);
    await until(() => one.starts() === 1);
    const tried = await supervised.orchd("lock", "--try", "busy.txt", "--", "false");
    expect(tried.code).to.equal(5);
    expect(tried.stderr).to.include("busy.txt is held by busy");
    const timed = await supervised.orchd("lock", "--timeout", "400ms", "*.txt", "--", "false");
    expect(timed.code).to.equal(5);
    expect(timed.stderr).to.include("Waiting for busy").and.include("did not become free in time");
    expect((await locksOf(supervised)).map(({ holder }) => holder)).to.deep.equal(["busy"]);
    one.letGo();
    await supervised.wait(ids);
  });

  it("is given back by its own process only: by another its command would go on", async () => {
    const held = lockCommand(supervised, ["src/"], "sleep 600");
    const command = await held.command();
    const [lock] = await locksOf(supervised);
    const hold = lock?.holder as HoldId;
    const client = await supervised.client();
    const failure = await client.call("unlock", { hold, owner: ownIdentity() }).then(
      () => null,
      ({ failure: refused }: FailureError) => refused,
    );
    expect(failure).to.include({ code: "refused" });
    expect(failure?.hint).to.include(`orchd locks break ${hold}`);
    expect(await locksOf(supervised)).to.have.length(1);
    expect((await supervised.orchd("locks", "break", hold)).code).to.equal(0);
    await until(async () => (await locksOf(supervised)).length === 0);
    expect(isGone(command)).to.equal(true);
    await held.end;
  });

  it("is watched on when another process has asked for it by its id, and was refused", async () => {
    const held = lockCommand(supervised, ["src/"], "sleep 600");
    await held.command();
    const [lock] = await locksOf(supervised);
    const id = lock?.holder as HoldId;
    const client = await supervised.client();
    const claims = { writes: ["src/**"], reads: [], resources: {} };
    const why = await client
      .call("lock", { id, claims, owner: ownIdentity(), note: "", wait: true })
      .then(
        () => null,
        ({ failure }: FailureError) => failure.code,
      );
    expect(why).to.equal("id_taken");
    held.signal("SIGKILL");
    await until(async () => (await locksOf(supervised)).length === 0, { timeoutMs: 20_000 });
  });

  it("taken with --try inside a task is swept like any other, and says when the task itself is in the way", async () => {
    const notes = join(supervised.repository.dir, "..", "inner.pids");
    const inside = `${orchd} lock --repo '${supervised.repository.dir}'`;
    const command = `setsid sh -c 'echo $$ >> ${notes}; exec sleep 600' & echo $ORCHD_ATTEMPT $ORCHD_LOCK; wait`;
    const script = [
      `${inside} --try mine -- true 2>&1`,
      `${inside} --try other -- sh -c "${command.replaceAll("$", "\\$")}"`,
    ].join("; ");
    const ids = await supervised.submit({
      id: "t2",
      run: { shell: `${script}; true` },
      claims: ["mine"],
    });
    const inner = await until(() => pidsIn(notes)[0] ?? false, {
      what: "the command to run",
      timeoutMs: 30_000,
    });
    const lock = (await locksOf(supervised)).find(({ kind }) => kind === "lock");
    if (typeof lock?.pid !== "number") throw new Error("no lock is held inside the task");
    process.kill(lock.pid, "SIGKILL");
    await until(async () => (await locksOf(supervised)).every(({ kind }) => kind === "task"));
    expect(isGone(inner)).to.equal(true);
    expect((await supervised.wait(ids))[0]?.status).to.equal("succeeded");
    const { stdout } = await supervised.orchd("logs", "t2");
    expect(stdout).to.include("mine is held by t2");
    expect(stdout).to.include("t2 is the task this runs in");
    expect(stdout).to.match(/t2\.1@[0-9a-f]+ lock:[a-z0-9]+@/);
  });

  it("may not wait inside a task, which holds claims already", async () => {
    const { stdout } = await supervised.orchd("lock", "y", "--", "sh", "-c", "echo $ORCHD_ATTEMPT");
    expect(stdout).to.match(/^lock:[a-z0-9]+@/);
    const waits = await supervised.orchd("run", "--shell", `${orchd} lock x -- true 2>&1`);
    expect(waits.code).to.equal(1);
    const [id] = waits.stdout.match(/t[a-z0-9]{10}/) ?? [];
    const said = await supervised.orchd("logs", id ?? "");
    expect(said.stdout).to.include("who holds must not wait for more").and.include("--try");
  });

  it("names what it does not understand", async () => {
    for (const [words, said] of [
      [["src/"], "a command must follow --"],
      [["--", "true"], "name what it claims"],
      [["../x", "--", "true"], "could lead out of the repository"],
      [["--resource", "db=0", "--", "true"], "must be a whole one from 1"],
      [["--timeout", "5", "x", "--", "true"], "has no unit"],
    ] as const) {
      const ran = await supervised.orchd("lock", ...words);
      expect(ran.code, said).to.equal(2);
      expect(ran.stderr).to.include(said);
    }
    const many = await supervised.orchd("lock", "--resource", "db=2", "--", "true");
    expect(many.code).to.equal(5);
    expect(many.stderr).to.include("it asks for 2 of db, and there is 1");
  });

  it("ends its command when it is broken, as a broken task is cancelled, with its work saved", async () => {
    const one = agent(supervised, "halfway", "echo half > halfway.txt");
    const ids = await supervised.submit(one.task);
    await until(() => one.starts() === 1);
    const held = lockCommand(supervised, ["src/"], "sleep 600");
    const command = await held.command();
    const holders = (await locksOf(supervised)).map(({ holder }) => holder);
    const broken = await supervised.orchd("locks", "break", ...holders);
    expect(broken.code, broken.stderr).to.equal(0);
    await held.end;
    expect(isGone(command)).to.equal(true);
    expect((await supervised.wait(ids))[0]?.status).to.equal("cancelled");
    await until(async () => (await locksOf(supervised)).length === 0);
    const refs = await supervised.repository.git("for-each-ref", "refs/orchd/attempts");
    expect(refs).to.include("refs/orchd/attempts/halfway/1");
    const events = (await supervised.orchd("events")).stdout.split("\n");
    for (const holder of holders)
      expect(
        events.filter((line) => line.includes("lock:broken") && line.includes(holder)),
        holder,
      ).to.have.length(1);
    const again = await supervised.orchd("locks", "break", "halfway");
    expect(again.code).to.equal(4);
    expect(again.stderr).to.include("`orchd locks` lists who holds one");
  });

  it("is kept through kill -9 of the supervisor, and given back to the next one", async () => {
    const gate = untilFile(supervised, "go-kept");
    const held = lockCommand(supervised, ["src/"], gate.script);
    await held.command();
    const [before] = await locksOf(supervised);
    const dead = lockCommand(supervised, ["docs/"], "sleep 600");
    await dead.command();
    await supervised.killSupervisor();
    dead.signal("SIGKILL");
    await supervised.start();
    // What its command had started went with the lock.
    await dead.end;
    await until(async () => (await locksOf(supervised)).length === 1);
    const [after] = await locksOf(supervised);
    expect(after).to.include({ holder: before?.holder, fence: before?.fence });
    gate.go();
    expect((await held.end).code).to.equal(0);
    await until(async () => (await locksOf(supervised)).length === 0);
  });
});

describe("a lock or a foreign claim, where stale_after is short", function () {
  this.timeout(60_000);
  let supervised: Supervised;

  before(async () => {
    supervised = await makeSupervised({
      config: { limits: { heartbeat: "500ms", stale_after: "2s" } },
    });
  });

  after(async () => {
    await supervised[Symbol.asyncDispose]();
  });

  it("is killed and freed when it hangs for longer than stale_after", async () => {
    const held = lockCommand(supervised, ["src/"], "sleep 600");
    const command = await held.command();
    const from = performance.now();
    held.signal("SIGSTOP");
    await until(async () => (await locksOf(supervised)).length === 0, { timeoutMs: 10_000 });
    expect(performance.now() - from).to.be.within(1_000, 2_000 + 1_500);
    expect(isGone(held.pid) && isGone(command)).to.equal(true);
  });

  it("is not killed while it only waits: stopped for too long it loses its place, and waits on when it wakes up", async () => {
    const gate = untilFile(supervised, "go-waiter");
    const held = lockCommand(supervised, ["src/"], gate.script);
    await held.command();
    const stopped = lockCommand(supervised, ["src/a"], "echo it ran");
    await until(() => stopped.said().includes("Waiting for lock:"), { timeoutMs: 30_000 });
    stopped.signal("SIGSTOP");
    await until(async () => (await locksOf(supervised)).length === 1, { timeoutMs: 10_000 });
    expect(isGone(stopped.pid)).to.equal(false);
    stopped.signal("SIGCONT");
    await until(() => stopped.said().includes("lost its place"), { timeoutMs: 30_000 });
    await until(async () => (await locksOf(supervised)).length === 2);
    gate.go();
    expect((await held.end).code).to.equal(0);
    expect(await stopped.end).to.include({ code: 0, stdout: "it ran" });
  });

  it("is honoured while its file is touched or its process lives, and set aside when stale", async () => {
    const folder = join(supervised.repository.dir, ".aibrain/locks/foreign");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "touched"), "# mine\nsrc/**\n../no\n");
    writeFileSync(join(folder, "alive"), `# pid ${process.pid}\ndocs/**\n`);
    writeFileSync(join(folder, "dead"), `# pid ${2 ** 22 + 1}\nlib/**\n`);
    await until(async () => (await locksOf(supervised)).length === 2);
    const ids = await supervised.submit({ id: "t1", run: ["true"], claims: ["src/x"] });
    const shown = await supervised.orchd("show", "t1");
    expect(shown.stdout).to.include("src/x is held by foreign:touched as src/**");
    const now = new Date();
    utimesSync(join(folder, "touched"), now, now);
    expect((await supervised.wait(ids))[0]?.status).to.equal("succeeded");
    expect((await locksOf(supervised)).map(({ holder }) => holder)).to.deep.equal([
      "foreign:alive",
    ]);
    expect(readdirSync(join(folder, "stale")).toSorted()).to.deep.equal(["dead", "touched"]);
    const client = await supervised.client();
    const hold = (await locksOf(supervised))[0]?.holder as HoldId;
    const unlocked = await client
      .call("unlock", { hold, owner: ownIdentity() })
      .catch(({ failure }: FailureError) => failure);
    expect(unlocked).to.include({ code: "refused" });
    expect(await locksOf(supervised)).to.have.length(1);
    expect((await supervised.orchd("locks", "break", "foreign:alive")).code).to.equal(0);
    await until(async () => (await locksOf(supervised)).length === 0);
    expect(existsSync(join(folder, "alive"))).to.equal(false);
  });
});
