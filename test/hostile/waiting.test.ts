import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { isGone } from "../helpers/processes.ts";
import { makeRepository } from "../helpers/repository.ts";
import { makeSmallDisk, shutdownCommand, smallDiskProblem } from "../helpers/smallDisk.ts";
import { landedCommits, runOrchd, supervise, supervisorPid } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import type { FailpointPlan } from "../../system/failpoint.ts";
import type { SmallDisk } from "../helpers/smallDisk.ts";
import type { TestRepository } from "../helpers/repository.ts";

/** Whatever waits for the journal must not keep a supervisor that has to end. */
// Following links a file from the journal's folder into `.git`: not across file systems.
const config = { max_parallel: 1, follow: "off", limits: { grace: "500ms" } } as const;
/** A page that cannot be read may look like damage to SQLite. */
const cannotBeWritten = /the journal cannot be written: (?:the disk fails|it is damaged)/;
const patience = { timeoutMs: 30_000 };

describe("a supervisor whose journal does not answer any more", function () {
  this.timeout(120_000);

  before(function () {
    const problem = smallDiskProblem();
    if (problem === null) return;
    console.log(`SKIPPED: journals on broken disks: ${problem}`);
    this.skip();
  });

  it("because the disk broke at the first write says so, and is gone", async () => {
    const site = await makeSite();
    await using repository = site.repository;
    const points = mkdtempSync(join(tmpdir(), "points-"));
    const command = shutdownCommand(site.disk.path);
    const at = { role: "supervisor", at: "journal.commit:before" } as const;
    const plan: FailpointPlan = { folder: points, kill: [], run: [{ ...at, command }] };
    const env = { ...repository.env, ORCHD_TEST_FAILPOINTS: JSON.stringify(plan) };
    const start = await runOrchd({ ...repository, env }, ["start"]);
    rmSync(points, { recursive: true });
    expect(start.code, start.stderr).to.equal(74);
    expect(start.stderr).to.match(/fails|cannot be used/);
    site.disk.repair();
    const again = await runOrchd(repository, ["start"]);
    expect(again.code, again.stderr).to.equal(0);
    await runOrchd(repository, ["stop"]);
  });

  it("because the disk broke under a file of the inbox ends, and the next one takes the file", async () => {
    const { repository, disk } = await makeSite();
    await using supervised = await supervise(repository);
    const pid = supervisorPid(repository);
    disk.fail();
    drop(repository, "first");
    await until(() => isGone(pid), { ...patience, what: "the supervisor to end" });
    expect(logOf(repository)).to.match(cannotBeWritten);
    disk.repair();
    const started = await supervised.orchd("start");
    expect(started.code, started.stderr).to.equal(0);
    await until(() => accepted(repository, "first"), { ...patience, what: "the file to be taken" });
    await supervised.orchd("wait", "first");
    expect((await landedCommits(repository)).get("first")).to.have.length(1);
  });

  it("because the disk is full can be stopped, and a file of the inbox waits for the next one", async () => {
    const { repository, disk } = await makeSite();
    await using supervised = await supervise(repository);
    const pid = supervisorPid(repository);
    disk.fill();
    drop(repository, "first");
    await until(async () => {
      const { stdout } = await supervised.orchd("status");
      return stdout.includes("the disk is full");
    }, patience);
    drop(repository, "second");
    await supervised.orchd("stop");
    await until(() => isGone(pid), { ...patience, what: "the supervisor to end" });
    disk.free();
    const started = await supervised.orchd("start");
    expect(started.code, started.stderr).to.equal(0);
    for (const id of ["first", "second"]) {
      await until(() => accepted(repository, id), { ...patience, what: `${id} to be taken` });
      await supervised.orchd("wait", id);
      expect((await landedCommits(repository)).get(id), id).to.have.length(1);
    }
  });
});

/** A repository whose journal lies on a small disk, which goes first. */
async function makeSite(): Promise<{ repository: TestRepository; disk: SmallDisk }> {
  const made = await makeRepository({ config });
  const disk = makeSmallDisk(24, join(made.dir, ".git/orchd"));
  const dispose = async (): Promise<void> => {
    disk[Symbol.dispose]();
    await made[Symbol.asyncDispose]();
  };
  return { repository: { ...made, [Symbol.asyncDispose]: dispose }, disk };
}

function drop({ dir }: TestRepository, id: string): void {
  const inbox = join(dir, ".aibrain/inbox");
  mkdirSync(inbox, { recursive: true });
  const task = { id, run: { shell: `echo ${id} > ${id}.txt` } };
  writeFileSync(join(inbox, `${id}.json`), JSON.stringify(task));
}

function accepted({ dir }: TestRepository, id: string): boolean {
  return existsSync(join(dir, ".aibrain/inbox/accepted", `${id}.json`));
}

function logOf({ dir }: TestRepository): string {
  return readFileSync(join(dir, ".aibrain/logs/orchd.log"), "utf8");
}
