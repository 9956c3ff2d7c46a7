import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { execa } from "execa";
import { assertAtRest, landedCommits, supervise } from "../helpers/supervised.ts";
import { makeRepository } from "../helpers/repository.ts";
import { realTasks } from "../helpers/realTasks.ts";
import { until } from "../helpers/until.ts";
import type { AttemptView, EndView } from "../../ipc/taskViews.ts";
import type { RealTask } from "../helpers/realTasks.ts";
import type { Supervised } from "../helpers/supervised.ts";
import type { TaskId } from "../../ipc/ids.ts";
import type { TestRepository } from "../helpers/repository.ts";

const project = join(import.meta.dirname, "../..");
const workers = 4;

type Interval = Pick<AttemptView, "worker" | "started_at" | "ended_at"> & { readonly id: string };

describe("thirty tasks on the sources of this project", () => {
  it("land as one commit each, as if they had run one after the other in landing order", async function () {
    this.timeout(180_000);
    const repository = await cloneOfProject();
    if (repository === null) {
      console.log(
        "      the project is no git repository with its whole history: nothing to clone",
      );
      return this.skip();
    }
    const meeting = { folder: join(dirname(repository.dir), "meeting"), tasks: workers } as const;
    await mkdir(meeting.folder);
    const tasks = realTasks((await repository.git("ls-files")).split("\n"), meeting);
    const base = await repository.git("rev-parse", "HEAD");
    await using supervised = await supervise(repository);

    const ends = await submitAndWait(supervised, tasks);
    expect(ends.filter(({ status }) => status !== "succeeded")).to.deep.equal([]);
    await followed(repository);
    const attempts = await attemptsOf(supervised, ends);
    const used = [...new Set(attempts.map(({ worker }) => worker))].join();
    expect(mostAtOnce(attempts), `attempts at the same time, on ${used}`).to.equal(workers);

    const stopped = await supervised.orchd("stop");
    expect(stopped.code, stopped.stderr).to.equal(0);
    await assertAtRest(repository);
    expect(await repository.git("status", "--porcelain"), "git status").to.equal("");
    const landed = await landedCommits(repository);
    for (const { id, commit } of ends) expect(landed.get(id), id).to.deep.equal([commit]);
    expect(await repository.git("rev-list", "--count", `${base}..main`)).to.equal(`${ends.length}`);

    await assertClaimsHeld(repository, ends, tasks, attempts);
    await assertSerial(repository, base, tasks);
  });
});

/** On `main`, without remotes; `null` if there is no whole repository to clone from. */
async function cloneOfProject(): Promise<TestRepository | null> {
  const repository = await makeRepository();
  const { dir, env, git } = repository;
  // The project may belong to somebody else, in a container for example.
  await git("config", "--global", "safe.directory", "*");
  const asked = ["-C", project, "rev-parse", "--is-shallow-repository"];
  const { stdout } = await execa("git", asked, { env, extendEnv: false, reject: false });
  if (stdout !== "false") {
    await repository[Symbol.asyncDispose]();
    return null;
  }
  await rm(dir, { recursive: true });
  await mkdir(dir);
  await git("clone", "--quiet", "--no-hardlinks", project, ".");
  await git("checkout", "--quiet", "-B", "main");
  await git("remote", "remove", "origin");
  // As in a fresh clone of what somebody else initialised; no setup, for these tasks need no packages.
  await repository.write("orchd.yaml", `max_parallel: ${workers}\n`);
  await repository.commit("Configure orchd");
  return repository;
}

async function submitAndWait(
  supervised: Supervised,
  tasks: readonly RealTask[],
): Promise<readonly EndView[]> {
  const file = join(dirname(supervised.repository.dir), "tasks.json");
  await supervised.repository.write("../tasks.json", JSON.stringify({ tasks }, null, 2));
  const submitted = await supervised.orchd("submit", file, "--json");
  expect(submitted.code, submitted.stderr).to.equal(0);
  const { ids } = JSON.parse(submitted.stdout) as { ids: TaskId[] };
  expect(ids).to.deep.equal(tasks.map(({ id }) => id));
  return await supervised.wait(ids);
}

async function followed(repository: TestRepository): Promise<void> {
  await until(
    async () => {
      const [main, landed] = (await repository.git("rev-parse", "main", "orchd/main")).split("\n");
      return main === landed;
    },
    { timeoutMs: 20_000, what: "main to follow orchd/main" },
  );
}

async function attemptsOf(
  supervised: Supervised,
  ends: readonly EndView[],
): Promise<readonly Interval[]> {
  const client = await supervised.client();
  const views = await Promise.all(ends.map(({ id }) => client.call("show", { id })));
  return views.flatMap(({ id, attempt_list }) => attempt_list.map((one) => ({ ...one, id })));
}

function mostAtOnce(attempts: readonly Interval[]): number {
  return Math.max(
    ...attempts.map(({ started_at }) => {
      const running = attempts.filter(
        (one) => one.started_at <= started_at && endOf(one) > started_at,
      );
      return running.length;
    }),
  );
}

function endOf({ ended_at }: Interval): number {
  return ended_at ?? Infinity;
}

/** Tasks whose claims overlap in what they really changed never ran at the same time. */
async function assertClaimsHeld(
  repository: TestRepository,
  ends: readonly EndView[],
  tasks: readonly RealTask[],
  attempts: readonly Interval[],
): Promise<void> {
  const changed = new Map<string, readonly string[]>();
  for (const { id, commit } of ends) {
    const names = await repository.git(
      "diff-tree",
      "--no-commit-id",
      "--name-only",
      "-r",
      `${commit}`,
    );
    changed.set(id, names.split("\n"));
  }
  const declared = tasks.filter(({ claims }) => claims !== undefined).map(({ id }) => id);
  const pairs = declared.flatMap((a, at) => declared.slice(at + 1).map((b) => [a, b] as const));
  const sharing = pairs.filter(([a, b]) =>
    changed.get(a)?.some((path) => changed.get(b)?.includes(path)),
  );
  expect(new Set(sharing.flat()).size, "tasks that share files").to.be.at.least(10);
  for (const [a, b] of sharing)
    for (const first of attempts.filter(({ id }) => id === a))
      for (const second of attempts.filter(({ id }) => id === b))
        expect(overlap(first, second), `${a} and ${b} at the same time`).to.equal(false);
}

function overlap(a: Interval, b: Interval): boolean {
  return a.started_at < endOf(b) && b.started_at < endOf(a);
}

/** Runs every task's command again in landing order, in a plain clone, and compares the trees. */
async function assertSerial(
  repository: TestRepository,
  base: string,
  tasks: readonly RealTask[],
): Promise<void> {
  const format = "--format=%T %(trailers:key=Orchd-Task,valueonly,separator=)";
  const log = await repository.git("log", "--reverse", format, `${base}..main`);
  await repository.git("clone", "--quiet", "--shared", repository.dir, "../serial");
  const options = { cwd: join(repository.dir, "../serial"), env: repository.env, extendEnv: false };
  await execa("git", ["reset", "--quiet", "--hard", base], options);
  for (const line of log.split("\n")) {
    const [tree = "", id = ""] = line.split(" ");
    const run = tasks.find((task) => task.id === id)?.run ?? { shell: `exit 1; # ${id}` };
    const [program, ...args] = "shell" in run ? (["sh", "-c", run.shell] as const) : run;
    await execa(program, args, options);
    await execa("git", ["add", "--all"], options);
    const { stdout } = await execa("git", ["write-tree"], options);
    expect(stdout, `tree after ${id}`).to.equal(tree);
  }
}
