import { expect } from "chai";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identityOf, judge } from "../../../system/processIdentity.ts";
import type { ProcessIdentity } from "../../../system/processIdentity.ts";
import { findMarked } from "../../../system/processTree.ts";
import type { Argv } from "../../../ipc/taskSpec.ts";
import { until } from "../../helpers/until.ts";
import { startHost } from "./fixtures/host.ts";
import type { Host } from "./fixtures/host.ts";

/** More than any of these tests lasts: whatever is left behind is still there to be found. */
const sleepS = 300;
const graceMs = 1_000;
/** What ending may take beyond the grace. */
const slackMs = 300;
/** Perl, because a shell cannot fork twice, open a session and ignore a signal in one process. */
const forkTwice = `sub away { my $go = shift; my $p = fork // die; if ($p) { waitpid $p, 0; return }
  POSIX::setsid(); my $q = fork // die; exit 0 if $q; $go->(); exec 'sleep', ${sleepS} }`;

const commandOf = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, "latin1");

let count = 0;

for (const native of [true, false])
  describe(`a child and its descendants, ${native ? "with" : "without"} koffi`, () => {
    let host: Host;
    let folder: string;

    before(async () => {
      host = startHost({ native });
      folder = await mkdtemp(join(tmpdir(), "child-"));
    });
    after(async () => {
      await host[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    });

    const log = (name: string): string => join(folder, name);
    const newMarker = (): string => `test-${process.pid}-${native}-${++count}`;

    async function start(argv: Argv, more: { marker?: string; cwd?: string; path?: string } = {}) {
      const marker = more.marker ?? newMarker();
      const started = await host.start({
        argv,
        cwd: more.cwd ?? folder,
        env: {
          PATH: more.path ?? "/usr/bin:/bin",
          ORCHD_TEST_RUN: process.env["ORCHD_TEST_RUN"] ?? "",
        },
        stdout: log(`${marker}.out`),
        stderr: "stdout",
        marker,
      });
      return { marker, started };
    }

    async function startOk(argv: Argv): Promise<{ marker: string; identity: ProcessIdentity }> {
      const { marker, started } = await start(argv);
      if (!started.ok) throw new Error(started.message);
      return { marker, identity: started.identity };
    }

    const perl = (script: string): Argv => [
      "perl",
      "-MPOSIX",
      "-e",
      `$| = 1; ${forkTwice} ${script}`,
    ];
    /** The child says `ready` when everything it starts is there. */
    const ready = async (marker: string): Promise<void> => {
      await until(async () => (await readFile(log(`${marker}.out`), "utf8")).includes("ready"));
    };
    const printed = async (marker: string): Promise<string> =>
      await readFile(log(`${marker}.out`), "utf8");

    it("tells exit codes and signals apart", async () => {
      const failing = await startOk(["sh", "-c", "exit 7"]);
      expect(await host.exited(failing.identity.pid)).to.deep.equal({ code: 7, signal: null });
      const killed = await startOk(["sh", "-c", "kill -KILL $$"]);
      expect(await host.exited(killed.identity.pid)).to.deep.equal({
        code: null,
        signal: "SIGKILL",
      });
    });

    it("appends output to a private file and gives no standard input", async () => {
      const marker = newMarker();
      await writeFile(log(`${marker}.out`), "before\n", { mode: 0o600 });
      await start(["sh", "-c", "cat; echo out; echo err >&2; pwd"], { marker });
      await until(async () => (await printed(marker)).endsWith(`${folder}\n`));
      expect(await printed(marker)).to.equal(`before\nout\nerr\n${folder}\n`);
      expect((await stat(log(`${marker}.out`))).mode & 0o777).to.equal(0o600);
    });

    it("gives the child exactly the environment asked for, and the marker", async () => {
      const { marker, identity } = await startOk(["env"]);
      await host.exited(identity.pid);
      const names = (await printed(marker)).trim().split("\n").toSorted();
      expect(names).to.include(`ORCHD_ATTEMPT=${marker}`);
      expect(names.map((line) => line.split("=")[0])).to.have.members([
        "ORCHD_ATTEMPT",
        "ORCHD_TEST_RUN",
        "PATH",
      ]);
    });

    it("says in words why a program does not start", async () => {
      const message = async (argv: Argv, more = {}): Promise<string> => {
        const { started } = await start(argv, more);
        return started.ok ? "it started" : started.message;
      };
      await writeFile(join(folder, "plain.txt"), "text", { mode: 0o600 });
      expect(await message(["no-such-program-here"])).to.equal(
        "program not found: no-such-program-here (searched in /usr/bin:/bin)",
      );
      expect(await message(["./plain.txt"])).to.equal(
        `program cannot be executed: ${folder}/plain.txt has no permission to execute`,
      );
      expect(await message([folder])).to.equal(
        `program cannot be executed: ${folder} is not a file`,
      );
      expect(await message(["true"], { cwd: "/no/such/folder" })).to.equal(
        "there is no folder /no/such/folder to start in",
      );
      expect(await message(["true"], { marker: "plain.txt/is/no/folder" })).to.match(
        /^the output cannot be written: ENOTDIR/,
      );
      expect(await message(["true", "a\0b"])).to.match(/holds a NUL character/);
      expect(await message(["true", "x".repeat(200_000)])).to.match(
        /could not be started: .*E2BIG/,
      );
    });

    it("does not write its output through a link", async () => {
      const marker = newMarker();
      await writeFile(log("elsewhere"), "");
      await symlink(log("elsewhere"), log(`${marker}.out`));
      const { started } = await start(["true"], { marker });
      expect(started.ok).to.equal(false);
    });

    it("exits when the direct child does, though a background process holds the output open", async () => {
      const { marker, identity } = await startOk(["sh", "-c", `sleep ${sleepS} & echo ready`]);
      expect(await host.exited(identity.pid)).to.deep.equal({ code: 0, signal: null });
      expect((await host.sweep(identity.pid, 200)).swept).to.equal(1);
      expect(findMarked(marker)).to.deep.equal([]);
    });

    it("ends everything at once when asked politely, long before the grace is over", async () => {
      const script = `away(sub {}) for 1..3; print "ready"; sleep ${sleepS};`;
      const { marker, identity } = await startOk(perl(script));
      await ready(marker);
      const ended = await host.end(identity.pid, graceMs);
      expect(ended).to.include({ found: 4, left: 0 });
      expect(ended.tookMs).to.be.below(graceMs);
      expect(findMarked(marker)).to.deep.equal([]);
      expect(await host.exited(identity.pid)).to.deep.equal({ code: null, signal: "SIGTERM" });
    });

    it("leaves nothing within the grace and 300 ms of what ignores every polite signal", async () => {
      const ignoring = `$SIG{TERM} = $SIG{INT} = $SIG{HUP} = 'IGNORE';`;
      const script = `${ignoring} away(sub { open my $log, '>>', "held.log" }) for 1..3; print "ready"; sleep ${sleepS};`;
      const { marker, identity } = await startOk(perl(script));
      await ready(marker);
      const ended = await host.end(identity.pid, graceMs);
      expect(ended).to.include({ found: 4, left: 0 });
      expect(ended.tookMs).to.be.within(graceMs - 1, graceMs + slackMs);
      expect(findMarked(marker)).to.deep.equal([]);
      expect(await host.exited(identity.pid)).to.deep.equal({ code: null, signal: "SIGKILL" });
    });

    it("lets a child that cleans up finish within the grace", async () => {
      const script = `trap 'sleep 0.1; echo cleaned; exit 3' TERM; echo ready; while :; do sleep 0.01; done`;
      const { marker, identity } = await startOk(["sh", "-c", script]);
      await ready(marker);
      await host.end(identity.pid, graceMs);
      expect(await host.exited(identity.pid)).to.deep.equal({ code: 3, signal: null });
      expect(await printed(marker)).to.contain("cleaned");
    });

    it("catches processes that keep forking while it kills", async () => {
      const script = `$SIG{TERM} = 'IGNORE'; $SIG{CHLD} = 'IGNORE'; print "ready";
        for (1..400) { my $p = fork // next; unless ($p) { POSIX::setsid() if $_ % 2; sleep ${sleepS} } select undef, undef, undef, 0.001 } sleep ${sleepS};`;
      const { marker, identity } = await startOk(perl(script));
      await ready(marker);
      const ended = await host.end(identity.pid, 100);
      expect(ended.left).to.equal(0);
      expect(ended.found).to.be.above(2);
      expect(findMarked(marker)).to.deep.equal([]);
    });

    it("catches a process that is another one every two milliseconds, each in a session of its own", async () => {
      const script = `$SIG{TERM} = 'IGNORE'; print "ready";
        for (1..5000) { my $p = fork // last; exit 0 if $p; POSIX::setsid(); select undef, undef, undef, 0.002 }`;
      const { marker, identity } = await startOk(perl(script));
      await ready(marker);
      const ended = await host.end(identity.pid, 50);
      expect(ended.left).to.equal(0);
      expect(ended.found).to.be.above(0);
      for (let look = 0; look < 10; look++) expect(findMarked(marker)).to.deep.equal([]);
    });

    it("sweeps what detached itself in a session of its own, after a normal exit", async () => {
      const { marker, identity } = await startOk(perl(`away(sub {}); exit 0;`));
      expect(await host.exited(identity.pid)).to.deep.equal({ code: 0, signal: null });
      expect((await host.sweep(identity.pid, 200)).swept).to.equal(1);
      expect(findMarked(marker)).to.deep.equal([]);
    });

    it("sweeps what emptied its environment and stayed in the child's session", async () => {
      const script = `my $p = fork // die; if ($p) { print "$p\\n"; exit 0 } %ENV = (); exec '/bin/sleep', ${sleepS};`;
      const { marker, identity } = await startOk(perl(script));
      await host.exited(identity.pid);
      const pid = Number(await printed(marker));
      await until(() => commandOf(pid).startsWith("/bin/sleep"));
      const sleeping = await until(() => identityOf(pid));
      expect((await host.sweep(identity.pid, 100)).swept).to.equal(1);
      expect(judge(sleeping)).to.equal("dead");
    });

    it("sweeps nothing when nothing is left", async () => {
      const { identity } = await startOk(["true"]);
      await host.exited(identity.pid);
      const { swept, tookMs } = await host.sweep(identity.pid, 200);
      expect(swept).to.equal(0);
      expect(tookMs).to.be.below(native ? 20 : 500);
    });

    it("does not touch a second child while it ends the first", async () => {
      const first = await startOk(perl(`away(sub {}); print "ready"; sleep ${sleepS};`));
      const second = await startOk(perl(`away(sub {}); print "ready"; sleep ${sleepS};`));
      await Promise.all([first, second].map(({ marker }) => ready(marker)));
      expect(await host.end(first.identity.pid, 0)).to.include({ found: 2, left: 0 });
      await until(() => findMarked(second.marker).length === 2);
      expect(await host.end(second.identity.pid, 0)).to.include({ found: 2, left: 0 });
    });

    for (const [how, more, ms] of [
      ["in the child's session, politely", "", graceMs],
      ["in the child's session, at once", "", 0],
      ["below a parent that ends first, politely", "POSIX::setsid(); $SIG{TERM} = 'IGNORE';", 100],
      ["below a parent, at once", "POSIX::setsid();", 0],
    ] as const)
      it(`ends what has emptied its environment ${how}`, async () => {
        const script = `for (1..2) { my $p = fork // die; if ($p) { print "$p\\n"; next }
          ${more} %ENV = (); exec '/bin/sleep', ${sleepS} } print "ready"; sleep ${sleepS};`;
        const { marker, identity } = await startOk(perl(script));
        await ready(marker);
        const pids = (await printed(marker)).split("\n").slice(0, 2).map(Number);
        await until(() => pids.every((pid) => commandOf(pid).startsWith("/bin/sleep")));
        const sleeping = pids.flatMap((pid) => identityOf(pid) ?? []);
        expect(sleeping).to.have.length(2);
        expect((await host.end(identity.pid, ms)).left).to.equal(0);
        expect(sleeping.map(judge)).to.deep.equal(["dead", "dead"]);
      });

    it("takes the direct child with it when the worker is killed", async () => {
      await using doomed = startHost({ native });
      const marker = newMarker();
      const start = await doomed.start({
        argv: ["sleep", `${sleepS}`],
        cwd: folder,
        env: { PATH: "/usr/bin:/bin", ORCHD_TEST_RUN: process.env["ORCHD_TEST_RUN"] ?? "" },
        stdout: log("doomed.out"),
        stderr: log("doomed.err"),
        marker,
      });
      if (!start.ok) throw new Error(start.message);
      // The tie is made by the child on its way to the program: a worker killed before that leaves it.
      await until(() => commandOf(start.identity.pid).startsWith("/usr/bin/sleep"));
      expect(judge(start.identity)).to.equal("alive");
      await doomed.kill();
      await until(() => judge(start.identity) === "dead", { timeoutMs: 500 });
    });
  });

describe("what only a subreaper can find", () => {
  it("ends a process that emptied its environment, opened a session and lost its parent", async () => {
    await using host = startHost({ native: true });
    const folder = await mkdtemp(join(tmpdir(), "child-"));
    const pidFile = join(folder, "pid");
    const start = await host.start({
      argv: [
        "perl",
        "-MPOSIX",
        "-e",
        `${forkTwice} away(sub { open my $f, '>', "pid"; print $f $$; close $f; %ENV = (); exec '/bin/sleep', ${sleepS} });`,
      ],
      cwd: folder,
      env: { PATH: "/usr/bin:/bin" },
      stdout: join(folder, "out"),
      stderr: "stdout",
      marker: `test-${process.pid}-emptied`,
    });
    if (!start.ok) throw new Error(start.message);
    await host.exited(start.identity.pid);
    const pid = Number(await until(() => readFile(pidFile, "utf8")));
    await until(async () =>
      (await readFile(`/proc/${pid}/cmdline`, "utf8")).startsWith("/bin/sleep"),
    );
    expect((await host.sweep(start.identity.pid, 100)).swept).to.equal(1);
    expect(await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "gone")).to.equal("gone");
    await rm(folder, { recursive: true });
  });
});
