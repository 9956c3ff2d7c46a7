import { existsSync, readFileSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "../../ipc/client.ts";
import { mintRequestId, mintTaskId } from "../../ipc/ids.ts";
import { readSupervisorRecord } from "../../ipc/locate.ts";
import { parseTaskFile } from "../../ipc/taskFile.ts";
import type { Client } from "../../ipc/client.ts";
import type { TaskId } from "../../ipc/ids.ts";
import type { EndView } from "../../ipc/taskViews.ts";
import type { FailpointPlan } from "../../system/failpoint.ts";
import { makeRepository } from "../helpers/repository.ts";
import type { RepositoryContent, TestRepository } from "../helpers/repository.ts";
import { until } from "../helpers/until.ts";
import { ForeignLocks } from "./foreignLocks.ts";
import { endEverything, isAlive } from "./living.ts";
import { runOrchd } from "../helpers/supervised.ts";
import type { Ran } from "../helpers/commandLine.ts";

/**
 * A repository in which supervisors die: it starts them with a plan of failpoints, keeps one running
 * for as long as it is told to, and knows how often each task's agent was started, since every agent
 * writes a line of its own outside of the repository.
 *
 *     <root>/starts/<task>    one line for each start of the task's agent
 *     <root>/points/<round>   what `ORCHD_TEST_FAILPOINTS` names (system/failpoint.ts)
 *     <root>/recovered        what the supervisors that were started again made of it (recovered.ts)
 */
export type Site = {
  readonly repository: TestRepository;
  /** Where the target is checked out. */
  readonly tree: Tree;
  readonly brain: string;
  readonly stateDir: string;
  readonly startsFolder: string;
  readonly orchd: (args: readonly string[], plan?: FailpointPlan) => Promise<Ran>;
  readonly client: () => Promise<Client>;
  readonly submit: (tasks: readonly object[]) => Promise<TaskId[]>;
  readonly wait: (ids: readonly string[]) => Promise<EndView[]>;
  readonly startsOf: (task: string) => number;
  readonly foreignLocks: ForeignLocks;
  readonly recoveredFile: string;
  /** An empty folder for a plan. */
  readonly pointsFolder: () => Promise<string>;
  /** Ends everything in it, and lets nothing begin any more: who waits for something there fails. */
  readonly abandon: () => Promise<void>;
  readonly isAbandoned: () => boolean;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

type Tree = {
  readonly dir: string;
  /** Below `.git`; empty for the main working tree, or with a slash at the end. */
  readonly gitFolder: "" | `worktrees/${string}/`;
};

/** A supervisor that is started and killed again and again, and everything that waits for one. */
const reconnectMs = 180_000;
/** A client that hangs for whatever reason. */
const clientMsMax = 150_000;

/** Nothing of what scenarios do needs them. */
const somebodysLocks = ["refs/heads/other.lock", "config.lock"];

/** `isLinked`: the target is checked out in a linked working tree, and `elsewhere` in the main one. */
export async function makeSite(content: RepositoryContent, isLinked = false): Promise<Site> {
  const repository = await makeRepository(content);
  const root = dirname(repository.dir);
  const tree: Tree = isLinked
    ? { dir: join(root, "linked"), gitFolder: "worktrees/linked/" }
    : { dir: repository.dir, gitFolder: "" };
  if (isLinked) {
    await repository.git("checkout", "--quiet", "-b", "elsewhere");
    await repository.git("worktree", "add", "--quiet", tree.dir, "main");
  }
  const startsFolder = join(root, "starts");
  await mkdir(startsFolder);
  let [rounds, abandoned] = [0, false];
  let last: Client | null = null;
  const client = async (): Promise<Client> => {
    if (last !== null) return last;
    const dial = () => connect({ repo: repository.dir, reconnect: { timeoutMs: reconnectMs } });
    const made = await until<Client | "abandoned">(() => (abandoned ? "abandoned" : dial()), {
      what: "a supervisor that answers",
      timeoutMs: reconnectMs,
    });
    if (made === "abandoned") throw new Error("everything in the repository was ended");
    last = made;
    void made.closed.then(() => (last = last === made ? null : last));
    return made;
  };
  return {
    repository,
    tree,
    brain: join(repository.dir, ".aibrain"),
    stateDir: join(repository.dir, ".git/orchd"),
    startsFolder,
    foreignLocks: new ForeignLocks(repository.dir, somebodysLocks),
    recoveredFile: join(root, "recovered"),
    client,
    orchd: async (args, plan) => {
      if (abandoned) return { code: -1, stdout: "", stderr: "everything in it was ended" };
      const where = plan === undefined ? repository : armed(repository, plan);
      return await runOrchd(where, args, { timeoutMs: clientMsMax });
    },
    submit: async (tasks) => {
      const request = mintRequestId();
      const { ids } = await (await client()).call("submit", { request, tasks: specsOf(tasks) });
      return ids;
    },
    wait: async (ids) => (await (await client()).call("wait", { ids: ids as TaskId[] })).tasks,
    startsOf: (task) => {
      const file = join(startsFolder, task);
      return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").length : 0;
    },
    pointsFolder: async () => {
      rounds += 1;
      const folder = join(root, "points", `${rounds}`);
      await mkdir(folder, { recursive: true });
      return folder;
    },
    abandon: async () => {
      abandoned = true;
      await last?.close();
      await endEverything(repository);
    },
    isAbandoned: () => abandoned,
    [Symbol.asyncDispose]: async () => {
      await last?.close();
      const pid = readSupervisorRecord(join(repository.dir, ".git/orchd"))?.pid;
      if (pid !== undefined && isAlive(pid))
        await runOrchd(repository, ["stop"], { timeoutMs: clientMsMax });
      await repository[Symbol.asyncDispose]();
    },
  };
}

function armed(repository: TestRepository, plan: FailpointPlan): TestRepository {
  const env = { ...repository.env, ORCHD_TEST_FAILPOINTS: JSON.stringify(plan) };
  return { ...repository, env };
}

function specsOf(tasks: readonly object[]) {
  const parsed = parseTaskFile(JSON.stringify({ tasks }), {
    name: "tasks.json",
    format: "json",
    mint: mintTaskId,
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.failure));
  return parsed.value.specs;
}

/** Starts the supervisor whenever there is none, until it is disposed of. */
export class Keeper implements AsyncDisposable {
  readonly #site: Site;
  readonly #plan: FailpointPlan | undefined;
  readonly #running: Promise<void>;
  #stopped = false;
  /** How often it had to start one. */
  starts = 0;

  /** `plan`: for those that it starts. */
  constructor(site: Site, plan?: FailpointPlan) {
    this.#site = site;
    this.#plan = plan;
    this.#running = this.#keep();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #keep(): Promise<void> {
    while (!this.#stopped && !this.#site.isAbandoned()) {
      const pid = readSupervisorRecord(this.#site.stateDir)?.pid;
      if (pid === undefined || !isAlive(pid)) {
        this.starts += 1;
        await this.#site.orchd(["start"], this.#plan);
      }
      await pause(keeperPollMs);
    }
  }
}

const keeperPollMs = 50;

/** One that dies while it stops leaves its announcement; the next one tidies up. */
export async function stopCleanly(site: Site, plan: FailpointPlan): Promise<void> {
  await site.orchd(["stop"]);
  if (!existsSync(join(site.stateDir, "supervisor.json"))) return;
  await site.orchd(["start"], plan);
  await site.orchd(["stop"]);
}

/** The points that were passed in a round, as `<role>.<point>`. */
export function passedIn(folder: string): Set<string> {
  const lists = readdirSync(folder).filter((name) => name.endsWith(".passed"));
  return new Set(
    lists.flatMap((name) => {
      const role = name.slice(0, -".passed".length);
      const points = readFileSync(join(folder, name), "utf8").split("\n").filter(Boolean);
      return points.map((point) => `${role}.${point}`);
    }),
  );
}
