import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { push } from "../../../daemon/push/push.ts";
import { makeRepository } from "../../helpers/repository.ts";
import { isGone } from "../../helpers/processes.ts";
import { until } from "../../helpers/until.ts";
import type { Oid } from "../../../ipc/ids.ts";
import type { PushRequest, PushResult } from "../../../daemon/push/push.ts";
import type { TestRepository } from "../../helpers/repository.ts";

/** A repository whose `main` is what landed, and a bare one that it may be pushed to. */
type Rig = {
  readonly repository: TestRepository;
  readonly remote: string;
  readonly commit: (message: string) => Promise<Oid>;
  readonly push: (
    to: Oid,
    accepted: Oid | null,
    more?: Partial<PushRequest> & { readonly signal?: AbortSignal },
  ) => Promise<PushResult>;
  /** Where the remote's main is; `null`: it has none. */
  readonly remoteTip: () => Promise<string | null>;
  readonly inRemote: (...args: readonly string[]) => Promise<string>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

const run = promisify(execFile);

async function makeRig(): Promise<Rig> {
  const repository = await makeRepository();
  const remote = join(repository.dir, "../remote.git");
  await repository.git("init", "--quiet", "--bare", "--initial-branch=main", remote);
  await repository.git("remote", "add", "origin", remote);
  const inRemote: Rig["inRemote"] = async (...args) => {
    const { stdout } = await run("git", [`--git-dir=${remote}`, ...args], { env: repository.env });
    return stdout.trim();
  };
  const site = { gitDir: join(repository.dir, ".git"), workTree: repository.dir, target: "main" };
  return {
    repository,
    remote,
    inRemote,
    commit: async (message) => (await repository.commit(message)) as Oid,
    push: async (to, accepted, { signal, ...more } = {}) =>
      await withHome(repository, () =>
        push(
          site,
          {
            place: { remote: "origin", branch: "main" },
            to,
            accepted,
            timeoutMs: 20_000,
            hook: false,
            ...more,
          },
          signal ?? new AbortController().signal,
        ),
      ),
    remoteTip: () => inRemote("rev-parse", "--verify", "refs/heads/main").catch(() => null),
    [Symbol.asyncDispose]: () => repository[Symbol.asyncDispose](),
  };
}

/** What the supervisor is started with is what its pushes have. */
async function withHome<Value>(
  { env }: TestRepository,
  step: () => Promise<Value>,
): Promise<Value> {
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    return await step();
  } finally {
    for (const name of Object.keys(env))
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
  }
}

/** A command that `core.sshCommand` names: it notes its process and does as `script` says. */
async function overSsh({ repository }: Rig, script: string): Promise<void> {
  const file = join(repository.dir, "../fake-transport");
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  await repository.git("config", "core.sshCommand", file);
  await repository.git("remote", "set-url", "origin", "host.invalid:x.git");
}

const pushed = { kind: "pushed" } as const;

describe("a push", () => {
  it("makes the branch on a remote that has none, and moves it forward after that", async () => {
    await using rig = await makeRig();
    const first = await rig.commit("one");
    expect(await rig.push(first, null)).to.deep.equal(pushed);
    expect(await rig.remoteTip()).to.equal(first);
    const second = await rig.commit("two");
    expect(await rig.push(second, first)).to.deep.equal(pushed);
    expect(await rig.remoteTip()).to.equal(second);
  });

  it("may be asked for again: nothing changes, also when the answer of before was lost", async () => {
    await using rig = await makeRig();
    const [first, second, third] = [
      await rig.commit("one"),
      await rig.commit("two"),
      await rig.commit("three"),
    ];
    await rig.push(first, null);
    // The remote took it, and nobody heard.
    await rig.push(second, first);
    expect(await rig.push(second, first)).to.deep.equal(pushed);
    expect(await rig.push(third, first)).to.deep.equal(pushed);
    expect(await rig.remoteTip()).to.equal(third);
  });

  it("never goes over what somebody else pushed, and goes on when that was taken in", async () => {
    await using rig = await makeRig();
    const first = await rig.commit("one");
    await rig.push(first, null);
    const theirs = await somebodyPushes(rig);
    const second = await rig.commit("two");
    for (const accepted of [first, null]) {
      const result = await rig.push(second, accepted);
      expect(result).to.deep.include({ kind: "held" });
      expect("message" in result && result.message).to.match(/git pull origin main/);
    }
    expect(await rig.remoteTip()).to.equal(theirs);
    await rig.repository.git("pull", "--quiet", "--no-rebase", "origin", "main");
    const merged = (await rig.repository.git("rev-parse", "HEAD")) as Oid;
    expect(await rig.push(merged, first)).to.deep.equal(pushed);
    expect(await rig.remoteTip()).to.equal(merged);
  });

  it("leaves a remote that was set back as it is, and one whose branch was removed", async () => {
    await using rig = await makeRig();
    const [first, second] = [await rig.commit("one"), await rig.commit("two")];
    await rig.push(second, null);
    await rig.inRemote("update-ref", "refs/heads/main", first);
    const third = await rig.commit("three");
    const setBack = await rig.push(third, second);
    expect(setBack.kind).to.equal("held");
    expect("message" in setBack && setBack.message).to.match(/was set back to/);
    expect(await rig.remoteTip()).to.equal(first);
    await rig.inRemote("update-ref", "-d", "refs/heads/main");
    const gone = await rig.push(third, second);
    expect("message" in gone && gone.message).to.match(/main is gone from origin/);
    expect(await rig.remoteTip()).to.equal(null);
    await rig.repository.git("push", "--quiet", "origin", "main:main");
    expect(await rig.push(third, second)).to.deep.equal(pushed);
  });

  it("does not take away there what a rewind took away here", async () => {
    await using rig = await makeRig();
    const [first, second] = [await rig.commit("one"), await rig.commit("two")];
    await rig.push(second, null);
    await rig.repository.git("reset", "--quiet", "--hard", first);
    const other = await rig.commit("another two");
    const result = await rig.push(other, second);
    expect("message" in result && result.message).to.match(/--force-with-lease=main:[0-9a-f]{12}/);
    expect(await rig.remoteTip()).to.equal(second);
  });

  it("fails with the words of the server, of git, or its own", async () => {
    await using rig = await makeRig();
    const first = await rig.commit("one");
    const hook = join(rig.remote, "hooks/pre-receive");
    await writeFile(hook, "#!/bin/sh\necho no such thing on a Friday >&2\nexit 1\n");
    await chmod(hook, 0o755);
    const refused = await rig.push(first, null);
    expect(refused.kind).to.equal("failed");
    expect("message" in refused && refused.message).to.match(/hook declined.*on a Friday/);
    await rm(rig.remote, { recursive: true });
    expect(messageOf(await rig.push(first, null))).to.match(
      /does not appear to be a git repository/,
    );
    const nowhere = { place: { remote: "elsewhere", branch: "main" } };
    expect(messageOf(await rig.push(first, null, nowhere))).to.match(
      /there is no remote elsewhere/,
    );
  });

  it("shows no password of an address", async () => {
    await using rig = await makeRig();
    const first = await rig.commit("one");
    const url = "https://me:hunter2@127.0.0.1:9/x.git";
    await rig.repository.git("remote", "set-url", "origin", url);
    expect(messageOf(await rig.push(first, null)))
      .to.match(/127\.0\.0\.1/)
      .and.not.match(/hunter2/);
    await rig.repository.git("remote", "set-url", "origin", "ftp://me:hunter2@host.invalid/x");
    expect(messageOf(await rig.push(first, null)))
      .to.match(/does not push/)
      .and.not.match(/hunter2/);
  });

  it("starts no helper program that an address names", async () => {
    await using rig = await makeRig();
    const first = await rig.commit("one");
    const mark = join(rig.repository.dir, "../started");
    await rig.repository.git("config", "protocol.ext.allow", "always");
    await rig.repository.git("remote", "set-url", "origin", `ext::sh -c touch% ${mark}`);
    expect((await rig.push(first, null)).kind).to.equal("failed");
    expect(existsSync(mark)).to.equal(false);
  });

  it("runs the pre-push hook when that is wanted, and not otherwise", async () => {
    await using rig = await makeRig();
    const first = await rig.commit("one");
    const mark = join(rig.repository.dir, "../hook-ran");
    const hook = join(rig.repository.dir, ".git/hooks/pre-push");
    await writeFile(hook, `#!/bin/sh\npwd > '${mark}'\n`);
    await chmod(hook, 0o755);
    await rig.push(first, null);
    expect(existsSync(mark)).to.equal(false);
    await rig.push(await rig.commit("two"), first, { hook: true });
    expect((await readFile(mark, "utf8")).trim()).to.equal(rig.repository.dir);
  });

  it("looks where it pushes to, where that is not where is fetched from", async () => {
    await using rig = await makeRig();
    const first = await rig.commit("one");
    await rig.push(first, null);
    await rig.repository.git("remote", "set-url", "--push", "origin", rig.remote);
    await rig.repository.git("remote", "set-url", "origin", join(rig.remote, "../upstream.git"));
    expect(await rig.push(await rig.commit("two"), null)).to.deep.equal(pushed);
  });

  it("ends with everything it started when its time is over, and when it is stopped", async function () {
    this.timeout(20_000);
    await using rig = await makeRig();
    const first = await rig.commit("one");
    const pids = join(rig.repository.dir, "../pids");
    await overSsh(rig, `trap '' TERM; echo $$ >> '${pids}'; while :; do sleep 0.1; done`);
    const late = await rig.push(first, null, { timeoutMs: 300 });
    expect(messageOf(late)).to.equal("no answer within 0.3 s");
    const stop = new AbortController();
    const stopped = rig.push(first, null, { signal: stop.signal });
    const started = async (): Promise<number[]> =>
      existsSync(pids) ? (await readFile(pids, "utf8")).trim().split("\n").map(Number) : [];
    await until(async () => (await started()).length === 2, { what: "the second to hang" });
    stop.abort();
    expect((await stopped).kind).to.equal("failed");
    for (const pid of await started()) await until(() => isGone(pid), { what: "its end" });
  });

  it("asks nobody: there is no terminal, and ssh is in batch mode", async () => {
    await using rig = await makeRig();
    const first = await rig.commit("one");
    await overSsh(
      rig,
      '(: < /dev/tty) 2>/dev/null && exit 8; echo "prompt $GIT_TERMINAL_PROMPT, askpass $GIT_ASKPASS$SSH_ASKPASS." >&2; exit 1',
    );
    expect(messageOf(await rig.push(first, null))).to.match(/prompt 0, askpass \./);
    const ssh = join(rig.repository.dir, "../ssh");
    await writeFile(ssh, `#!/bin/sh\necho "args: $*" >&2\nexit 1\n`);
    await chmod(ssh, 0o755);
    await rig.repository.git("config", "core.sshCommand", ssh);
    expect(messageOf(await rig.push(first, null))).to.match(/-o BatchMode=yes/);
  });
});

function messageOf(result: PushResult): string {
  return "message" in result ? result.message : result.kind;
}

/** From a clone of their own. */
async function somebodyPushes({ repository, remote, remoteTip }: Rig): Promise<string | null> {
  const clone = join(repository.dir, "../theirs");
  await repository.git("clone", "--quiet", remote, clone);
  await writeFile(join(clone, "theirs.txt"), "theirs\n");
  await repository.git("-C", clone, "add", "theirs.txt");
  await repository.git("-C", clone, "commit", "--quiet", "--message", "Theirs");
  await repository.git("-C", clone, "push", "--quiet", "origin", "main");
  return await remoteTip();
}
