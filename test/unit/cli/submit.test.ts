import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { failure, FailureError } from "../../../ipc/errors.ts";
import type { TaskSpec } from "../../../ipc/taskSpec.ts";
import { noSupervisor, orchd, orchdWords } from "./recording.ts";
import type { Recording } from "./recording.ts";
import { commit, id, target } from "./views.ts";

const hour = 3_600_000;
const configOf = (timeout: number) => ({ file: null, config: { limits: { timeout_ms: timeout } } });
const accept = ({ tasks }: { tasks: readonly TaskSpec[] }) => ({
  ids: tasks.map((task) => task.id),
  existing: [],
});
const answers = { config: configOf(hour), submit: accept };
function sent(run: Recording): readonly TaskSpec[] {
  const submit = run.calls.find(({ method }) => method === "submit");
  expect(submit, "a submit").not.to.equal(undefined);
  return (submit?.params as { tasks: readonly TaskSpec[] } | undefined)?.tasks ?? [];
}

describe("submit", () => {
  let cwd = "";
  const write = (name: string, text: string) => writeFile(join(cwd, name), text);
  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), "submit-"));
  });
  afterEach(() => rm(cwd, { recursive: true }));

  it("sends the tasks of all files in one request, in order, and prints their ids", async () => {
    await write("a.yaml", "id: one\nrun: [make]\n");
    await write("b.json", '{"tasks":[{"id":"two","run":["make"]},{"run":["make"]}]}');
    const run = await orchd("submit a.yaml b.json", { answers, cwd });
    const [one, two, minted] = sent(run).map((task) => task.id);
    expect([one, two]).to.deep.equal(["one", "two"]);
    expect(minted).to.match(/^t[0-9a-z]{10}$/);
    expect(run.out).to.equal(`one\ntwo\n${minted}\n`);
    expect(run.calls.filter(({ method }) => method === "submit")).to.have.length(1);
    expect(run.code).to.equal(0);
  });

  it("reads standard input for -", async () => {
    const run = await orchd("submit -", { answers, cwd, input: '{"id":"piped","run":["make"]}' });
    expect(run).to.include({ code: 0, out: "piped\n" });
  });

  it("takes a name that begins with a dash after --", async () => {
    await write("-odd.yaml", "id: odd\nrun: [make]\n");
    const run = await orchd("submit -- -odd.yaml", { answers, cwd });
    expect(run).to.include({ code: 0, out: "odd\n" });
  });

  it("refuses to read standard input twice", async () => {
    const run = await orchd("submit - -", { answers, cwd });
    expect(run.code).to.equal(2);
    expect(run.err).to.include("standard input (-) can be read only once");
  });

  it("says which tasks were already there", async () => {
    const known = () => ({ ids: ["one", "two"], existing: ["two"] });
    await write("a.json", '{"tasks":[{"id":"one","run":["make"]},{"id":"two","run":["make"]}]}');
    const run = await orchd("submit a.json", { answers: { ...answers, submit: known }, cwd });
    expect(run.out).to.equal("one\ntwo  already there\n");
    const json = await orchd("submit a.json --json", {
      answers: { ...answers, submit: known },
      cwd,
    });
    expect(JSON.parse(json.out)).to.deep.equal({ ids: ["one", "two"], existing: ["two"] });
  });

  it("sends nothing when one of the files is bad, and tells every problem of every file", async () => {
    await write("good.yaml", "run: [make]\n");
    await write("bad.yaml", "run: [make]\ntimeout: soon\nclaims: [../x]\n");
    await write("worse.json", "{");
    const run = await orchd("submit good.yaml bad.yaml worse.json gone.json", { answers, cwd });
    expect(run.calls).to.deep.equal([]);
    expect(run.code).to.equal(2);
    expect(run.err).to.include("orchd: 3 of 4 files cannot be used; nothing was submitted.");
    expect(run.err).to.match(/^ {2}bad\.yaml:2:\d+ {2}timeout {2}/m);
    expect(run.err).to.match(/^ {2}bad\.yaml:3:\d+ {2}claims\[0\] {2}/m);
    expect(run.err).to.match(/^ {2}worse\.json:1:\d+ {2}/m);
    expect(run.err).to.include("  gone.json  cannot read gone.json: there is no such file");
    expect(run.err).to.include("`orchd schema task` prints what a task file may hold.");
  });

  it("gives no advice about the content of a file that is not there", async () => {
    const run = await orchd("submit gone.yaml", { answers, cwd });
    expect(run).to.include({
      code: 2,
      err: "orchd: cannot read gone.yaml: there is no such file\n",
    });
  });

  it("tells what is wrong with a file also where no supervisor runs", async () => {
    await write("bad.yaml", "run: make\n");
    const run = await orchd("submit bad.yaml --json", { connect: noSupervisor, cwd });
    expect(run.code).to.equal(2);
    const { error } = JSON.parse(run.err) as {
      error: { code: string; problems: { line: number }[] };
    };
    expect(error.code).to.equal("invalid_task");
    expect(error.problems[0]?.line).to.equal(1);
  });

  it("gives tasks without a timeout the one of the supervisor's configuration", async () => {
    await write("a.json", '{"tasks":[{"run":["make"]},{"run":["make"],"timeout":"5s"}]}');
    const run = await orchd("submit a.json", {
      answers: { ...answers, config: configOf(60_000) },
      cwd,
    });
    expect(sent(run).map((task) => task.timeout_ms)).to.deep.equal([60_000, 5_000]);
  });

  it("waits when asked, and ends with how the tasks ended", async () => {
    await write("a.json", '{"id":"one","run":["make"]}');
    const end = { id: id("one"), status: "succeeded", commit, reason: null, attempts: 1 };
    const waiting = { ...answers, wait: { tasks: [end], target } };
    const run = await orchd("submit a.json --wait", { answers: waiting, cwd });
    expect(run).to.include({ code: 0, out: "✓  one  succeeded  a1b2c3d4e\n" });
    expect(run.err).to.equal("Submitted 1 task.\n");
    const json = await orchd("submit a.json --wait --json", { answers: waiting, cwd });
    expect(JSON.parse(json.out)).to.deep.equal({ tasks: [end], target });
    expect(json.err).to.equal("");
  });
});

describe("run", () => {
  it("tells in its options what the supervisor has to say against the task", async () => {
    const message = "task t1 comes after nobody, and there is no task nobody";
    const problems = [
      { file: null, line: null, column: null, field: "tasks[0].after[0]", message },
    ];
    const refused = new FailureError(failure("invalid_task", message, { problems }));
    const run = await orchd("run --after nobody -- true", {
      answers: { ...answers, submit: () => Promise.reject(refused) },
    });
    expect(run.err).to.equal(
      [
        "orchd: run: this is not a valid task.",
        `  --after  ${message}`,
        "`orchd run --help` tells what each option takes.",
        "",
      ].join("\n"),
    );
    expect(run.code).to.equal(2);
  });

  it("makes one task of its options and what comes after --", async () => {
    const words = [
      [
        "run",
        "--detach",
        "--id",
        "tidy",
        "--title",
        "Tidy up",
        "--claim",
        "src/",
        "--claim",
        "docs/",
      ],
      [
        "--read",
        "lib/",
        "--after",
        "one",
        "--priority",
        "-5",
        "--timeout",
        "90s",
        "--retries",
        "2",
      ],
      ["--env", "A=1=2", "--verify", "npm test", "--", "npm", "run", "tidy", "--", "--json"],
    ].flat();
    const run = await orchdWords(words, { answers });
    expect(run).to.include({ code: 0, out: "tidy\n" });
    const [task] = sent(run);
    expect(task).to.deep.include({
      id: "tidy",
      title: "Tidy up",
      work: { kind: "run", argv: ["npm", "run", "tidy", "--", "--json"] },
      after: ["one"],
      priority: -5,
      timeout_ms: 90_000,
      env: { A: "1=2" },
      verify: [["sh", "-c", "npm test"]],
      workspace: "clone",
    });
    expect(task?.claims).to.deep.equal({
      writes: ["src/**", "docs/**"],
      reads: ["lib/**"],
      resources: {},
    });
    expect(task?.retries.max).to.equal(2);
  });

  it("declares no claims when none is given", async () => {
    const [task] = sent(await orchd("run -d -- make", { answers }));
    expect(task?.claims).to.equal(null);
  });

  it("takes one string for a shell, and runs without a workspace when asked", async () => {
    const run = await orchdWords(["run", "-d", "--no-workspace", "--shell", "ls | wc"], {
      answers,
    });
    expect(sent(run)[0]).to.deep.include({
      work: { kind: "shell", script: "ls | wc" },
      workspace: "none",
    });
  });

  it("waits by default", async () => {
    const end = { id: id("t1"), status: "failed", commit: null, reason: null, attempts: 1 };
    const run = await orchd("run --id t1 -- false", {
      answers: { ...answers, wait: { tasks: [end], target } },
    });
    expect(run).to.include({ code: 1, out: "✗  t1  failed  failed\n" });
  });
});
