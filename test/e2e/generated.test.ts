import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { isGone } from "../helpers/processes.ts";
import { landedCommits, makeSupervised } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import type { Supervised } from "../helpers/supervised.ts";
import type { TaskId } from "../../ipc/ids.ts";

/**
 * A project whose `lock` is made from the files in `deps` by a command, as package-lock.json is from
 * package.json. Two tasks that each add a file and run the command always conflict in it as text.
 */
const make = "cat deps/* | sort > lock; echo made >> lock";

async function makeProject(
  more: { readonly tasks?: number; readonly make?: string; readonly timeout?: string } = {},
): Promise<Supervised> {
  const { tasks = 2, make: script = make, timeout = "30s" } = more;
  return await makeSupervised({
    files: { "deps/begin": "begin\n", lock: "begin\nmade\n" },
    config: {
      max_parallel: tasks,
      limits: { grace: "200ms" },
      generated: [{ paths: ["lock"], run: { shell: script }, timeout }],
      verify: [
        { shell: `${make.replaceAll("> lock", '> "$TMPDIR/lock"')}; cmp lock "$TMPDIR/lock"` },
      ],
    },
  });
}

/** All begin on the same base: each waits until the file is gone. */
function adding(supervised: Supervised, name: string, more: object = {}): object {
  const shell = `while [ -e ${hold(supervised)} ]; do sleep 0.1; done; echo ${name} > deps/${name}; ${make}`;
  return { id: name, run: { shell }, claims: [`deps/${name}`], ...more };
}

const hold = ({ repository }: Supervised): string => join(dirname(repository.dir), "hold");

async function addTogether(supervised: Supervised, names: readonly string[], more: object = {}) {
  writeFileSync(hold(supervised), "");
  const ids = await supervised.submit(...names.map((name) => adding(supervised, name, more)));
  const client = await supervised.client();
  await until(
    async () => {
      const { tasks } = await client.call("status", { open_max: 9, finished_max: 0 });
      return tasks.length === names.length && tasks.every(({ stage }) => stage === "running");
    },
    { what: "all of them to run" },
  );
  rmSync(hold(supervised));
  return ids;
}

const lockOf = ({ repository }: Supervised): Promise<string> =>
  repository.git("show", "orchd/main:lock");

async function expectLanded(supervised: Supervised, ids: readonly TaskId[]): Promise<void> {
  const ends = await supervised.wait(ids);
  expect(ends.map(({ status }) => status)).to.deep.equal(ids.map(() => "succeeded"));
  const lines = ["begin", ...ids.toSorted(), "made"].toSorted((one, other) => {
    return Number(one === "made") - Number(other === "made") || (one < other ? -1 : 1);
  });
  expect(await lockOf(supervised)).to.equal(lines.join("\n"));
  const landed = await landedCommits(supervised.repository);
  for (const id of ids) expect(landed.get(id), id).to.have.length(1);
}

async function attemptsOf(supervised: Supervised, ids: readonly TaskId[]): Promise<number[]> {
  return (await supervised.wait(ids)).map(({ attempts }) => attempts);
}

describe("generated files", () => {
  it("that three tasks changed at once land three times without a conflict, as their command makes them", async function () {
    this.timeout(60_000);
    await using supervised = await makeProject({ tasks: 3 });
    const ids = await addTogether(supervised, ["a", "c", "d"]);
    await expectLanded(supervised, ids);
    expect(await attemptsOf(supervised, ids), "none ran again").to.deep.equal([1, 1, 1]);
    // The first that lands meets nobody, whichever that is.
    const traces = await Promise.all(ids.map((id) => supervised.orchd("trace", id)));
    const made = traces.filter(({ stdout }) => stdout.includes("generated files: tree"));
    expect(made).to.have.length(2);
  });

  it("are made though the supervisor and then the gate's worker are killed while they are", async function () {
    this.timeout(90_000);
    const held = join("..", "made-later");
    await using supervised = await makeProject({
      make: `while [ -e "$HOME/../made-later" ]; do sleep 0.1; done; ${make}`,
    });
    const file = join(supervised.repository.dir, held);
    writeFileSync(file, "");
    const ids = await addTogether(supervised, ["a", "c"]);
    await generating(supervised);
    await supervised.killSupervisor();
    await supervised.start();
    await generating(supervised);
    const pid = gatePid(supervised);
    process.kill(pid, "SIGKILL");
    await until(() => isGone(pid), { what: "the gate's worker to be gone" });
    rmSync(file);
    await expectLanded(supervised, ids);
    expect(await attemptsOf(supervised, ids)).to.deep.equal([1, 1]);
  });

  it("whose command fails or takes too long make the task run again on the new base, and land", async function () {
    this.timeout(90_000);
    for (const script of ["echo no net; exit 1", "sleep 300"]) {
      await using supervised = await makeProject({ make: script, timeout: "1s" });
      const ids = await addTogether(supervised, ["a", "c"]);
      await expectLanded(supervised, ids);
      expect(await attemptsOf(supervised, ids), script).to.have.members([1, 2]);
    }
  });

  it("come alone from their command, whatever else that changes, and it is told", async function () {
    this.timeout(60_000);
    await using supervised = await makeProject({
      make: `${make}; echo x >> deps/begin; echo x > other`,
    });
    const ids = await addTogether(supervised, ["a", "c"]);
    await expectLanded(supervised, ids);
    const files = await supervised.repository.git("ls-tree", "-r", "--name-only", "orchd/main");
    expect(files.split("\n")).not.to.include("other");
    expect(await supervised.repository.git("show", "orchd/main:deps/begin")).to.equal("begin");
    const traces = [await supervised.orchd("trace", "a"), await supervised.orchd("trace", "c")];
    expect(traces.map(({ stdout }) => stdout).join("")).to.include(
      "other changes left out: deps/begin, other",
    );
  });
});

async function generating(supervised: Supervised): Promise<void> {
  const client = await supervised.client();
  await until(
    async () => {
      const { landing } = await client.call("status", { open_max: 0, finished_max: 0 });
      const folder = join(supervised.repository.dir, ".aibrain/gate-1/attempts");
      const logs = existsSync(folder) ? readdirSync(folder) : [];
      return (
        landing.current?.step === "generating" &&
        logs.some((name) => existsSync(join(folder, name, "generate.log")))
      );
    },
    { what: "the files to be made" },
  );
}

function gatePid({ repository }: Supervised): number {
  const record = readFileSync(join(repository.dir, ".aibrain/gate-1/worker.json"), "utf8");
  return (JSON.parse(record) as { pid: number }).pid;
}
