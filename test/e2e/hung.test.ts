import { join } from "node:path";
import { expect } from "chai";
import { agent } from "../helpers/agent.ts";
import { isGone, pidsIn } from "../helpers/processes.ts";
import { landedCommits, makeSupervised, supervisorPid } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import type { TaskId } from "../../ipc/ids.ts";

describe("a supervisor that hangs", () => {
  it("is named by start, and replaced by start --replace while its agent runs on", async function () {
    this.timeout(90_000);
    await using supervised = await makeSupervised({ start: ["--max-parallel", "2"] });
    const { repository, orchd } = supervised;
    const one = agent(supervised, "patient");
    const [id] = (await supervised.submit(one.task)) as [TaskId];
    await until(() => one.starts() === 1, { timeoutMs: 20_000 });
    const before = supervisorPid(repository);
    process.kill(before, "SIGSTOP");
    const refused = await orchd("start");
    expect(refused.code).to.equal(5);
    expect(refused.stderr).to.include(`(pid ${before}) runs and does not answer`);
    expect(refused.stderr).to.include("orchd start --replace");
    const asked = await orchd("status");
    expect(asked.code).to.equal(3);
    expect(asked.stderr).to.include("did not answer").and.to.include("orchd start --replace");
    expect(isGone(before), "nobody else ends it").to.equal(false);
    const replaced = await orchd("start", "--replace");
    expect(replaced.code, replaced.stderr).to.equal(0);
    expect(isGone(before)).to.equal(true);
    expect(supervisorPid(repository)).to.not.equal(before);
    expect(replaced.stdout, "as many workers as before").to.include("2 workers");
    one.letGo();
    const [end] = await supervised.wait([id]);
    expect(`${end?.status} ${end?.attempts}`).to.equal("succeeded 1");
    expect(one.starts()).to.equal(1);
    expect((await landedCommits(repository)).get(id)).to.have.length(1);
  });

  it("that answers after all is asked to leave, with --replace as with restart", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised({ start: ["--max-parallel", "4"] });
    const one = agent(supervised, "patient");
    const [id] = (await supervised.submit(one.task)) as [TaskId];
    await until(() => one.starts() === 1, { timeoutMs: 20_000 });
    for (const words of [["start", "--replace"], ["restart"]]) {
      const before = supervisorPid(supervised.repository);
      const replaced = await supervised.orchd(...words);
      expect(replaced.code, replaced.stderr).to.equal(0);
      expect(replaced.stderr).to.not.include("killed");
      expect(replaced.stdout, "--max-parallel is kept").to.include("4 workers");
      expect(isGone(before)).to.equal(true);
    }
    one.letGo();
    expect((await supervised.wait([id]))[0]?.status).to.equal("succeeded");
    expect(one.starts()).to.equal(1);
  });
});

describe("a worker that hangs", () => {
  it("is killed, its work is saved by a fresh one, and its task runs again", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised({
      config: { max_parallel: 1, limits: { heartbeat: "200ms", stale_after: "1500ms" } },
    });
    const agentPid = join(supervised.repository.dir, "..", "pids");
    const one = agent(supervised, "again", `echo $$ >> '${agentPid}'; echo half > half.txt`);
    const [id] = (await supervised.submit(one.task)) as [TaskId];
    await until(() => one.starts() === 1 && pidsIn(agentPid).length === 1, { timeoutMs: 20_000 });
    const client = await supervised.client();
    const [worker] = (await client.call("workers", {})).workers;
    const hung = worker?.pid ?? 0;
    process.kill(hung, "SIGSTOP");
    await until(() => one.starts() === 2, { timeoutMs: 20_000, what: "the second attempt" });
    expect(isGone(hung), "the hung worker").to.equal(true);
    expect(isGone(pidsIn(agentPid)[0] ?? 0), "its agent").to.equal(true);
    one.letGo();
    const [end] = await supervised.wait([id]);
    expect(`${end?.status} ${end?.attempts}`).to.equal("succeeded 2");
    const { attempt_list } = await client.call("show", { id });
    expect(attempt_list.map(({ result }) => result)).to.deep.equal(["lost", "done"]);
    const saved = attempt_list[0]?.saved_commit ?? "";
    expect(await supervised.repository.git("show", `${saved}:half.txt`)).to.equal("half");
  });
});
