import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/**
 * Root hooks of mocha (see .mocharc.json): what a test file leaves behind fails the run, by name.
 *
 * After the last suite of each file three places are looked at, each until it is clean or the
 * patience ends, because a child that was just killed needs a moment to be gone:
 *
 *   processes    `/proc/<pid>/environ` holds `ORCHD_TEST_RUN=<id>` or the run's temporary folder
 *   files        anything in that folder; TMPDIR points at it, so `os.tmpdir()` lies inside
 *   the loop     sockets, timers, watchers and threads beyond those open before the first test
 *
 * What is found is reported and then removed, so that the next file is not blamed for it. The run
 * never uses `--exit`: if the event loop still does not drain, the last hook says what holds it.
 */
const runId = `${process.pid}-${randomBytes(4).toString("hex")}`;
const systemTemporary = tmpdir();
const temporary = mkdtempSync(join(systemTemporary, "orchd-"));
const patienceMs = 3_000;
const pollMs = 10;
const drainMs = 5_000;
/** Written by Node's compile cache, which nobody can close. */
const ignoredFiles = new Set(["node-compile-cache"]);

process.env["ORCHD_TEST_RUN"] = runId;
process.env["TMPDIR"] = temporary;
if (process.env["NODE_V8_COVERAGE"] === undefined)
  process.env["NODE_COMPILE_CACHE"] ??= join(systemTemporary, "node-compile-cache");
else process.env["NODE_DISABLE_COMPILE_CACHE"] = "1";
// A pipe behind these is opened at the first use, which must not look like a leak of some test.
for (const stream of [process.stdout, process.stderr]) stream.write("");
process.on("exit", () => rmSync(temporary, { recursive: true, force: true }));

type Leaks = {
  readonly processes: readonly number[];
  readonly files: readonly string[];
  readonly handles: readonly string[];
};

type Counts = ReadonlyMap<string, number>;

/** What was open before the first test; after a leak, what is open from then on. */
let before: Counts = new Map();

export const mochaHooks: Mocha.RootHookObject = {
  async beforeAll(this: Mocha.Context) {
    mkdirSync(temporary, { recursive: true });
    for (const suite of this.test?.parent?.suites ?? [])
      suite.afterAll("leaves nothing behind", leavesNothing);
    before = await openHandles();
  },
  afterAll() {
    // A worker of `mocha --parallel` is ended by mocha itself and waits for its next file here.
    if (process.env["MOCHA_WORKER_ID"] === undefined) sayWhatHoldsTheLoop();
  },
};

async function leavesNothing(): Promise<void> {
  const deadline = performance.now() + patienceMs;
  let leaks = await leaksNow();
  while (!isClean(leaks) && performance.now() < deadline) {
    await pause(pollMs);
    leaks = await leaksNow();
  }
  if (isClean(leaks)) return;
  const report = describeLeaks(leaks);
  removeLeaks(leaks);
  before = await openHandles();
  throw new Error(report);
}

async function leaksNow(): Promise<Leaks> {
  return { processes: ownProcesses(), files: ownFiles(), handles: await handlesBeyond(before) };
}

function isClean({ processes, files, handles }: Leaks): boolean {
  return processes.length + files.length + handles.length === 0;
}

function describeLeaks({ processes, files, handles }: Leaks): string {
  const lines = [
    ...processes.map((pid) => `process ${pid}: ${commandLine(pid)}`),
    ...files.map((file) => `temporary file ${join(temporary, file)}`),
    ...handles.map((handle) => `open ${handle}`),
    ...(handles.length === 0 ? [] : openSockets().map((socket) => `  perhaps ${socket}`)),
  ];
  return `left behind by the tests of this file:\n  ${lines.join("\n  ")}`;
}

function removeLeaks({ processes, files }: Leaks): void {
  for (const pid of processes) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself in the meantime.
    }
  }
  for (const file of files) rmSync(join(temporary, file), { recursive: true, force: true });
}

/** Living processes, this one excluded, that carry the marker of this run. Linux only. */
function ownProcesses(): number[] {
  return listed("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    const environment = contentOf(`/proc/${pid}/environ`);
    return environment.includes(`ORCHD_TEST_RUN=${runId}`) || environment.includes(temporary)
      ? [pid]
      : [];
  });
}

function ownFiles(): string[] {
  return listed(temporary).filter((name) => !ignoredFiles.has(name));
}

function commandLine(pid: number): string {
  return contentOf(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() || "(ended meanwhile)";
}

/**
 * How many of each kind keep the event loop alive: `{ Timeout: 1, PipeWrap: 2 }`. Looks one turn
 * later, when mocha's timer for the hook itself is running: it is there at every look.
 */
async function openHandles(): Promise<Counts> {
  await pause(0);
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo())
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

async function handlesBeyond(baseline: Counts): Promise<string[]> {
  return [...(await openHandles())].flatMap(([kind, count]) => {
    const more = count - (baseline.get(kind) ?? 0);
    return more > 0 ? [`${kind} (${more})`] : [];
  });
}

/** The sockets of this process that have a path, from /proc: only for the message of a failure. */
function openSockets(): string[] {
  const paths = new Map(
    contentOf("/proc/net/unix")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .flatMap((fields) =>
        fields[7] === undefined ? [] : [[fields[6] ?? "", fields[7]] as const],
      ),
  );
  return listed("/proc/self/fd").flatMap((descriptor) => {
    const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/self/fd/${descriptor}`))?.[1];
    const path = inode === undefined ? undefined : paths.get(inode);
    return path === undefined ? [] : [`socket ${path}`];
  });
}

/** The timer holds nothing open itself, so it fires only when something else does. */
function sayWhatHoldsTheLoop(): void {
  setTimeout(() => {
    const all = [...process.getActiveResourcesInfo(), ...openSockets()].join(", ");
    process.stderr.write(`the tests ended, but the process cannot: still open are ${all}\n`);
    process.exit(1);
  }, drainMs).unref();
}

function listed(folder: string): string[] {
  return orElse([], () => readdirSync(folder));
}

function contentOf(path: string): string {
  return orElse("", () => readFileSync(path, "latin1"));
}

function linkOf(path: string): string {
  return orElse("", () => readlinkSync(path));
}

/** Processes and files come and go while they are read: what is gone has nothing to say. */
function orElse<Value>(fallback: Value, read: () => Value): Value {
  try {
    return read();
  } catch {
    return fallback;
  }
}
