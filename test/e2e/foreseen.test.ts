import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { makeSupervised } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import type { EventView } from "../../ipc/eventView.ts";
import type { TaskId } from "../../ipc/ids.ts";
import type { StatusView } from "../../ipc/statusViews.ts";

const content = {
  files: { "README.md": "# Scratch\n", "shared.txt": "first\n" },
  config: {
    max_parallel: 2,
    limits: { prediction: "200ms", heartbeat: "100ms", stale_after: "60s", grace: "1s" },
  },
};

describe("a conflict ahead", () => {
  it("is told while both still run, with its file, and no longer when one gives way", async function () {
    this.timeout(120_000);
    await using supervised = await makeSupervised(content);
    const { repository } = supervised;
    const gate = (name: string) => join(dirname(repository.dir), name);
    const wait = (name: string) => `until [ -e '${gate(name)}' ]; do sleep 0.1; done`;
    const client = await supervised.client();
    const events: EventView[] = [];
    await client.subscribe(null, (event) => events.push(event));
    const told = (name: string) => events.filter((event) => event.name === name);
    const status = async (): Promise<StatusView> =>
      JSON.parse((await supervised.orchd("status", "--json")).stdout) as StatusView;
    const ids = await supervised.submit(
      { id: "one", run: { shell: `echo one > shared.txt; echo 1 > one.txt; ${wait("end")}` } },
      {
        id: "two",
        run: {
          shell: `echo two > shared.txt; ${wait("yield")}; git checkout -q shared.txt; ${wait("end")}`,
        },
      },
    );
    await until(() => told("conflict:foreseen").length > 0, { what: "it", timeoutMs: 60_000 });
    expect(told("conflict:foreseen")).to.have.length(1);
    const [foreseen] = told("conflict:foreseen");
    expect(foreseen).to.deep.include({ task: "one" });
    expect(foreseen?.detail).to.deep.include({ other: "two", paths: ["shared.txt"] });
    const now = await status();
    expect(now.counts.running).to.equal(2);
    expect(now.foreseen).to.have.length(1);
    expect(now.foreseen[0]).to.deep.include({ task: "one", with: "two", paths: ["shared.txt"] });
    expect((await supervised.orchd("status")).stdout).to.include("  one and two, in shared.txt");
    expect((await supervised.orchd("show", "two")).stdout).to.include("with one, in shared.txt");
    expect(await repository.git("for-each-ref", "--format=%(refname)", "refs/orchd/live")).to.equal(
      "refs/orchd/live/one\nrefs/orchd/live/two",
    );
    writeFileSync(gate("yield"), "");
    await until(() => told("conflict:averted").length > 0, { what: "its end", timeoutMs: 60_000 });
    expect((await status()).foreseen).to.deep.equal([]);
    expect((await supervised.orchd("status")).stdout).to.not.include("Conflicts ahead");
    writeFileSync(gate("end"), "");
    const ends = await supervised.wait(ids);
    expect(ends.map((end) => end.status)).to.deep.equal(["succeeded", "succeeded"]);
    await until(async () => (await repository.git("for-each-ref", "refs/orchd/live")) === "", {
      what: "no running state to be left",
    });
    expect(told("conflict:foreseen")).to.have.length(1);
  });

  it("with what has landed is told too, and what a killed supervisor leaves is swept", async function () {
    this.timeout(120_000);
    await using supervised = await makeSupervised(content);
    const { repository } = supervised;
    const end = join(dirname(repository.dir), "end");
    const shell = `echo long > shared.txt; until [ -e '${end}' ]; do sleep 0.1; done`;
    const ids = await supervised.submit({ id: "long", run: { shell } });
    const client = await supervised.client();
    const id = "long" as TaskId;
    await until(async () => (await client.call("show", { id })).status === "running", {
      what: "it to run",
    });
    await supervised.wait(
      await supervised.submit({ id: "short", run: { shell: "echo short > shared.txt" } }),
    );
    const foreseen = async () => (await client.call("show", { id })).foreseen;
    const ahead = await until(async () => (await foreseen())[0], { what: "it", timeoutMs: 60_000 });
    expect(ahead).to.deep.include({ task: "long", with: null, paths: ["shared.txt"] });
    await supervised.killSupervisor();
    await repository.git("update-ref", "refs/orchd/live/gone", "main");
    await supervised.start();
    await until(async () => (await foreseen()).length === 1, {
      what: "it again",
      timeoutMs: 60_000,
    });
    await until(
      async () => !(await repository.git("for-each-ref", "refs/orchd/live")).includes("gone"),
      { what: "the old state to be swept" },
    );
    expect(existsSync(join(repository.dir, ".git/orchd/foresight"))).to.equal(true);
    writeFileSync(end, "");
    await supervised.wait(ids);
  });
});
