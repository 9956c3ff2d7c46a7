import { execFile } from "node:child_process";
import { mkdir, realpath, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { defaultConfig } from "../../../ipc/configDefaults.ts";
import type { Config } from "../../../ipc/configSpec.ts";
import type { Oid, TaskId, WorkerId } from "../../../ipc/ids.ts";
import type { Saved, WorkerSettings } from "../../../ipc/workerMessages.ts";
import { findPlace, repositoryOf } from "../../../worker/workspace/place.ts";
import type { Base, Place, Repository } from "../../../worker/workspace/place.ts";
import { resetWorkspace, resolveBase } from "../../../worker/workspace/reset.ts";
import { saveWorkspace } from "../../../worker/workspace/save.ts";
import { makeRepository } from "../../helpers/repository.ts";
import type { RepositoryContent, TestRepository } from "../../helpers/repository.ts";

const run = promisify(execFile);

/** A scratch repository with one workspace, reset to `main`; a test plays the agent in it. */
export type WorkspaceRig = AsyncDisposable & {
  readonly person: TestRepository;
  readonly place: Place;
  readonly repository: Repository;
  readonly base: () => Base;
  readonly reset: (clean?: "untracked" | "all") => Promise<{ readonly fresh: boolean }>;
  readonly save: () => Promise<Saved | null>;
  /** Writes a file of the workspace. */
  readonly edit: (path: string, text: string) => Promise<void>;
  /** Runs git in the workspace as an agent would. */
  readonly agentGit: (...args: readonly string[]) => Promise<string>;
  /** Path → content of a commit in the person's repository. */
  readonly contentOf: (commit: string) => Promise<Record<string, string>>;
};

export const testTask = "t1" as TaskId;

export async function makeWorkspaceRig(
  content: RepositoryContent = {},
  before: (person: TestRepository) => Promise<unknown> = async () => {},
): Promise<WorkspaceRig> {
  const person = await makeRepository(content);
  await before(person);
  const settings = await testSettings(person);
  const place = await findPlace("worker-1" as WorkerId, settings);
  const repository = repositoryOf(settings);
  let base: Base = { commit: "" as Oid, tree: "" as Oid };
  const reset = async (clean: "untracked" | "all" = "untracked"): Promise<{ fresh: boolean }> => {
    base = await resolveBase(repository, "refs/heads/main");
    return await resetWorkspace(place, repository, base, clean);
  };
  const agentGit = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run("git", args, { cwd: place.workTree, env: person.env });
    return stdout.replace(/\n$/, "");
  };
  await reset();
  return {
    person,
    place,
    repository,
    base: () => base,
    reset,
    save: () =>
      saveWorkspace(place, repository, {
        task: testTask,
        attempt: 1,
        base,
        startedAt: 1e12,
        policy: settings.config.save,
      }),
    edit: async (path, text) => {
      await mkdir(dirname(join(place.workTree, path)), { recursive: true });
      await writeFile(join(place.workTree, path), text);
    },
    agentGit,
    contentOf: (commit) => contentOf(person, commit),
    [Symbol.asyncDispose]: () => person[Symbol.asyncDispose](),
  };
}

export async function testSettings(
  person: TestRepository,
  change: {
    readonly workspace?: Partial<Config["workspace"]>;
    readonly commit?: Partial<Config["commit"]>;
    readonly save?: Partial<Config["save"]>;
    readonly limits?: Partial<Config["limits"]>;
  } = {},
): Promise<WorkerSettings> {
  const workTree = await realpath(person.dir);
  return {
    epoch: 1,
    git_dir: join(workTree, ".git"),
    work_tree: workTree,
    landing_ref: "refs/heads/main",
    path: person.env["PATH"] ?? "/usr/bin:/bin",
    config: {
      max_parallel: 1,
      target: "main",
      follow: "off",
      verify: [],
      gate: "chain",
      outside_claims: "allow",
      generated: [],
      workspace: {
        root: join(dirname(workTree), "state", "workspaces"),
        setup: [],
        setup_inputs: [],
        copy: [],
        clean: "untracked",
        ...change.workspace,
      },
      commit: { ...defaultConfig.commit, ...change.commit },
      save: { ...defaultConfig.save, ...change.save },
      resources: {},
      path: null,
      retention: { ...defaultConfig.retention, age_ms: 86_400_000 },
      maintenance: "off",
      push: defaultConfig.push,
      limits: {
        timeout_ms: 60_000,
        grace_ms: 2_000,
        setup_timeout_ms: 10_000,
        signing_timeout_ms: 10_000,
        hook_timeout_ms: 10_000,
        verify_timeout_ms: 10_000,
        heartbeat_ms: 50,
        stale_after_ms: 60_000,
        adoption_grace_ms: 60_000,
        prediction_ms: 0,
        output_bytes: 1_000_000,
        min_free_disk_bytes: 0,
        workspace_size_bytes: 1024 ** 4,
        fairness_window_ms: 1_000,
        tasks_open: 100,
        chain: 16,
        ...change.limits,
      },
    },
  };
}

async function contentOf(person: TestRepository, commit: string): Promise<Record<string, string>> {
  const names = await person.git("ls-tree", "-r", "-z", "--name-only", commit);
  const entries = names.split("\0").filter((name) => name !== "");
  const content: Record<string, string> = {};
  for (const name of entries)
    content[name] = await person.git("cat-file", "-p", `${commit}:${name}`);
  return content;
}
