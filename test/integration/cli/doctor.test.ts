import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { layoutOf } from "../../../system/paths.ts";
import { makeRepository } from "../../helpers/repository.ts";
import { makeSupervised, runOrchd, supervisorPid } from "../../helpers/supervised.ts";
import { until } from "../../helpers/until.ts";
import type { Finding } from "../../../cli/doctor/finding.ts";
import type { Supervised } from "../../helpers/supervised.ts";
import type { TestRepository } from "../../helpers/repository.ts";

type Answer = {
  readonly code: number;
  readonly problems: number;
  readonly warnings: number;
  readonly of: (check: string) => readonly Finding[];
};

async function doctor(repository: TestRepository, ...args: string[]): Promise<Answer> {
  const { code, stdout, stderr } = await runOrchd(repository, ["doctor", "--json", ...args]);
  expect(stderr).to.equal("");
  const { problems, warnings, checks } = JSON.parse(stdout) as {
    problems: number;
    warnings: number;
    checks: Finding[];
  };
  const of = (check: string) => checks.filter((one) => one.check === check);
  expect(code, JSON.stringify(checks)).to.equal(problems > 0 ? 1 : 0);
  return { code, problems, warnings, of };
}

const levels = (findings: readonly Finding[]) => findings.map(({ level }) => level);

/** Every byte and time of what lies there, and nothing more or less. */
function stateOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .toSorted()
    .map((name) => {
      const path = join(folder, name);
      const { size, mtimeMs, mode } = statSync(path);
      const bytes = statSync(path).isFile() ? readFileSync(path).toString("base64") : "";
      return `${name} ${size} ${mtimeMs} ${mode} ${bytes}`;
    });
}

type Killed = AsyncDisposable & { readonly repository: TestRepository };

/** A repository whose supervisor has run tasks and was killed; its workers are gone, too. */
async function killedRepository(): Promise<Killed> {
  const one = await makeSupervised({ start: ["--max-parallel", "1"] });
  await one.wait(await one.submit({ id: "done", workspace: "none", run: ["true"] }));
  await one.killSupervisor();
  const { stateDir } = layoutFor(one.repository);
  const workers = readdirSync(join(stateDir, "workers"));
  for (const name of workers) {
    const { identity } = JSON.parse(readFileSync(join(stateDir, "workers", name), "utf8")) as {
      identity: { pid: number };
    };
    process.kill(identity.pid, "SIGKILL");
    await until(() => !existsSync(`/proc/${identity.pid}`), { what: "the worker to be gone" });
  }
  return {
    repository: one.repository,
    [Symbol.asyncDispose]: async () => {
      // What was killed could not clean up; the next one does.
      await one.start();
      await one[Symbol.asyncDispose]();
    },
  };
}

function layoutFor(repository: TestRepository) {
  return layoutOf({ commonDir: join(repository.dir, ".git"), workTree: repository.dir });
}

describe("orchd doctor", function () {
  this.timeout(120_000);
  /** A supervisor that runs, for the tests that leave it as it is. */
  let one: Supervised;
  /** What a supervisor left that was killed, for the tests that put back what they change. */
  let killed: Killed;

  before(async () => {
    [one, killed] = await Promise.all([
      makeSupervised({ start: ["--max-parallel", "1"] }),
      killedRepository(),
    ]);
  });

  after(async () => {
    await one[Symbol.asyncDispose]();
    await killed[Symbol.asyncDispose]();
  });

  it("finds no problem where nothing was ever started, and makes nothing", async () => {
    await using repository = await makeRepository();
    const { problems, of } = await doctor(repository);
    expect(problems).to.equal(0);
    expect(of("journal")[0]?.message).to.equal("There is no journal yet");
    expect(of("exclude")[0]?.level).to.equal("warning");
    expect(existsSync(join(repository.dir, ".git/orchd"))).to.equal(false);
  });

  it("finds all well beside a running supervisor", async () => {
    await one.wait(await one.submit({ id: "t", workspace: "none", run: ["true"] }));
    const quick = await doctor(one.repository);
    expect([quick.problems, quick.warnings]).to.deep.equal([0, 0]);
    expect(quick.of("supervisor")[0]?.message).to.match(
      /^The supervisor answers \(pid \d+, epoch 1/,
    );
    const deep = await doctor(one.repository, "--deep");
    expect(deep.of("journal")[0]?.message).to.match(/every event is proven$/);
    expect(deep.problems).to.equal(0);
  });

  it("changes not a byte of what a killed supervisor left, and leaves its lock free", async () => {
    const { stateDir } = layoutFor(killed.repository);
    const before = stateOf(stateDir);
    expect(statSync(join(stateDir, "journal.db-wal")).size).to.be.greaterThan(0);
    for (const args of [[], ["--deep"]]) {
      const { problems, of } = await doctor(killed.repository, ...args);
      expect(problems).to.equal(0);
      expect(of("supervisor")[0]?.message).to.include("ended without a word");
      expect(stateOf(stateDir)).to.deep.equal(before);
    }
  });

  it("names stale locks of git, wrong modes, refs without a task and an invalid orchd.yaml", async () => {
    const { repository } = killed;
    const { stateDir, configFile } = layoutFor(repository);
    const lock = join(repository.dir, ".git/index.lock");
    writeFileSync(lock, "");
    expect(levels((await doctor(repository)).of("git_locks"))).to.deep.equal(["warning"]);
    const hourAgo = Date.now() / 1_000 - 3_600;
    utimesSync(lock, hourAgo, hourAgo);
    const packed = join(repository.dir, ".git/packed-refs.lock");
    writeFileSync(packed, "");
    chmodSync(stateDir, 0o755);
    await repository.git("update-ref", "refs/orchd/attempts/nobody/1", "HEAD");
    writeFileSync(configFile, "max_parallel: many\n");
    const { of, problems } = await doctor(repository);
    const removals = of("git_locks").map(({ choices }) => choices.at(-1)?.command);
    expect(removals).to.have.members([`rm ${lock}`, `rm ${packed}`]);
    expect(of("modes")[0]?.choices[0]?.command).to.equal(`chmod go= ${stateDir}`);
    expect(of("refs")[0]?.message).to.include("nobody");
    expect(of("config")[0]?.message).to.include("max_parallel");
    expect(problems).to.equal(3);
    for (const path of [lock, packed]) rmSync(path);
    rmSync(configFile);
    chmodSync(stateDir, 0o700);
    await repository.git("update-ref", "-d", "refs/orchd/attempts/nobody/1");
  });

  it("explains a damaged journal and its choices, and the copy that a start puts aside", async () => {
    const { journal, stateDir } = layoutFor(killed.repository);
    expect((await runOrchd(killed.repository, ["start"])).code).to.equal(0);
    expect((await runOrchd(killed.repository, ["stop"])).code).to.equal(0);
    const whole = readFileSync(journal);
    const at = whole.indexOf("TaskSubmitted");
    expect(at).to.be.greaterThan(0);
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(journal, bytes);
    const found = (await doctor(killed.repository, "--deep")).of("journal")[0];
    expect(found?.level).to.equal("problem");
    expect(found?.message).to.match(/damaged \(events\): event \d+ does not fit its checksum/);
    expect(found?.choices.map(({ command }) => command).join("\n"))
      .to.include(`mv ${join(stateDir, "journal.db")} `)
      .and.to.include("orchd start");
    expect(readFileSync(journal).equals(bytes)).to.equal(true);

    expect((await runOrchd(killed.repository, ["start"])).code).to.equal(5);
    const aside = (await doctor(killed.repository)).of("set_aside")[0];
    expect(aside?.message).to.match(/damaged-.* holds a damaged journal \(event \d+ does not fit/);
    expect(aside?.choices.map(({ command }) => command).join("\n")).to.include("report.json");
    writeFileSync(journal, whole);
  });

  it("tells a supervisor that was stopped from one that answers", async () => {
    const pid = supervisorPid(one.repository);
    process.kill(pid, "SIGSTOP");
    try {
      const { of } = await doctor(one.repository);
      expect(of("supervisor")[0]).to.deep.include({ level: "problem" });
      expect(of("supervisor")[0]?.message).to.include(`pid ${pid}`);
      const commands = of("supervisor")[0]?.choices.map(({ command }) => command);
      expect(commands).to.include(`kill -CONT ${pid}`);
      expect(levels(of("journal"))).to.deep.equal(["ok"]);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await until(async () => (await doctor(one.repository)).problems === 0, {
      what: "the supervisor to answer again",
    });
  });

  it("finds what an attempt left running without its worker, and no agent of a living one", async () => {
    const [id] = await one.submit({ id: "long", workspace: "none", run: ["sleep", "600"] });
    const client = await one.client();
    await until(
      async () =>
        (await client.call("status", { open_max: 9, finished_max: 0 })).counts.running > 0,
      { what: "the task to run" },
    );
    expect(levels((await doctor(one.repository)).of("orphans"))).to.deep.equal(["ok"]);
    const marker = `gone.1@${layoutFor(one.repository).repositoryId.slice(-12)}`;
    const orphan = spawn("sleep", ["600"], {
      env: { PATH: "/bin:/usr/bin", ORCHD_ATTEMPT: marker },
    });
    const ended = new Promise((resolve) => orphan.once("exit", resolve));
    try {
      const found = (await doctor(one.repository)).of("orphans")[0];
      expect(found?.level).to.equal("problem");
      expect(found?.message).to.include(`${orphan.pid} (gone.1: sleep 600)`);
    } finally {
      orphan.kill("SIGKILL");
      await ended;
    }
    await client.call("cancel", { ids: id === undefined ? [] : [id] });
    await one.wait(id === undefined ? [] : [id]);
  });

  it("names workers that run without a supervisor", async () => {
    await one.killSupervisor();
    const { of } = await doctor(one.repository);
    expect(of("workers")[0]?.message).to.match(/without a supervisor: worker-1 \(pid \d+\)/);
    expect((await one.orchd("start")).code).to.equal(0);
  });
});
