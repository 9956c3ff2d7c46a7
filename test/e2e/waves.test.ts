import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { expect } from "chai";
import { agent } from "../helpers/agent.ts";
import { makeSupervised } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";

describe("submit --waves", function () {
  this.timeout(60_000);

  it("keeps its barrier through a kill -9 of the supervisor, and tells of the person's tasks only", async () => {
    await using supervised = await makeSupervised({ config: { max_parallel: 3 } });
    const { repository, orchd } = supervised;
    const [long, second] = [agent(supervised, "long"), agent(supervised, "second")];
    const tasks = [
      long.task,
      { id: "short", run: ["true"], claims: ["shared"] },
      // In the second wave because of its claim; without a barrier it would not wait for `long`.
      { ...second.task, claims: ["shared", "second.txt"] },
    ];
    const file = join(repository.dir, "..", "tasks.json");
    await writeFile(file, JSON.stringify({ tasks }));
    const submitted = await orchd("submit", "--waves", "--json", file);
    const { ids, barriers } = JSON.parse(submitted.stdout) as Record<string, string[]>;
    expect(ids).to.deep.equal(["long", "short", "second"]);
    expect(barriers).to.have.length(1);
    await until(() => long.starts() === 1);
    expect((await orchd("wait", "short")).code).to.equal(0);
    await supervised.killSupervisor();
    await supervised.start();
    // Submitting the same again after the crash is the same submit, and waits for it.
    const again = orchd("submit", "--waves", "--wait", file);
    const shown = await orchd("show", "second");
    expect(shown.stdout).to.include(String(barriers?.[0]));
    expect(second.starts()).to.equal(0);
    second.letGo();
    expect((await orchd("wait", "second", "--timeout", "300ms")).code).to.equal(5);
    expect(second.starts()).to.equal(0);
    long.letGo();
    const waited = await again;
    expect(waited.code, waited.stderr).to.equal(0);
    expect(waited.stdout).to.include("3 tasks: 3 succeeded").and.not.include("wave-1");
    expect(waited.stderr).to.include("Submitted 3 tasks.");
    expect([long.starts(), second.starts()]).to.deep.equal([1, 1]);
  });
});
