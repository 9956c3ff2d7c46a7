import { dirname } from "node:path";
import { expect } from "chai";
import { makeSupervised, runOrchd, supervisorPid } from "../helpers/supervised.ts";
import { connect } from "../../ipc/client.ts";
import { orchdWords } from "../unit/cli/recording.ts";
import { makeRepository } from "../helpers/repository.ts";
import type { Failure } from "../../ipc/errors.ts";
import type { Supervised } from "../helpers/supervised.ts";

type Row = {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  /** What standard error must hold: the place, the field, and the words that tell what is wrong. */
  readonly says: readonly string[];
};

const deep = 10_000;
const brackets = "[".repeat(deep) + "]".repeat(deep);
const anyTask = '"run": ["true"]';

const rows: readonly Row[] = [
  {
    name: "what is not JSON",
    file: "a.json",
    text: '{\n  "run": ["true"],\n  "cwd": }\n',
    says: ["a.json:3:10", "not JSON"],
  },
  {
    name: "what is not YAML",
    file: "a.yaml",
    text: "run: [sh, -c\ncwd: .\n",
    says: ["a.yaml:2:1", "not YAML"],
  },
  { name: "an empty file of JSON", file: "a.json", text: "", says: ["a.json:1:1", "empty"] },
  { name: "an empty file of YAML", file: "a.yaml", text: "\n", says: ["a.yaml:1:1", "empty"] },
  {
    name: "a file without tasks",
    file: "a.json",
    text: '{"tasks": []}',
    says: ["a.json:1:11  tasks", "at least 1"],
  },
  {
    name: "an unknown key",
    file: "a.json",
    text: `{ ${anyTask},\n  "clams": []\n}`,
    says: ["a.json:2:3  clams", 'unknown key "clams"', 'did you mean "claims"'],
  },
  {
    name: "run beside tools",
    file: "a.json",
    text: `{ ${anyTask},\n  "tools": []\n}`,
    says: ["a.json:2:3  tools", "`run`", "one of"],
  },
  {
    name: "run beside agent",
    file: "a.yaml",
    text: "run: [make]\nagent: claude\n",
    says: ["a.yaml:2:1  agent", "not supported yet"],
  },
  ...["agent", "prompt_file", "budget", "iterate", "complexity"].map((key) => ({
    name: `${key}, which is not supported yet`,
    file: "a.yaml",
    text: `tasks:\n  - run: [make]\n    ${key}: high\n`,
    says: [`a.yaml:3:5  tasks[0].${key}`, "not supported yet"],
  })),
  {
    name: "a circle of tasks that wait for each other",
    file: "a.yaml",
    text: [
      "tasks:",
      "  - { id: a, run: [make], after: [c] }",
      "  - { id: b, run: [make], after: [a] }",
      "  - { id: c, run: [make], after: [b] }",
    ].join("\n"),
    says: ["a.yaml:2:35  tasks[0].after[0]", '"a" waits for "c"', '"c", which waits for "b"'],
  },
  {
    name: "a task that waits for itself",
    file: "a.yaml",
    text: "id: a\nrun: [make]\nafter: [a]\n",
    says: ["a.yaml:3:9  after[0]", "itself"],
  },
  {
    name: "a task after one that does not exist",
    file: "a.yaml",
    text: "tasks:\n  - { id: a, run: [make], after: [known, nobody] }\n",
    says: ["a.yaml:2:42  tasks[0].after[1]", "there is no task nobody"],
  },
  {
    name: "claims outside the repository and inside .git",
    file: "a.json",
    text: `{ ${anyTask}, "claims": [\n"../x",\n"a/../../b",\n"/etc/passwd",\n"a\\u0000b",\n".git/",\n"sub/.git/config"] }`,
    says: [
      "a.json:2:1  claims[0]",
      "a.json:3:1  claims[1]",
      "`..`",
      "a.json:4:1  claims[2]",
      "absolute path",
      "a.json:5:1  claims[3]",
      "NUL",
      "a.json:6:1  claims[4]",
      "a.json:7:1  claims[5]",
      "`.git`",
    ],
  },
  {
    name: "claims for reading outside the repository",
    file: "a.yaml",
    text: "run: [make]\nclaims:\n  reads: [../x]\n",
    says: ["a.yaml:3:11  claims.reads[0]", "`..`"],
  },
  {
    name: "durations that are none",
    file: "a.yaml",
    text: "run: [make]\ntimeout: soon\nestimate: 30\nnot_before: -5m\nretries:\n  max: 1\n  backoff: 1 year\n",
    says: [
      'a.yaml:2:10  timeout  "soon"',
      "a.yaml:3:11  estimate  30 has no unit",
      'a.yaml:4:13  not_before  "-5m"',
      'a.yaml:7:12  retries.backoff  "1 year"',
      "90s, 20m or 1h30m",
    ],
  },
  {
    name: "a timeout of nothing",
    file: "a.yaml",
    text: "run: [make]\ntimeout: 0s\n",
    says: ["a.yaml:2:10  timeout", "at least"],
  },
  {
    name: "a file of 20 MB",
    file: "a.json",
    text: `{ ${anyTask}, "title": "${"x".repeat(20 * 1024 * 1024)}" }`,
    says: ["a.json is too large", "at most 1048576"],
  },
  {
    name: "JSON nested 10,000 deep",
    file: "a.json",
    text: `{\n"run": ${brackets} }`,
    says: ["a.json:2:", "nested more than 64 deep"],
  },
  {
    name: "YAML nested 10,000 deep",
    file: "a.yaml",
    text: `title: x\nrun: ${brackets}\n`,
    says: ["a.yaml:2:", "nested more than 64 deep"],
  },
  {
    name: "__proto__ in JSON",
    file: "a.json",
    text: `{ ${anyTask},\n"__proto__": { "claims": [] } }`,
    says: ["a.json:2:1  __proto__", 'unknown key "__proto__"'],
  },
  {
    name: "__proto__ in YAML, below the task",
    file: "a.yaml",
    text: "run: [make]\nenv:\n  __proto__: x\n",
    says: ["a.yaml:3:3  env.__proto__", 'unknown key "__proto__"'],
  },
  ...["--upload-pack=x", "a..b", "x.lock"].map((id) => ({
    name: `the id ${id}`,
    file: "a.yaml",
    text: `run: [make]\nid: ${id}\n`,
    says: ["a.yaml:2:5  id", JSON.stringify(id), "no task id"],
  })),
  {
    name: "the same id twice in a file",
    file: "a.yaml",
    text: "tasks:\n  - { id: a, run: [make] }\n  - { id: a, run: [make, all] }\n",
    says: ["a.yaml:3:11  tasks[1].id", "tasks[0] already"],
  },
];

describe("bad input", () => {
  let supervised: Supervised;
  let asItWas: string;

  before(async function () {
    this.timeout(30_000);
    supervised = await makeSupervised({ start: ["--max-parallel", "1"] });
    await supervised.wait(await supervised.submit({ id: "known", tools: [] }));
    asItWas = await tasksNow(supervised);
  });

  after(async function () {
    this.timeout(30_000);
    await supervised?.[Symbol.asyncDispose]();
  });

  /** Runs orchd, which must refuse with `code` and print nothing but why; returns that. */
  async function refused(code: number, ...args: readonly string[]): Promise<string> {
    const ran = await runOrchd(supervised.repository, args);
    expect(ran, ran.stderr).to.include({ code, stdout: "" });
    expect(await tasksNow(supervised), "tasks").to.equal(asItWas);
    return ran.stderr;
  }

  // Not each in a process of its own: that refuses as the tests below say.
  for (const { name, file, text, says } of rows)
    it(`is refused: ${name}`, async () => {
      const { dir, env, write } = supervised.repository;
      await write(file, text);
      const { code, out, err } = await orchdWords(["submit", file], { connect, cwd: dir, env });
      expect({ code, out }, err).to.deep.equal({ code: 2, out: "" });
      expect(await tasksNow(supervised), "tasks").to.equal(asItWas);
      holdsAll(err, says);
    });

  it("in one of several files keeps all of them from being submitted", async () => {
    await supervised.repository.write("good.yaml", "id: good\nrun: [make]\n");
    await supervised.repository.write("bad.yaml", "id: bad\nrun: 5\n");
    const said = await refused(2, "submit", "good.yaml", "bad.yaml", "missing.yaml");
    holdsAll(said, ["nothing was submitted", "bad.yaml:2:6  run", "missing.yaml"]);
  });

  it("that only shows across files is placed in them", async () => {
    await supervised.repository.write("one.yaml", "id: one\nrun: [make]\nafter: [two]\n");
    await supervised.repository.write("two.yaml", "id: two\nrun: [make]\nafter: [one]\n");
    const said = await refused(2, "submit", "one.yaml", "two.yaml");
    holdsAll(said, ["one.yaml:3:8  after", "one → two → one"]);
    await supervised.repository.write("known.yaml", "run: [make]\nid: known\n");
    holdsAll(await refused(5, "submit", "known.yaml"), ["known.yaml:2:5  id", "known is taken"]);
  });

  it("is described by --json with file, line, column and field", async () => {
    await supervised.repository.write("bad.json", `{ ${anyTask},\n "timeout": "soon" }`);
    const { code, problems } = failureIn(await refused(2, "submit", "bad.json", "--json"));
    expect(code).to.equal("invalid_task");
    expect(problems).to.have.length(1);
    expect(problems[0]).to.include({ file: "bad.json", line: 2, column: 13, field: "timeout" });
  });

  it("to a second supervisor is the same repository, also in a linked worktree of it", async function () {
    this.timeout(30_000);
    const { repository } = supervised;
    await repository.git("worktree", "add", "--quiet", "../linked");
    const pid = supervisorPid(repository);
    for (const place of [[], ["--repo", "../linked"]]) {
      const said = await refused(5, "start", ...place);
      holdsAll(said, ["already running", `pid ${pid}`, "orchd stop"]);
      const json = await refused(5, "start", ...place, "--json");
      expect(failureIn(json)).to.include({ code: "already_running" });
    }
    expect(supervisorPid(repository), "the first one").to.equal(pid);
  });

  it("is a folder that is no git repository", async function () {
    this.timeout(30_000);
    const { repository } = supervised;
    const folder = dirname(repository.dir);
    await repository.write("good.yaml", "id: good\nrun: [make]\n");
    for (const args of [["init"], ["start"], ["status"], ["submit", "good.yaml"], ["stop"]]) {
      const said = await refused(2, ...args, "--repo", folder);
      holdsAll(said, [folder, "git repository", "--repo DIR"]);
    }
    const json = await refused(2, "status", "--json", "--repo", folder);
    expect(failureIn(json)).to.include({ code: "not_a_repository" });
  });
});

describe("a repository without a supervisor", () => {
  it("is told by every command that needs one, with the command that starts it", async function () {
    this.timeout(30_000);
    await using repository = await makeRepository();
    await repository.write("good.yaml", "id: good\nrun: [make]\n");
    for (const args of [["status"], ["submit", "good.yaml"], ["wait", "good"], ["stop"]]) {
      const ran = await runOrchd(repository, args);
      expect(ran, args.join(" ")).to.include({ code: 3, stdout: "" });
      holdsAll(ran.stderr, ["No supervisor", repository.dir, "orchd start"]);
    }
    const { code, stderr } = await runOrchd(repository, ["status", "--json"]);
    expect(code).to.equal(3);
    expect(failureIn(stderr)).to.include({ code: "no_supervisor" });
  });

  it("still says what is wrong with a file", async () => {
    await using repository = await makeRepository();
    await repository.write("bad.yaml", "id: bad\nrun: 5\n");
    const { code, stderr } = await runOrchd(repository, ["submit", "bad.yaml"]);
    expect(code).to.equal(2);
    holdsAll(stderr, ["bad.yaml:2:6  run"]);
  });
});

/** Everything that is known of the tasks, as text. */
async function tasksNow(supervised: Supervised): Promise<string> {
  const client = await supervised.client();
  const { counts, queue, tasks } = await client.call("status", { finished_max: 99, open_max: 99 });
  return JSON.stringify({ counts, queue, tasks });
}

function holdsAll(said: string, words: readonly string[]): void {
  for (const word of words) expect(said).to.include(word);
}

/** What `--json` prints on standard error: one line. */
function failureIn(said: string): Failure {
  expect(said.split("\n")).to.have.length(1);
  return (JSON.parse(said) as { error: Failure }).error;
}
