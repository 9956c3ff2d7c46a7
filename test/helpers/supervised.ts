import { spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { execa } from "execa";
import { connect } from "../../ipc/client.ts";
import { FailureError } from "../../ipc/errors.ts";
import { isGone } from "./processes.ts";
import { onlyAsks, runHere } from "./commandLine.ts";
import { makeRepository } from "./repository.ts";
import { mintRequestId, mintTaskId } from "../../ipc/ids.ts";
import { parseTaskFile } from "../../ipc/taskFile.ts";
import { readSupervisorRecord } from "../../ipc/locate.ts";
import { supervisorNodeFlags } from "../../cli/supervisorFlags.ts";
import { until } from "./until.ts";
import type { Client } from "../../ipc/client.ts";
import type { EndView } from "../../ipc/taskViews.ts";
import type { ErrorCode } from "../../ipc/errors.ts";
import type { Ran } from "./commandLine.ts";
import type { Readable } from "node:stream";
import type { RepositoryContent, TestRepository } from "./repository.ts";
import type { TaskId } from "../../ipc/ids.ts";

/**
 * A test repository with the real command line, supervisor, workers and git. Disposing of it stops
 * the supervisor and asserts what must hold at rest (DESIGN's S2, S7, S10).
 */
export type Supervised = {
  readonly repository: TestRepository;
  /** A process of its own only where the command does more than to ask the supervisor. */
  readonly orchd: (...args: readonly string[]) => Promise<Ran>;
  readonly client: () => Promise<Client>;
  /** Submits tasks written as in a task file; their ids. */
  readonly submit: (...tasks: readonly object[]) => Promise<TaskId[]>;
  readonly wait: (ids: readonly TaskId[]) => Promise<EndView[]>;
  /** `kill -9` of the supervisor; resolves when it is gone. */
  readonly killSupervisor: () => Promise<void>;
  /** The next one, after the one before has ended, with the same flags. */
  readonly start: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

const logLinesShown = 40;
const stopMsMax = 90_000;
/** Each is a process that starts before it has anything to do. */
const oneWorker = ["--max-parallel", "1"] as const;

export const entry = join(import.meta.dirname, "../../cli/orchd.ts");
const main = join(import.meta.dirname, "../../daemon/main.ts");

export async function runOrchd(
  repository: TestRepository,
  args: readonly string[],
  options: { readonly cwd?: string; readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<Ran> {
  const result = await execa(process.execPath, [entry, ...args], {
    cwd: options.cwd ?? repository.dir,
    env: repository.env,
    extendEnv: false,
    reject: false,
    timeout: options.timeoutMs ?? 0,
    killSignal: "SIGKILL",
    ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
  });
  const { exitCode: code = -1, stdout, timedOut } = result;
  const late = timedOut ? `orchd ${args.join(" ")}: not over after ${options.timeoutMs} ms\n` : "";
  return { code, stdout, stderr: `${late}${result.stderr}` };
}

/** With one worker, unless `config` or `start`, the supervisor's flags, name another number. */
export async function makeSupervised(
  content: RepositoryContent & { readonly start?: readonly string[] } = {},
): Promise<Supervised> {
  const one = content.config?.["max_parallel"] === undefined ? oneWorker : [];
  return await supervise(await makeRepository(content), content.start ?? one);
}

/** Takes over `repository`: it is removed with the supervisor, also when that does not start. */
export async function supervise(
  repository: TestRepository,
  start: readonly string[] = [],
): Promise<Supervised> {
  const clients: Client[] = [];
  const orchd = (...args: readonly string[]) =>
    onlyAsks(args) ? runHere(repository, args) : runOrchd(repository, args);
  try {
    await startSupervisor(repository, start);
  } catch (error) {
    await repository[Symbol.asyncDispose]();
    throw error;
  }
  const client = async () => {
    const last = clients.at(-1);
    if (last !== undefined) return last;
    const made = await connect({ repo: repository.dir, reconnect: { timeoutMs: 30_000 } });
    clients.push(made);
    return made;
  };
  return {
    repository,
    orchd,
    client,
    submit: async (...tasks) => {
      const parsed = parseTaskFile(JSON.stringify({ tasks }), {
        name: "tasks.json",
        format: "json",
        mint: mintTaskId,
      });
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.failure));
      const request = mintRequestId();
      const connected = await client();
      const { ids } = await connected.call("submit", { request, tasks: parsed.value.specs });
      return ids;
    },
    wait: async (ids) => (await (await client()).call("wait", { ids })).tasks,
    killSupervisor: async () => {
      const pid = supervisorPid(repository);
      process.kill(pid, "SIGKILL");
      await until(() => isGone(pid), { what: `supervisor ${pid} to be gone` });
    },
    start: () => startSupervisor(repository, start),
    [Symbol.asyncDispose]: async () => {
      for (const one of clients) await one.close();
      try {
        await stopSupervisor(repository);
        await assertAtRest(repository);
      } catch (error) {
        process.stderr.write(`the supervisor's log:\n${logOf(repository)}\n`);
        throw error;
      } finally {
        await repository[Symbol.asyncDispose]();
      }
    },
  };
}

/** As `orchd start` does it, without the client's process, which costs as much again. */
async function startSupervisor(
  { dir, env }: TestRepository,
  flags: readonly string[],
): Promise<void> {
  const child = spawn(process.execPath, [...supervisorNodeFlags, main, "--repo", dir, ...flags], {
    cwd: "/",
    env,
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  child.unref();
  const said = await text(child.stdio[3] as Readable);
  if (!said.startsWith('{"ready":true')) throw new Error(`the supervisor did not start: ${said}`);
}

/** As `orchd stop` does it; one that has ended, or never began, is no failure. */
async function stopSupervisor({ dir }: TestRepository): Promise<void> {
  const client = await connect({ repo: dir }).catch(unless("no_supervisor"));
  if (client === null) return;
  const { pid } = client.supervisor;
  await client.call("stop", { mode: "now" }).catch(unless("connection_lost"));
  await client.close();
  await until(() => isGone(pid), { timeoutMs: stopMsMax, what: "the supervisor to end" });
}

function unless(code: ErrorCode): (error: unknown) => null {
  return (error) => {
    if (error instanceof FailureError && error.failure.code === code) return null;
    throw error;
  };
}

export function supervisorPid(repository: TestRepository): number {
  const record = readSupervisorRecord(join(repository.dir, ".git/orchd"));
  if (record === null) throw new Error("no supervisor has announced itself");
  return record.pid;
}

/** What must hold when nothing runs any more. `foreign`: git's lock files of somebody else, below `.git`. */
export async function assertAtRest(
  repository: TestRepository,
  foreign: readonly string[] = [],
): Promise<void> {
  const brain = join(repository.dir, ".aibrain");
  expect(existsSync(join(brain, "orchd.sock")), "the socket is left").to.equal(false);
  const locks = existsSync(join(brain, "locks"))
    ? readdirSync(join(brain, "locks"), { recursive: true }).filter((name) =>
        String(name).endsWith(".lock"),
      )
    : [];
  expect(locks, "lock files are left").to.deep.equal([]);
  const gitLocks = readdirSync(join(repository.dir, ".git"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".lock"))
    .filter((name) => !foreign.includes(name));
  expect(gitLocks, "git's lock files are left").to.deep.equal([]);
  expect(processesOf(repository), "processes are left").to.deep.equal([]);
  await repository.git("fsck", "--no-dangling", "--no-progress");
}

/** Command lines of living processes that know the folders of the repository. Linux only. */
function processesOf(repository: TestRepository): string[] {
  const root = dirname(repository.dir);
  const numbers = existsSync("/proc") ? readdirSync("/proc") : [];
  return numbers.flatMap((pid) => {
    const [environment, words] = ["environ", "cmdline"].map((name) => read(`/proc/${pid}/${name}`));
    const isOurs = /^\d+$/.test(pid) && `${environment}${words}`.includes(root);
    return isOurs ? [`${pid}: ${words?.replaceAll("\0", " ").trim()}`] : [];
  });
}

/** The end of it; the repository is about to be removed. */
function logOf({ dir }: TestRepository): string {
  return read(join(dir, ".aibrain/logs/orchd.log")).split("\n").slice(-logLinesShown).join("\n");
}

/** Empty for what is gone (a process that ended meanwhile) or belongs to somebody else. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** Commits on orchd's branch for each task, by first parents: S2 wants at most one. */
export async function landedCommits(repository: TestRepository): Promise<Map<string, string[]>> {
  const log = await repository.git(
    "log",
    "--first-parent",
    "--format=%H %(trailers:key=Orchd-Task,valueonly,separator=%x2C)",
    "orchd/main",
  );
  const landed = new Map<string, string[]>();
  for (const line of log.split("\n")) {
    const [commit = "", task = ""] = line.split(" ");
    if (task !== "") landed.set(task, [...(landed.get(task) ?? []), commit]);
  }
  return landed;
}
