import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { failure, FailureError } from "../../../ipc/errors.ts";
import type { PlanView } from "../../../ipc/planView.ts";
import type { TaskSpec } from "../../../ipc/taskSpec.ts";
import { noSupervisor, orchd } from "./recording.ts";
import type { Recording } from "./recording.ts";

const config = { limits: { timeout_ms: 3_600_000 }, max_parallel: 2, resources: {} };
const answers = {
  config: { file: null, config },
  submit: ({ tasks }: { tasks: readonly TaskSpec[] }) => ({
    ids: tasks.map((task) => task.id),
    existing: [],
  }),
};

describe("plan", () => {
  let cwd = "";
  const write = (name: string, text: string) => writeFile(join(cwd, name), text);
  const alone = (words: string) => orchd(words, { cwd, connect: noSupervisor });
  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), "plan-"));
    await promisify(execFile)("git", ["init", "-q", cwd]);
    await mkdir(join(cwd, "src"));
  });
  afterEach(() => rm(cwd, { recursive: true }));

  it("needs no supervisor: the settings are those of orchd.yaml, a folder is all below it", async () => {
    await write("orchd.yaml", "max_parallel: 5\nresources: { db: 2 }\n");
    await write(
      "t.yaml",
      `tasks:
- { id: a, run: [x], claims: [src], estimate: 10m }
- { id: b, run: [x], claims: [src/b.ts], estimate: 20m }
- { id: c, run: [x], claims: { resources: { db: 2 } }, after: [a], estimate: 30m }\n`,
    );
    const run = await alone("plan t.yaml");
    expect(run.err).to.equal("");
    expect(run.out).to.equal(`3 tasks, 5 at a time, 2 waves, 1 conflict

WAVE  TASKS    TIME  WHO
   1      1  10m00s  a
   2      2  30m00s  b, c

CONFLICT  WITH  ON
a         b     src/** and src/b.ts

Longest chain: a → c (2 tasks, 40m00s)
Expected: 40m00s; in waves with barriers 40m00s; one at a time 1h00m (1.5 times as long)
`);
    expect(run.code).to.equal(0);
  });

  it("prints the documented JSON", async () => {
    await write(
      "t.json",
      '{"tasks":[{"id":"a","run":["x"],"claims":["**"]},{"id":"b","run":["x"]}]}',
    );
    const run = await alone("plan t.json --json --max-parallel 7");
    expect(JSON.parse(run.out)).to.deep.equal({
      tasks: 2,
      slots: 7,
      conflicts: {
        pairs: 1,
        listed: [
          {
            tasks: ["a", "b"],
            on: { kind: "claims", claims: ["**", "(undeclared)"], example: null },
          },
        ],
      },
      waves: [
        { tasks: ["a"], ms: null },
        { tasks: ["b"], ms: null },
      ],
      critical_path: { tasks: ["a"], ms: null },
      never: [],
      outside: [],
      estimates: { given: 0, missing: 2, assumed_ms: null },
      expected: null,
    } satisfies Record<keyof PlanView, unknown>);
  });

  it("ends with exit code 2 when a task can never start, and says why of each", async () => {
    await write(
      "t.yaml",
      `tasks:
- { id: a, run: [x], after: [b] }
- { id: b, run: [x], after_any: [a] }
- { id: c, run: [x], after: [nobody] }
- { id: d, run: [x], claims: { resources: { gpu: 2 } } }
- { id: e, run: [x], after: [d] }
- { id: f, run: [x] }\n`,
    );
    const run = await alone("plan t.yaml");
    expect(run.code).to.equal(2);
    for (const line of [
      "a             each of these waits for the next: a → b → a",
      "c             it comes after nobody, and there is no such task in these files or a running supervisor",
      "d             it asks for 2 of gpu, and there is 1",
      "e             it waits for d",
    ])
      expect(run.out.split("\n")).to.include(line);
  });

  it("asks a running supervisor for its settings and for tasks of other files", async () => {
    await write(
      "t.yaml",
      "tasks:\n- { id: a, run: [x], after: [bad, open] }\n- { id: b, run: [x], after: [open] }\n",
    );
    const show = ({ id }: { id: string }) => {
      if (id === "bad") return { status: "failed" };
      if (id === "open") return { status: "running" };
      throw new FailureError(failure("not_found", id));
    };
    const run = await orchd("plan t.yaml", { cwd, answers: { ...answers, show } });
    expect(run.code).to.equal(2);
    expect(run.out).to.include(
      "2 tasks, 2 at a time, 1 wave, 0 conflicts\nWaits for open, submitted earlier.",
    );
    expect(run.out).to.include("a             it comes after bad, which has failed");
    expect(run.calls.map(({ method }) => method)).to.deep.equal(["config", "show", "show"]);
  });

  it("shows what `sequential` and `exclusive` make of a file", async () => {
    const tasks =
      "tasks:\n- { id: a, run: [x] }\n- { id: b, run: [x], claims: [b] }\n- { id: c, run: [x] }\n";
    for (const [behavior, pairs] of [
      ["sequential", 0],
      ["exclusive", 3],
      ["main-only", 3],
    ] as const) {
      await write("t.yaml", `behavior: ${behavior}\n${tasks}`);
      const plan = JSON.parse((await alone("plan t.yaml --json")).out) as PlanView;
      expect(plan.waves.map((wave) => wave.tasks.join())).to.deep.equal(["a", "b", "c"]);
      expect(plan.conflicts.pairs).to.equal(pairs);
    }
  });

  it("cuts long lists for people, and not with --all", async () => {
    const tasks = Array.from(
      { length: 30 },
      (_, at) => `- { id: t${at}, run: [x], claims: ["**"] }`,
    );
    await write("t.yaml", `tasks:\n${tasks.join("\n")}\n`);
    const run = await alone("plan t.yaml");
    expect(run.out).to.include("30 waves, 435 conflicts").and.to.include("and 10 more\n");
    expect(run.out).to.include("and 425 more");
    expect((await alone("plan t.yaml --all")).out).not.to.include(" more");
  });

  for (const [what, text, place] of [
    ["what is not YAML", "run: [x\nid: a\n", "t.yaml:2:1"],
    ["an unknown key", "run: [x]\nclams: [a]\n", 't.yaml:2:1  clams  unknown key "clams"'],
    ["a bad claim", "run: [x]\nclaims: [a/../../b]\n", "t.yaml:2:10  claims[0]"],
    ["a task that waits for itself", "id: a\nrun: [x]\nafter: [a]\n", "t.yaml:3:9  after[0]"],
  ] as const)
    it(`refuses ${what} with its place`, async () => {
      await write("t.yaml", text);
      const run = await alone("plan t.yaml");
      expect(run).to.include({ code: 2, out: "" });
      expect(run.err).to.include(place);
    });

  it("refuses a file that is not there, and names all that is wrong with several", async () => {
    const one = await alone("plan gone.yaml");
    expect(one.code).to.equal(2);
    expect(one.err).to.include("gone.yaml").and.to.include("no such file");
    await write("bad.yaml", "run: 5\n");
    const run = await alone("plan gone.yaml bad.yaml");
    expect(run.err).to.include("2 of 2 files cannot be used; there is no plan.");
    expect((await alone("plan - -")).err).to.include(
      "plan: standard input (-) can be read only once",
    );
    expect((await alone("plan bad.yaml --max-parallel 0")).err).to.include("--max-parallel");
  });

  it("refuses two tasks with one id, unless they are the same", async () => {
    await write("a.yaml", "id: a\nrun: [x]\n");
    await write("b.yaml", "id: a\nrun: [y]\n");
    const run = await alone("plan a.yaml b.yaml");
    expect(run.code).to.equal(5);
    expect(run.err).to.include("Two tasks have the id a");
    expect((await alone("plan a.yaml a.yaml")).out).to.include("1 task,");
  });
});

describe("submit --waves", () => {
  let cwd = "";
  const submitted = (run: Recording): readonly TaskSpec[] => {
    const call = run.calls.find(({ method }) => method === "submit");
    return (call?.params as { tasks: readonly TaskSpec[] } | undefined)?.tasks ?? [];
  };
  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), "waves-"));
    await promisify(execFile)("git", ["init", "-q", cwd]);
  });
  afterEach(() => rm(cwd, { recursive: true }));

  it("sends the tasks with barriers between the waves of the plan, the same each time", async () => {
    const tasks = ["a", "b", "c"].map(
      (id) => `- { id: ${id}, run: [x], claims: [${id === "c" ? "y" : "x"}] }`,
    );
    await writeFile(join(cwd, "t.yaml"), `tasks:\n${tasks.join("\n")}\n`);
    const run = await orchd("submit --waves t.yaml", { cwd, answers });
    expect(run.code, run.err).to.equal(0);
    expect(run.out).to.equal("a\nb\nc\n");
    const sent = submitted(run);
    const barrier = sent[3]?.id ?? "";
    expect(barrier).to.match(/^wave-1-[0-9a-f]{8}$/);
    expect(sent.map(({ id, after_any }) => [id, after_any.join()])).to.deep.equal([
      ["a", ""],
      ["b", barrier],
      ["c", ""],
      [barrier, "a,c"],
    ]);
    expect(submitted(await orchd("submit --waves t.yaml", { cwd, answers }))).to.deep.equal(sent);
  });

  it("leaves tasks of other files to the supervisor", async () => {
    await writeFile(join(cwd, "t.yaml"), "tasks:\n- { id: a, run: [x], after: [other] }\n");
    const run = await orchd("submit --waves t.yaml", { cwd, answers });
    expect(submitted(run).map(({ id, after }) => [id, after])).to.deep.equal([["a", ["other"]]]);
  });
});
