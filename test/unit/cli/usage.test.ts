import { expect } from "chai";
import { failure, FailureError } from "../../../ipc/errors.ts";
import { noSupervisor, orchd, orchdWords } from "./recording.ts";
import { id, row, statusView } from "./views.ts";

/** Words, what standard error says, the exit code. Nothing is ever printed on standard output. */
const refusals: readonly (readonly [words: string, says: readonly string[], code: number])[] = [
  ["", ["orchd: No command is given.", "`orchd --help` lists the commands."], 2],
  ["sumbit a.yaml", ['There is no command "sumbit".', "Did you mean `orchd submit`?"], 2],
  ["stat", ['There is no command "stat".', "Did you mean `orchd status`?"], 2],
  ["ps", ['There is no command "ps".', "Did you mean `orchd status`?"], 2],
  ["frobnicate", ['There is no command "frobnicate".'], 2],
  ["status --wath", ["status: there is no option --wath", "Did you mean --watch?"], 2],
  ["status --frobnicate=3", ["status: there is no option --frobnicate", "orchd status --help"], 2],
  ["start --max 3", ["start: there is no option --max", "Did you mean --max-parallel?"], 2],
  ["status -xw", ["status: there is no option -xw"], 2],
  ["status now", ['status: "now" is one word too many'], 2],
  ["status --watch=yes", ["status: --watch takes no value"], 2],
  ["submit", ["submit: <file..> is missing"], 2],
  ["show", ["show: <id> is missing"], 2],
  ["show a b", ['show: "b" is one word too many'], 2],
  ["show ../x", ['"../x" cannot be a task id.'], 2],
  ["cancel t1 --upload-pack=x", ["cancel: there is no option --upload-pack"], 2],
  ["wait a..b", ['"a..b" cannot be a task id.'], 2],
  ["wait t1 --timeout", ["wait: --timeout needs DURATION after it"], 2],
  ["wait t1 --timeout soon", ["wait: --timeout:", "soon"], 2],
  ["logs t1 --attempt many", ['logs: --attempt takes a number, not "many"'], 2],
  ["logs t1 --attempt 0", ["logs: --attempt counts from 1, not 0."], 2],
  ["logs t1 --attempt 1 --attempt 2", ["logs: --attempt is given more than once"], 2],
  ["events --from -3", ["events: --from takes a sequence number, not -3."], 2],
  ["start --max-parallel 1.5", ["--max-parallel takes a whole number from 1, not 1.5."], 2],
  ["stop --drain --now", ["stop: --drain and --now exclude each other."], 2],
  ["schema nonsense", ['schema: "nonsense" is not one of task, config'], 2],
  ["locks brake t1", ['locks: "brake" is not break', "Did you mean break?"], 2],
  [
    "history --status fail",
    [
      'history: --status: "fail" is not one of succeeded, failed, cancelled',
      "Did you mean failed?",
    ],
    2,
  ],
  ["run", ["run: there is no command.", "For example: orchd run"], 2],
  ["run --wait --detach -- true", ["run: --wait and --detach exclude each other."], 2],
  ["run --shell ls -- ls", ["run: --shell and a command after -- exclude each other."], 2],
  ["run --env FOO -- true", ['run: --env takes NAME=VALUE, not "FOO".'], 2],
  ["run ls -la", ["run: there is no option -la", "comes after --"], 2],
  ["run npm test --watch", ["run: there is no option --watch", "comes after --"], 2],
  ["run --timeout soon -- true", ["run: this is not a valid task.", "--timeout  ", "soon"], 2],
  ["run --claim ../x -- true", ["run: this is not a valid task.", "--claim  "], 2],
  ["run --id x.lock -- true", ["run: this is not a valid task.", "--id  "], 2],
  ["run --verfy x -- true", ["run: there is no option --verfy", "Did you mean --verify?"], 2],
  ["--repo /no/such/directory status", ['--repo: there is no directory "/no/such/directory".'], 2],
  ["status", ["No supervisor runs for /srv/app/.git.", "Start one with `orchd start`."], 3],
  ["workers", ["No supervisor runs for /srv/app/.git."], 3],
  ["stop", ["No supervisor runs for /srv/app/.git."], 3],
  ["gc --dry-run", ["No supervisor runs for /srv/app/.git."], 3],
  ["run -- true", ["No supervisor runs for /srv/app/.git."], 3],
];

describe("what cannot be done", () => {
  for (const [words, says, code] of refusals)
    it(`\`orchd ${words}\` exits with ${code} and says why`, async () => {
      const run = await orchd(words, { connect: noSupervisor });
      for (const text of says) expect(run.err).to.include(text);
      expect(run.err).to.match(/^orchd: /);
      expect(run.out).to.equal("");
      expect(run.code).to.equal(code);
    });

  it("is one JSON document on standard error with --json", async () => {
    const run = await orchd("status --json --wath", { connect: noSupervisor });
    expect(run.out).to.equal("");
    expect(run.err.trim().split("\n")).to.have.length(1);
    expect(JSON.parse(run.err)).to.deep.equal({
      error: {
        code: "usage",
        message: "status: there is no option --wath",
        hint: "Did you mean --watch? `orchd status --help` tells what it takes.",
        problems: [],
      },
    });
    expect(run.code).to.equal(2);
  });

  it("does not look for --json in the command that is to be run", async () => {
    const run = await orchd("run --nope -- prettier --json", { connect: noSupervisor });
    expect(run.err).to.match(/^orchd: run: there is no option --nope/);
  });

  it("is a bug when something else than a failure was thrown, and shows where", async () => {
    const run = await orchd("status", {
      answers: { status: () => Promise.reject(new Error("boom")) },
    });
    expect(run.code).to.equal(70);
    expect(run.err).to.include("orchd: boom\nThis is a bug.").and.to.include("recording.ts");
  });
});

describe("help", () => {
  it("lists every command by group", async () => {
    const { code, out } = await orchd("--help");
    expect(code).to.equal(0);
    expect(out).to.match(/^orchd runs many agents/);
    const names = [...out.matchAll(/^ {2}([a-z]+) {2,}[A-Z]/gm)].map((match) => match[1]);
    expect(names.join(" ")).to.equal(
      "init start stop restart gc plan submit run lock wait cancel retry pause resume land " +
        "status show logs history trace workers locks events doctor config schema completion",
    );
    expect(Math.max(...out.split("\n").map((line) => line.length))).to.be.at.most(90);
  });

  it("of a command has its usage, options and one example", async () => {
    for (const words of [
      "submit --help",
      "submit -h",
      "help submit",
      "help --json submit",
      "submit a.yaml --help",
    ]) {
      const { code, out, err } = await orchd(words);
      expect(code).to.equal(0);
      expect(err).to.equal("");
      expect(out).to.include("orchd submit <file..>").and.to.include("--wait");
      expect(out).to.include("Examples:\n  orchd submit tasks.yaml --wait");
    }
  });

  it("of `run` is not taken from the command that is to be run", async () => {
    const run = await orchd("run -- npm --help", { connect: noSupervisor });
    expect(run.code).to.equal(3);
  });

  it("prints the version without loading anything else", async () => {
    expect((await orchd("--version")).out).to.match(/^\d+\.\d+\.\d+\n$/);
    expect(JSON.parse((await orchd("--version --json")).out)).to.have.keys("version");
  });
});

describe("an id that no task has", () => {
  const nobody = (words: string) => {
    const missing = failure("not_found", `there is no task ${words.split(" ")[1]}`);
    const status = statusView({
      tasks: [row({ id: id("tp6fmfc3g18") }), row({ id: id("parse") })],
    });
    const show = () => Promise.reject(new FailureError(missing));
    return orchd(words, { answers: { show, status } });
  };

  it("is told with the one that begins so, or is almost the same", async () => {
    const begun = await nobody("show tp6");
    expect(begun.err).to.equal(
      "orchd: there is no task tp6\nDid you mean tp6fmfc3g18? `orchd status` lists the tasks.\n",
    );
    expect(begun.code).to.equal(4);
    expect((await nobody("show prase")).err).to.include("Did you mean parse?");
  });

  it("is told alone where nothing is like it, or nobody can be asked", async () => {
    const message = "orchd: there is no task other\n`orchd status` lists the tasks.\n";
    expect((await nobody("show other")).err).to.equal(message);
    const missing = failure("not_found", "there is no task other");
    const show = () => Promise.reject(new FailureError(missing));
    expect((await orchd("show other", { answers: { show } })).err).to.equal(message);
  });
});

describe("completion", () => {
  const words = (...given: string[]) => orchdWords(["completion", "--words", "--", ...given]);

  it("knows the commands, the options and the choices", async () => {
    expect((await words("su")).out).to.equal("submit\n");
    expect((await words("submit", "--w")).out).to.equal("--wait\n--waves\n");
    expect((await words("schema", "")).out).to.equal("task\nconfig\n");
    expect((await words("submit", "")).out).to.equal("");
  });

  it("knows what may stand behind an option, and who holds a lock", async () => {
    expect((await words("history", "--status", "f")).out).to.equal("failed\n");
    expect((await words("submit", "--repo", "")).out).to.equal("");
    const answers = {
      status: statusView({ tasks: [row({ id: id("t1") })] }),
      locks: { locks: [{ holder: "lock:abc" }, { holder: "t1" }] },
    };
    const given = async (...all: string[]) =>
      (await orchdWords(["completion", "--words", "--", ...all], { answers })).out;
    expect(await given("land", "--resolved", "")).to.equal("t1\n");
    expect(await given("show", "--repo", "")).to.equal("");
    expect(await given("locks", "b")).to.equal("break\n");
    expect(await given("locks", "break", "")).to.equal("lock:abc\nt1\n");
  });

  it("is silent where no supervisor knows the tasks", async () => {
    const run = await orchd("completion --words -- show t", { connect: noSupervisor });
    expect(run).to.include({ code: 0, out: "", err: "" });
  });

  it("prints a script for the shell in $SHELL, or the one named", async () => {
    const zsh = await orchd("completion", { env: { SHELL: "/usr/bin/zsh" } });
    expect(zsh.out).to.match(/^#compdef orchd/);
    expect((await orchd("completion fish")).out).to.include("complete -c orchd");
    expect((await orchd("completion bash")).out).to.include("complete -o default");
  });
});
