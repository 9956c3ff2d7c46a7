import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { createLanding } from "../../../daemon/landing/landing.ts";
import type { Landing, LandingOptions } from "../../../daemon/landing/landing.ts";
import type { MergeRequest, MergeResult } from "../../../daemon/landing/merge.ts";
import { isOid } from "../../../ipc/ids.ts";
import type { Oid, TaskId } from "../../../ipc/ids.ts";
import { makeRepository } from "../../helpers/repository.ts";
import type { TestRepository } from "../../helpers/repository.ts";

/** A repository with a landing on it, and the few things a worker and a person do to it. */
export type Scene = {
  readonly repository: TestRepository;
  readonly landing: Landing;
  readonly gitDir: string;
  /** What a worker saves: `base` (default: orchd's tip) with files written, or removed (`null`). */
  readonly save: (files: Files, base?: Oid) => Promise<Saved>;
  /** Saves, merges and moves; the landed commit. */
  readonly land: (task: string, files: Files) => Promise<Oid>;
  /** The same for work that is saved. */
  readonly landWork: (task: string, work: Saved) => Promise<Oid>;
  readonly oid: (revision: string) => Promise<Oid>;
  readonly restart: (more?: Partial<LandingOptions>) => Landing;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};
export type Files = Readonly<Record<string, string | null>>;
export type Saved = { readonly saved: Oid; readonly base: Oid };

const run = promisify(execFile);
export const at_ms = 1_700_000_000_000;

export async function makeScene(
  files: Readonly<Record<string, string>> = { "a.txt": "a\n", "b.txt": "b\n", "dir/c.txt": "c\n" },
): Promise<Scene> {
  const repository = await makeRepository({ files });
  const gitDir = join(repository.dir, ".git");
  await repository.git("config", "user.name", "Test Person");
  await repository.git("config", "user.email", "person@example.com");
  const landings: Landing[] = [];
  const restart = (more: Partial<LandingOptions> = {}): Landing => {
    const options = { gitDir, workTree: repository.dir, target: "main", epoch: 1, ...more };
    const next = createLanding(options);
    landings.push(next);
    return next;
  };
  const landing = restart();
  const oid = async (revision: string): Promise<Oid> =>
    asOid(await repository.git("rev-parse", "--verify", revision));
  const save = async (changes: Files, base?: Oid): Promise<Saved> => {
    const from = base ?? (await oid("orchd/main"));
    return { saved: await commitFiles(repository, from, changes), base: from };
  };
  const land = async (task: string, changes: Files): Promise<Oid> =>
    await landWork(task, await save(changes));
  const landWork = async (task: string, work: Saved): Promise<Oid> => {
    const merged = await landing.merge(request(task, work));
    if (merged.kind !== "candidate") throw new Error(JSON.stringify(merged));
    const moved = await landing.move({ task: task as TaskId, ...merged });
    if (moved.kind !== "moved") throw new Error(JSON.stringify(moved));
    return merged.candidate;
  };
  const start = await landing.prepare();
  if (start.kind !== "ready") throw new Error(JSON.stringify(start));
  const dispose = async (): Promise<void> => {
    await Promise.all(landings.map((one) => one.close()));
    await repository[Symbol.asyncDispose]();
  };
  return {
    repository,
    landing,
    gitDir,
    save,
    land,
    landWork,
    oid,
    restart,
    [Symbol.asyncDispose]: dispose,
  };
}

export function request(task: string, work: Saved, more: Partial<MergeRequest> = {}): MergeRequest {
  const message = `Do ${task}`;
  const fixed = { attempt: 1, author: null, trailers: {}, at_ms };
  return { task: task as TaskId, ...fixed, message, ...work, ...more };
}

export function asOid(text: string): Oid {
  if (!isOid(text)) throw new Error(`not an object name: ${text}`);
  return text;
}

export function candidateOf(result: MergeResult): Oid {
  if (result.kind !== "candidate") throw new Error(JSON.stringify(result));
  return result.candidate;
}

/** A commit made aside, with an index of its own, as a worker's saving does. */
async function commitFiles(repository: TestRepository, base: Oid, changes: Files): Promise<Oid> {
  const env = { ...repository.env, GIT_INDEX_FILE: join(repository.dir, ".git", "scene.index") };
  const git = async (args: readonly string[], input?: string): Promise<string> => {
    const ended = run("git", args, { cwd: repository.dir, env });
    if (input !== undefined) ended.child.stdin?.end(input);
    return (await ended).stdout.trim();
  };
  await git(["read-tree", base]);
  for (const [path, text] of Object.entries(changes)) {
    if (text === null) await git(["update-index", "--force-remove", path]);
    else {
      const blob = await git(["hash-object", "-w", "--stdin"], text);
      await git(["update-index", "--add", "--cacheinfo", `100644,${blob},${path}`]);
    }
  }
  const tree = await git(["write-tree"]);
  return asOid(await git(["commit-tree", tree, "-p", base, "-m", "saved"]));
}
