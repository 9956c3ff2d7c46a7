import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { makeRepository } from "../helpers/repository.ts";
import { makeSupervised, runOrchd, supervise, supervisorPid } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";

describe("a supervisor", () => {
  it("that cannot begin ends, and the next one can", async function () {
    this.timeout(30_000);
    const repository = await makeRepository();
    const inbox = join(repository.dir, ".aibrain/inbox");
    mkdirSync(join(repository.dir, ".aibrain"));
    writeFileSync(inbox, "in the way");
    const failed = await runOrchd(repository, ["start"]);
    expect(failed.code).to.not.equal(0);
    expect((await runOrchd(repository, ["status"])).code, failed.stderr).to.equal(3);
    rmSync(inbox);
    await using supervised = await supervise(repository);
    expect((await supervised.orchd("status")).code).to.equal(0);
  });

  it("rejects what is no file in its inbox, goes on with the others, and stops", async function () {
    this.timeout(30_000);
    await using supervised = await makeSupervised();
    const inbox = join(supervised.repository.dir, ".aibrain/inbox");
    execFileSync("mkfifo", [join(inbox, "pipe.json")]);
    const reason = join(inbox, "rejected/pipe.json.reason.txt");
    await until(() => existsSync(reason), { what: "the rejection" });
    expect(readFileSync(reason, "utf8")).to.include("not a regular file");
    writeFileSync(join(inbox, "good.json"), JSON.stringify({ tools: [] }));
    await until(() => existsSync(join(inbox, "accepted/good.json")), { what: "the other file" });
  });

  it("keeps its settings when orchd.yaml names another target", async function () {
    this.timeout(30_000);
    await using supervised = await makeSupervised({ config: { max_parallel: 1 } });
    const file = join(supervised.repository.dir, "orchd.yaml");
    writeFileSync(file, "target: other\nmax_parallel: 2\n");
    process.kill(supervisorPid(supervised.repository), "SIGHUP");
    const log = join(supervised.repository.dir, ".aibrain/logs/orchd.log");
    await until(() => readFileSync(log, "utf8").includes("lands on main"), { what: "the refusal" });
    const { stdout } = await supervised.orchd("config", "--json");
    expect(JSON.parse(stdout)).to.have.nested.property("config.max_parallel", 1);
  });
});

describe("orchd events", () => {
  it("has every event once and in order, however many happen while the past is read", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised({ config: { max_parallel: 2 } });
    const ids = await supervised.submit(...Array.from({ length: 300 }, () => ({ tools: [] })));
    const client = await supervised.client();
    const seen: number[] = [];
    await client.subscribe(0, ({ seq }) => seen.push(seq));
    ids.push(...(await supervised.submit(...Array.from({ length: 300 }, () => ({ tools: [] })))));
    await supervised.wait(ids);
    // Submitted, started and ended each, besides those of the start.
    await until(() => seen.length >= 3 * ids.length, { what: "the events" });
    expect(seen).to.deep.equal(seen.map((_, at) => at + 1));
  });
});
