import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { age } from "../helpers/aging.ts";
import { layoutOf, workspaceRoot } from "../../system/paths.ts";
import { makeRepository } from "../helpers/repository.ts";
import { isGone } from "../helpers/processes.ts";
import { makeSupervised, runOrchd, supervisorPid } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import type { FailpointPlan } from "../../system/failpoint.ts";
import type { GcView } from "../../ipc/gcView.ts";
import type { Supervised } from "../helpers/supervised.ts";
import type { TaskId } from "../../ipc/ids.ts";

describe("the folders under .aibrain", () => {
  it("take task files from the inbox, once, and say why one was rejected", async function () {
    this.timeout(30_000);
    await using supervised = await makeSupervised();
    drop(supervised, "good.json", JSON.stringify({ id: "dropped", tools: [] }));
    drop(supervised, "bad.yaml", "run: [make]\nclaimz: []\n");
    const inbox = join(supervised.repository.dir, ".aibrain/inbox");
    await until(() => existsSync(join(inbox, "accepted/good.json")), { what: "accepted" });
    const reason = join(inbox, "rejected/bad.yaml.reason.txt");
    await until(() => existsSync(reason) && existsSync(join(inbox, "rejected/bad.yaml")), {
      what: "rejected",
    });
    expect(readFileSync(reason, "utf8")).to.include("bad.yaml:2").and.to.include("claims");
    const [end] = await supervised.wait(["dropped" as TaskId]);
    expect(end?.status).to.equal("succeeded");
  });

  it("show what an attempt holds as a lock file, and put it back when it is removed", async function () {
    this.timeout(30_000);
    await using supervised = await makeSupervised({
      config: { max_parallel: 1, limits: { grace: "200ms" } },
    });
    const [id] = (await supervised.submit({
      id: "holder",
      run: ["sleep", "600"],
      claims: { writes: ["src/"], reads: ["docs/**"] },
    })) as [TaskId];
    const locks = join(supervised.repository.dir, ".aibrain/locks/e1");
    const file = join(locks, "holder.1.lock");
    await until(() => existsSync(file), { what: "the lock file" });
    const record = JSON.parse(readFileSync(join(locks, "holder.1.json"), "utf8")) as Record<
      string,
      unknown
    >;
    expect(record).to.include({ holder: id, attempt: 1, worker: "worker-1", epoch: 1 });
    expect(record["writes"]).to.deep.equal(["src/**"]);
    rmSync(file);
    await until(() => existsSync(file), { what: "the lock file to be put back" });
    const { stdout } = await supervised.orchd("locks", "--json");
    expect(JSON.parse(stdout)).to.have.nested.property("locks[0].holder", id);
    await supervised.orchd("cancel", id);
    await supervised.wait([id]);
    await until(() => readdirSync(locks).length === 0, { what: "the lock to be gone" });
  });
});

describe("folders of old attempts", () => {
  it("are removed when newer ones fill the number that is kept; what they did stays in git", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised({
      config: { max_parallel: 1, retention: { attempts: 1 } },
    });
    const { repository, orchd } = supervised;
    const run = async (id: string) => {
      const shell = `echo said; echo ${id} > ${id}.txt`;
      await supervised.wait(await supervised.submit({ id, run: { shell } }));
    };
    await run("old");
    expect((await orchd("logs", "old")).stdout).to.equal("said");
    // The first attempt of a worker's process prunes.
    expect((await orchd("stop")).code).to.equal(0);
    await supervised.start();
    await run("new");
    const attempts = join(repository.dir, ".aibrain/worker-1/attempts");
    await until(() => !existsSync(join(attempts, "old.1")), { what: "the old one to go" });
    expect(readdirSync(attempts)).to.deep.equal(["new.1"]);
    expect(await repository.git("show", "refs/orchd/attempts/old/1:old.txt")).to.equal("old");
  });
});

describe("a folder with the workspaces of another repository", () => {
  it("is no place for those of this one: each would reset the other's", async function () {
    this.timeout(60_000);
    await using one = await makeSupervised();
    await one.wait(await one.submit({ run: ["true"], claims: [] }));
    const root = workspacesOf(one);
    await using other = await makeRepository({ config: { workspace: { root } } });
    const started = await runOrchd(other, ["start"]);
    expect(started.code, started.stdout).to.equal(5);
    expect(started.stderr).to.include(`the workspaces of ${join(one.repository.dir, ".git")}`);
    expect(started.stderr).to.include("a `workspace.root` of its own");
    await one.orchd("stop");
    await one.start();
  });

  it("is given to one of two that start there for the first time in the same moment", async function () {
    this.timeout(60_000);
    const root = await mkdtemp(join(tmpdir(), "shared-"));
    const config = { max_parallel: 1, workspace: { root } };
    await using one = await makeRepository({ config });
    await using other = await makeRepository({ config });
    const all = [one, other];
    const started = await Promise.all(all.map((each) => runOrchd(each, ["start"])));
    const codes = started.map(({ code }) => code);
    try {
      expect(codes).to.have.members([0, 5]);
      const [loser, winner] = [codes.indexOf(5), codes.indexOf(0)];
      expect(started[loser]?.stderr).to.include(
        `the workspaces of ${join(all[winner]?.dir ?? "", ".git")} are in ${root}`,
      );
      expect(started[loser]?.stderr).to.include(`remove ${join(root, "owner.1")}`);
    } finally {
      await Promise.all(all.map((each) => runOrchd(each, ["stop"])));
      rmSync(root, { recursive: true });
    }
  });

  it("is not taken over by a reload, which keeps what was before and says why", async function () {
    this.timeout(60_000);
    const root = await mkdtemp(join(tmpdir(), "shared-"));
    try {
      await using one = await makeSupervised({ config: { workspace: { root } } });
      await using other = await makeSupervised();
      const config = { follow: "off", workspace: { root } };
      await other.repository.write("orchd.yaml", JSON.stringify(config));
      const client = await other.client();
      const before = await client.call("config", {});
      const refused = await client.call("reload", {}).catch(String);
      expect(refused).to.include(
        `the workspaces of ${join(one.repository.dir, ".git")} are in ${root}`,
      );
      expect(await client.call("config", {})).to.deep.equal(before);
      const mine = join(root, "mine");
      await other.repository.write(
        "orchd.yaml",
        JSON.stringify({ ...config, workspace: { root: mine } }),
      );
      await client.call("reload", {});
      const [end] = await other.wait(await other.submit({ run: ["true"], claims: [] }));
      expect(end?.status).to.equal("succeeded");
      expect(readlinkSync(join(mine, "owner.1"))).to.equal(join(other.repository.dir, ".git"));
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

function workspacesOf({ repository }: Supervised): string {
  const layout = layoutOf({ commonDir: join(repository.dir, ".git"), workTree: repository.dir });
  return workspaceRoot(layout, null, repository.env);
}

describe("folders of a worker that there is no more", () => {
  it("have what was not saved saved, and go when they are old; what was kept back stays for longer", async function () {
    this.timeout(120_000);
    await using supervised = await makeSupervised({ config: { max_parallel: 2 } });
    const { repository, orchd } = supervised;
    const { git, write, commit } = repository;
    const met = join(dirname(repository.dir), "met");
    const meets = (id: string, other: string) =>
      `touch ${met}.${id}; while [ ! -e ${met}.${other} ]; do sleep 0.05; done; echo x > ${id}.txt`;
    const both = [
      { id: "one", run: { shell: meets("one", "two") }, claims: ["one.txt"] },
      { id: "two", run: { shell: `${meets("two", "one")}; echo k > .env` }, claims: ["two.txt"] },
    ];
    await supervised.wait(await supervised.submit(...both));
    const view = async () => JSON.parse((await orchd("gc", "--json")).stdout) as GcView;
    const [kept] = (await view()).unsaved;
    expect(kept?.path).to.match(/\/set-aside\/two\.1$/);
    const root = join(dirname(kept?.path ?? ""), "../..");
    const gone = join(root, "worker-2");
    expect((await orchd("stop")).code).to.equal(0);
    // As an attempt leaves it whose work could not be saved.
    writeFileSync(join(gone, "workspace/ghost.txt"), "ghost\n");
    const base = {
      commit: await git("rev-parse", "HEAD"),
      tree: await git("rev-parse", "HEAD^{tree}"),
    };
    const held = { task: "ghost", attempt: 1, fence: 1, startedAt: Date.now(), base };
    writeFileSync(join(gone, "held.json"), JSON.stringify(held));
    await write("orchd.yaml", "max_parallel: 1\n");
    await commit("One worker");
    expect((await orchd("start")).code).to.equal(0);
    await until(() => !existsSync(join(gone, "held.json")), { what: "the work to be saved" });
    expect(await git("show", "refs/orchd/attempts/ghost/1:ghost.txt")).to.equal("ghost");
    await age(supervised, 0);
    expect((await view()).folders).to.deep.equal([]);
    await age(supervised, 31);
    const { folders, unsaved } = await view();
    expect(folders.filter(({ kind }) => kind === "workspace")).not.to.be.empty;
    for (const { bytes } of folders) expect(bytes).to.be.a("number");
    expect(unsaved.map(({ path }) => path)).to.deep.equal([kept?.path]);
    expect(existsSync(join(gone, "workspace"))).to.equal(false);
    expect(existsSync(join(root, "worker-1/workspace"))).to.equal(true);
    expect(existsSync(kept?.path ?? "")).to.equal(true);
    const { stdout } = await orchd("gc", "--dry-run");
    expect(stdout).to.match(
      /set-aside\/two\.1 {2}is saved nowhere else, .*; it stays for another 149 days/,
    );
    await age(supervised, 160);
    expect((await view()).folders.map(({ path }) => path)).to.include(kept?.path);
    expect(existsSync(kept?.path ?? "")).to.equal(false);
    const [end] = await supervised.wait(await supervised.submit({ id: "after", run: ["true"] }));
    expect(end?.status).to.equal("succeeded");
  });
});

describe("a supervisor that wakes up while it removes a folder, when another one writes", () => {
  it("leaves it where it is, and ends", async function () {
    this.timeout(60_000);
    await using repository = await makeRepository({ config: { max_parallel: 1 } });
    const { dir, env, git } = repository;
    const points = await mkdtemp(join(tmpdir(), "points-"));
    const left = join(dir, ".git/orchd/damaged-left");
    mkdirSync(left, { recursive: true, mode: 0o700 });
    writeFileSync(join(left, "journal.db"), "left");
    const names = { passed_ms: 400 * 24 * 60 * 60 * 1000, since: [[0, [left]]] };
    const looked = { boot_id: "an earlier one", uptime_ms: 0, wall_ms: 0, collected_ms: null };
    const ages = JSON.stringify({ version: 1, ...looked, ...names });
    writeFileSync(join(dir, ".git/orchd/ages.json"), ages);
    // As another supervisor begins, right before the folder is moved.
    const takeOver = ["git", "-C", dir, "update-ref", "refs/orchd/epoch", "HEAD"] as const;
    const run = [{ role: "supervisor", at: "gc.aside:before", command: takeOver }] as const;
    const plan: FailpointPlan = { folder: points, kill: [], run };
    const armed = { ...env, ORCHD_TEST_FAILPOINTS: JSON.stringify(plan) };
    try {
      expect((await runOrchd({ ...repository, env: armed }, ["start"])).code).to.equal(0);
      const pid = supervisorPid(repository);
      const epoch = await git("rev-parse", "refs/orchd/epoch");
      await runOrchd(repository, ["gc"]);
      await until(() => isGone(pid), { what: "the supervisor to end" });
      expect(readFileSync(join(left, "journal.db"), "utf8")).to.equal("left");
      expect(await git("rev-parse", "refs/orchd/epoch")).to.equal(await git("rev-parse", "HEAD"));
      const log = readFileSync(join(dir, ".aibrain/logs/orchd.log"), "utf8");
      expect(log).to.include("another supervisor has taken over this repository");
      // Its workers go on; the next one ends them.
      await git("update-ref", "refs/orchd/epoch", epoch);
      expect((await runOrchd(repository, ["start"])).code).to.equal(0);
    } finally {
      await runOrchd(repository, ["stop"]);
      rmSync(points, { recursive: true });
    }
  });
});

/** Written aside and renamed, so that it is whole when it appears. */
function drop(supervised: Supervised, name: string, text: string): void {
  const inbox = join(supervised.repository.dir, ".aibrain/inbox");
  writeFileSync(join(inbox, `.${name}`), text);
  renameSync(join(inbox, `.${name}`), join(inbox, name));
}
