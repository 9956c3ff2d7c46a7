import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { connect } from "../../ipc/client.ts";
import { landedCommits, runOrchd, supervise, supervisorPid } from "../helpers/supervised.ts";
import { makeRepository } from "../helpers/repository.ts";
import { makeSmallDisk, smallDiskProblem } from "../helpers/smallDisk.ts";
import { isGone } from "../helpers/processes.ts";
import { until } from "../helpers/until.ts";
import type { SmallDisk } from "../helpers/smallDisk.ts";
import type { StatusView } from "../../ipc/statusViews.ts";
import type { Supervised } from "../helpers/supervised.ts";
import type { TaskId } from "../../ipc/ids.ts";
import type { TestRepository } from "../helpers/repository.ts";

/**
 * Disks that fill up, turn read-only or break under a real supervisor and its workers. The journal, or
 * the workspaces, lie on a small file system of their own.
 */
const config = { max_parallel: 2, limits: { grace: "500ms", min_free_disk: "0B" } };
const patience = { timeoutMs: 30_000 };
const megabyte = 1024 * 1024;

describe("a disk", function () {
  this.timeout(120_000);

  before(function () {
    const problem = smallDiskProblem();
    if (problem === null) return;
    console.log(`SKIPPED: disks that are full or broken: ${problem}`);
    this.skip();
  });

  it("that is full: nothing is acknowledged or started, what is durable is shown, and all goes on with space", async () => {
    using disk = makeSmallDisk(24);
    const repository = await makeRepository({ below: disk.path, config });
    await using supervised = await supervise(repository);
    const gate = gateOf(repository);
    const first = await supervised.submit(gated("first", gate));
    await until(async () => (await statusOf(supervised)).counts.running === 1, patience);
    disk.fill();
    const acknowledged: string[] = [];
    const submitting = submitUntilRefused(supervised, acknowledged);
    const full = await until(async () => {
      const view = await statusOf(supervised);
      return view.daemon.journal !== "ok" && view;
    }, patience);
    expect(full.tasks.map(({ id }) => id)).to.have.members(["first", ...acknowledged]);
    const said = await supervised.orchd("status");
    expect(said.stdout).to.contain("the disk is full; nothing is accepted or started");
    const shown = await supervised.orchd("show", "first");
    expect(shown.code, shown.stderr).to.equal(0);
    disk.free();
    writeFileSync(gate, "");
    await submitting;
    const ids = [...first, ...acknowledged] as TaskId[];
    const ends = await supervised.wait(ids);
    expect(ends.map(({ status }) => status)).to.deep.equal(ids.map(() => "succeeded"));
    await eachLandedOnce(supervised, ids);
    await until(() => logOf(repository).includes("it works again"), patience);
    expect(countIn(logOf(repository), '"message":"the journal cannot be written"')).to.be.at.most(
      1,
    );
  });

  it("that is full when an agent ends: its work waits to be saved, and lands without being done again", async () => {
    using disk = makeSmallDisk(24);
    const repository = await makeRepository({
      config: { ...config, workspace: { root: disk.path } },
    });
    await using supervised = await supervise(repository);
    const gate = gateOf(repository);
    const ids = await supervised.submit(gated("costly", gate));
    await until(() => existsSync(`${gate}.done`), patience);
    disk.fill();
    writeFileSync(gate, "");
    await until(async () => {
      const { stdout } = await supervised.orchd("status");
      return stdout.includes("waits for space on the disk");
    }, patience);
    expect((await statusOf(supervised)).counts.running).to.equal(1);
    disk.free();
    const [end] = await supervised.wait(ids);
    expect(end).to.include({ status: "succeeded", attempts: 1 });
    await eachLandedOnce(supervised, ids);
    expect(readFileSync(`${gate}.started`, "utf8")).to.equal("once\n");
  });

  it("that has less than limits.min_free_disk: what runs lands, nothing starts until there is more", async () => {
    using disk = makeSmallDisk(48);
    const limits = { ...config.limits, min_free_disk: "8MiB", heartbeat: "1s" };
    const workspace = { root: disk.path };
    const repository = await makeRepository({ config: { ...config, limits, workspace } });
    await using supervised = await supervise(repository);
    const gate = gateOf(repository);
    const running = await supervised.submit(gated("running", gate));
    await until(() => existsSync(`${gate}.done`), patience);
    const ballast = join(disk.path, "others");
    writeFileSync(ballast, Buffer.alloc(38 * megabyte));
    await until(async () => (await statusOf(supervised)).daemon.space !== "ok", patience);
    const waiting = await supervised.submit(quick("waiting"));
    writeFileSync(gate, "");
    const [landed] = await supervised.wait(running);
    expect(landed).to.include({ status: "succeeded", attempts: 1 });
    const shown = await supervised.orchd("show", "waiting");
    expect(shown.stdout).to.match(/MiB free in .*, less than limits.min_free_disk \(8 MiB\)/);
    // Nobody works in it, and its disk is short.
    await until(() => !existsSync(join(disk.path, "worker-1/workspace")), patience);
    rmSync(ballast);
    const [end] = await supervised.wait(waiting);
    expect(end).to.include({ status: "succeeded", attempts: 1 });
    await eachLandedOnce(supervised, [...running, ...waiting]);
  });

  it("that an attempt fills beyond limits.workspace_size: it fails by name, and the space is there again", async () => {
    using disk = makeSmallDisk(48);
    const limits = { ...config.limits, min_free_disk: "8MiB", workspace_size: "16MiB" };
    const workspace = { root: disk.path };
    const repository = await makeRepository({ config: { ...config, limits, workspace } });
    await using supervised = await supervise(repository);
    const greedy = {
      id: "greedy",
      run: { shell: "head -c 30000000 /dev/zero > .git/x; sleep 99" },
    };
    const [end] = await supervised.wait(await supervised.submit(greedy));
    expect(end?.reason).to.have.nested.property("failure.kind", "workspace_size");
    const shown = await supervised.orchd("show", "greedy");
    expect(shown.stdout).to.match(/grew to \d+ MiB, beyond the 16 MiB of limits.workspace_size/);
    const [next] = await supervised.wait(await supervised.submit(quick("next")));
    expect(next?.status).to.equal("succeeded");
  });

  it("that is full at the start, or fails under a supervisor in the foreground, has an exit code of its own", async () => {
    const repository = await makeRepository({ config });
    using disk = makeSmallDisk(24, join(repository.dir, ".git/orchd"));
    await using _repository = withDisk(repository, disk);
    const foreground = () => runOrchd(repository, ["start", "--foreground"]);
    disk.fill();
    const full = await foreground();
    expect(full.code, full.stderr).to.equal(75);
    expect(full.stderr).to.match(/no space left|is full/);
    disk.free();
    const running = foreground();
    await until(async () => (await runOrchd(repository, ["status"])).code === 0, patience);
    await using client = await connect({ repo: repository.dir, reconnect: false });
    disk.fail();
    const unheard = client.call("pause", { ids: [] }).catch(() => null);
    const ended = await running;
    expect(ended.code, ended.stderr).to.equal(74);
    expect(await unheard).to.equal(null);
    const asked = await runOrchd(repository, ["status"]);
    expect(asked.stderr).to.contain("supervisor.json cannot be read");
    expect(asked.code).to.equal(74);
    disk.repair();
    expect((await runOrchd(repository, ["start"])).code).to.equal(0);
    expect((await runOrchd(repository, ["stop"])).code).to.equal(0);
  });

  for (const [what, breakIt, words, code] of [
    ["turns read-only", (disk: SmallDisk) => disk.becomeReadOnly(), /read-?only/i, 5],
    [
      "answers with input/output errors",
      (disk: SmallDisk) => disk.fail(),
      /i\/o error|input\/output/i,
      74,
    ],
  ] as const)
    it(`that ${what} under the journal: the supervisor ends and says why, and the next one takes over what ran`, async () => {
      const repository = await makeRepository({ config });
      const disk = makeSmallDisk(24, join(repository.dir, ".git/orchd"));
      await using supervised = await supervise(withDisk(repository, disk));
      const gate = gateOf(repository);
      const ids = await supervised.submit(gated("first", gate), quick("second"));
      await supervised.wait(ids.slice(1));
      await until(() => existsSync(`${gate}.done`), patience);
      const pid = supervisorPid(repository);
      breakIt(disk);
      const unheard = supervised.submit(quick("third")).catch(() => null);
      await until(() => isGone(pid), {
        ...patience,
        what: "the supervisor to end",
      });
      expect(logOf(repository)).to.match(/the journal cannot be written: the disk fails/);
      const again = await supervised.orchd("start");
      expect(again.code, again.stderr).to.equal(code);
      expect(again.stderr).to.match(words);
      disk.repair();
      const started = await supervised.orchd("start");
      expect(started.code, started.stderr).to.equal(0);
      writeFileSync(gate, "");
      // The client sends it again when a supervisor is back.
      await unheard;
      const ends = await supervised.wait(ids);
      expect(ends.map(({ status, attempts }) => [status, attempts])).to.deep.equal([
        ["succeeded", 1],
        ["succeeded", 1],
      ]);
      expect(readFileSync(`${gate}.started`, "utf8")).to.equal("once\n");
      await eachLandedOnce(supervised, ids);
    });
});

/** The disk goes before the folder it is mounted on. */
function withDisk(repository: TestRepository, disk: SmallDisk): TestRepository {
  const dispose = async (): Promise<void> => {
    disk[Symbol.dispose]();
    await repository[Symbol.asyncDispose]();
  };
  return { ...repository, [Symbol.asyncDispose]: dispose };
}

function gateOf(repository: TestRepository): string {
  const folder = join(dirname(repository.dir), "tmp");
  mkdirSync(folder, { recursive: true });
  return join(folder, "gate");
}

/** Does its work, says so, and ends when the gate is there. */
function gated(id: string, gate: string): object {
  const script = [
    `echo once >> ${gate}.started`,
    `mkdir -p out; seq 20000 > out/${id}.txt; touch ${gate}.done`,
    `while [ ! -e ${gate} ]; do sleep 0.05; done`,
  ].join("\n");
  return { id, run: { shell: script } };
}

function quick(id: string): object {
  return { id, run: { shell: `mkdir -p out; echo ${id} > out/${id}.txt` } };
}

async function submitUntilRefused(supervised: Supervised, acknowledged: string[]): Promise<void> {
  for (let at = 0; at < 60; at += 1) {
    const id = `task-${at}`;
    await supervised.submit(quick(id));
    acknowledged.push(id);
  }
}

async function statusOf(supervised: Supervised): Promise<StatusView> {
  return await (await supervised.client()).call("status", { finished_max: 100, open_max: 100 });
}

async function eachLandedOnce(supervised: Supervised, ids: readonly string[]): Promise<void> {
  const landed = await landedCommits(supervised.repository);
  for (const id of ids) expect(landed.get(id), `commits of ${id}`).to.have.length(1);
}

function logOf({ dir }: TestRepository): string {
  return readFileSync(join(dir, ".aibrain/logs/orchd.log"), "utf8");
}

function countIn(text: string, words: string): number {
  return text.split(words).length - 1;
}
