import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "chai";
import type { MergeResult } from "../../../daemon/landing/merge.ts";
import type { Oid } from "../../../ipc/ids.ts";
import { isGone } from "../../helpers/processes.ts";
import { fakeGpg, gpgSigning, sshAgentSigning, sshSigning } from "../../helpers/signing.ts";
import { until } from "../../helpers/until.ts";
import { candidateOf, makeScene, request } from "./scene.ts";
import type { Scene } from "./scene.ts";

const signature = "%G?";

async function isSigned({ repository }: Scene, commit: Oid): Promise<boolean> {
  return /^gpgsig /m.test(await repository.git("cat-file", "commit", commit));
}

/** Its commit, on the branch's tip or what is said instead. */
async function mergeOf(scene: Scene, task: string): Promise<MergeResult> {
  const work = await scene.save({ [`${task}.txt`]: "x\n" });
  return await scene.landing.merge(request(task, work));
}

function heldOf(result: MergeResult): string {
  if (result.kind !== "held") throw new Error(JSON.stringify(result));
  expect(result.why).to.equal("signature");
  return result.message;
}

describe("a commit that lands, signed", () => {
  it("verifies with the person's SSH key, before it is tested", async () => {
    await using scene = await makeScene();
    await sshSigning(scene.repository);
    const candidate = candidateOf(await mergeOf(scene, "t1"));
    await scene.repository.git("verify-commit", candidate);
    expect(await scene.oid("refs/orchd/candidates/t1")).to.equal(candidate);
    const landed = await scene.land("t2", { "b.txt": "x\n" });
    const format = `--format=${signature} %GS %an%n%B`;
    expect(await scene.repository.git("log", "-1", format, landed)).to.equal(
      "G person@example.com Test Person\nDo t2\n\nOrchd-Task: t2\nOrchd-Attempt: 1\n",
    );
  });

  it("verifies with the person's GPG key", async function () {
    this.timeout(30_000);
    await using scene = await makeScene();
    await using _agent = await gpgSigning(scene.repository);
    const landed = await scene.land("t1", { "a.txt": "x\n" });
    await scene.repository.git("verify-commit", landed);
    expect(await scene.repository.git("log", "-1", `--format=${signature}`, landed)).to.equal("G");
  });

  it("waits for a GPG key that is locked, and verifies once the person has unlocked it", async function () {
    this.timeout(30_000);
    await using scene = await makeScene();
    await using key = await gpgSigning(scene.repository, "a passphrase");
    const waits = heldOf(await mergeOf(scene, "t1"));
    expect(waits).to.include("gpg failed to sign");
    expect(waits).to.not.include("passphrase");
    await key.unlock();
    scene.landing.signBy({ sign: "auto", timeoutMs: 30_000 });
    const candidate = candidateOf(await mergeOf(scene, "t1"));
    await scene.repository.git("verify-commit", candidate);
  });

  it("verifies with an SSH key that only the person's agent has", async () => {
    await using scene = await makeScene();
    await using agent = await sshAgentSigning(scene.repository);
    const before = process.env["SSH_AUTH_SOCK"];
    process.env["SSH_AUTH_SOCK"] = agent.socket;
    try {
      const landed = await scene.land("t1", { "a.txt": "x\n" });
      await scene.repository.git("verify-commit", landed);
    } finally {
      if (before === undefined) delete process.env["SSH_AUTH_SOCK"];
      else process.env["SSH_AUTH_SOCK"] = before;
    }
  });

  it("is so when the person's git signs, also from the moment on when it does", async () => {
    await using scene = await makeScene();
    const { git, dir } = scene.repository;
    const gpg = await fakeGpg(scene.repository, "");
    await git("config", "commit.gpgSign", "false");
    expect(await isSigned(scene, await scene.land("t1", { "1.txt": "x\n" }))).to.equal(false);
    const included = join(dirname(dir), "included");
    await writeFile(included, "");
    await git("config", "include.path", included);
    expect(await isSigned(scene, await scene.land("t2", { "2.txt": "x\n" }))).to.equal(false);
    await writeFile(included, "[commit]\n\tgpgSign\n");
    expect(await isSigned(scene, await scene.land("t3", { "3.txt": "x\n" }))).to.equal(true);
    await git("config", "commit.gpgSign", "off");
    await git("config", "--unset", "include.path");
    expect(await isSigned(scene, await scene.land("t4", { "4.txt": "x\n" }))).to.equal(false);
    expect(gpg.runs()).to.equal(1);
  });

  it("is so always or never when orchd.yaml says so", async () => {
    await using scene = await makeScene();
    await fakeGpg(scene.repository, "");
    scene.landing.signBy({ sign: "off", timeoutMs: 10_000 });
    expect(await isSigned(scene, await scene.land("t1", { "1.txt": "x\n" }))).to.equal(false);
    await scene.repository.git("config", "commit.gpgSign", "false");
    scene.landing.signBy({ sign: "required", timeoutMs: 10_000 });
    expect(await isSigned(scene, await scene.land("t2", { "2.txt": "x\n" }))).to.equal(true);
  });

  it("is the pinned one when its step is done again after a crash, and no second signature", async () => {
    await using scene = await makeScene();
    const gpg = await fakeGpg(scene.repository, "");
    const work = await scene.save({ "a.txt": "x\n" });
    const asked = request("t1", work, { message: "Grüße\n\n# 😀" });
    const candidate = candidateOf(await scene.landing.merge(asked));
    await scene.landing.close();
    const next = scene.restart({ epoch: 2 });
    expect((await next.prepare()).kind).to.equal("ready");
    expect(candidateOf(await next.merge(asked))).to.equal(candidate);
    expect(gpg.runs()).to.equal(1);
    const other = candidateOf(await next.merge({ ...asked, message: "Other" }));
    expect(await isSigned(scene, other)).to.equal(true);
    expect(gpg.runs()).to.equal(2);
  });

  it("is not the pinned one if that is not signed", async () => {
    await using scene = await makeScene();
    const asked = request("t1", await scene.save({ "a.txt": "x\n" }));
    const plain = candidateOf(await scene.landing.merge(asked));
    await fakeGpg(scene.repository, "");
    const signed = candidateOf(await scene.landing.merge(asked));
    expect(signed).to.not.equal(plain);
    expect(await isSigned(scene, signed)).to.equal(true);
  });

  it("is also what takes in a person's commit, and what is made again after a rewind", async () => {
    await using scene = await makeScene();
    const { git, write, commit } = scene.repository;
    const begin = await scene.oid("main");
    await fakeGpg(scene.repository, "");
    await scene.land("t1", { "1.txt": "x\n" });
    await write("mine.txt", "x\n");
    await commit("Mine");
    expect((await scene.landing.follow({ from: null })).kind).to.equal("followed");
    const merged = await scene.oid("orchd/main");
    expect(await git("log", "-1", "--format=%s", merged)).to.match(/^Merge branch/);
    expect(await isSigned(scene, merged)).to.equal(true);
    await git("reset", "--quiet", "--hard", begin);
    const settled = await scene.landing.settleRewind("reapply");
    expect(settled).to.include({ kind: "accepted", reapplied: 1 });
    expect(await isSigned(scene, await scene.oid("orchd/main"))).to.equal(true);
  });
});

describe("a signing program", () => {
  it("that hangs is ended with what it started when the time is over, and not asked again at once", async () => {
    await using scene = await makeScene();
    const gpg = await fakeGpg(
      scene.repository,
      "trap '' TERM; sleep 600 & echo $! >> $0.pid; wait",
    );
    scene.landing.signBy({ sign: "auto", timeoutMs: 300 });
    expect(heldOf(await mergeOf(scene, "t1"))).to.match(
      /^needs signature: nothing was signed within 300ms.*orchd land/,
    );
    const pids = readFileSync(`${gpg.file}.pid`, "utf8").trim().split("\n").map(Number);
    await until(() => pids.every(isGone), { what: "the program to be gone" });
    expect(existsSync(join(scene.gitDir, "refs/orchd/candidates/t1"))).to.equal(false);
    heldOf(await mergeOf(scene, "t2"));
    expect(gpg.runs()).to.equal(1);
    scene.landing.signBy({ sign: "auto", timeoutMs: 300 });
    heldOf(await mergeOf(scene, "t2"));
    expect(gpg.runs()).to.equal(2);
  });

  it("that fails holds landing with its own words, and what comes after it works lands", async () => {
    await using scene = await makeScene();
    const { git } = scene.repository;
    const gpg = await fakeGpg(scene.repository, "printf 'No \\033[31msecret key\\n' >&2; exit 2");
    // Of what gpg says, git 2.39 tells nothing; of ssh-keygen everything.
    expect(heldOf(await mergeOf(scene, "t1"))).to.include("gpg failed to sign");
    for (const [name, value] of [
      ["gpg.format", "ssh"],
      ["user.signingKey", "/nonexistent/key.pub"],
      ["gpg.ssh.program", gpg.file],
    ] as const)
      await git("config", name, value);
    scene.landing.signBy({ sign: "auto", timeoutMs: 10_000 });
    const said = heldOf(await mergeOf(scene, "t1"));
    expect(said).to.include("secret key");
    expect(said).to.not.include("\u001b");
    await git("config", "--unset", "gpg.format");
    await git("config", "gpg.program", "/nonexistent/gpg");
    scene.landing.signBy({ sign: "auto", timeoutMs: 10_000 });
    expect(heldOf(await mergeOf(scene, "t1"))).to.include("/nonexistent/gpg");
    await fakeGpg(scene.repository, "");
    scene.landing.signBy({ sign: "auto", timeoutMs: 10_000 });
    expect(await isSigned(scene, candidateOf(await mergeOf(scene, "t1")))).to.equal(true);
  });

  it("that prints without end is ended before it fills the memory", async function () {
    this.timeout(60_000);
    await using scene = await makeScene();
    await fakeGpg(scene.repository, "exec cat /dev/zero");
    scene.landing.signBy({ sign: "auto", timeoutMs: 50_000 });
    expect(heldOf(await mergeOf(scene, "t1"))).to.match(/too much memory/);
  });

  it("finds nothing to read and no terminal, and is given up when the supervisor ends", async () => {
    await using scene = await makeScene();
    const session = "cut -d' ' -f 6,7 /proc/$$/stat > $0.session; sleep 600";
    const gpg = await fakeGpg(scene.repository, session);
    const merging = mergeOf(scene, "t1");
    const told = () =>
      existsSync(`${gpg.file}.session`) && readFileSync(`${gpg.file}.session`, "utf8");
    const [of, terminal] = (await until(told, { what: "its session" })).trim().split(" ");
    const ours = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ")[3];
    expect(of).to.not.equal(ours);
    expect(terminal, "no controlling terminal").to.equal("0");
    scene.landing.stopSigning();
    expect(heldOf(await merging)).to.match(/not wanted any more/);
  });
});
