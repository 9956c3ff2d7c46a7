import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { connect } from "../../ipc/client.ts";
import type { Client } from "../../ipc/client.ts";

/**
 * A scratch repository with a running supervisor. What is measured is what people run: the built
 * program (`npm run bench` builds it first), the supervisor and its workers as separate processes,
 * over the socket. Type stripping would cost start-up time and memory.
 */
export const built = join(import.meta.dirname, "../../dist");

export type Scratch = {
  readonly repo: string;
  /** What programs started here need to find nothing of the person's. */
  readonly env: Readonly<Record<string, string>>;
  readonly [Symbol.dispose]: () => void;
};

export async function makeScratch(): Promise<Scratch> {
  if (!existsSync(built)) throw new Error("dist is missing: run `npm run build` first");
  const folder = mkdtempSync(join(tmpdir(), "orchd-bench-"));
  const repo = join(folder, "repo");
  const env = { XDG_STATE_HOME: join(folder, "state"), GIT_CONFIG_GLOBAL: "/dev/null" };
  const git = (...args: string[]) => execa("git", args, { cwd: repo, env });
  await mkdir(repo, { recursive: true });
  await writeFile(join(repo, "README.md"), "# bench\n");
  await git("init", "--quiet", "--initial-branch=main");
  await git("config", "user.name", "Bench");
  await git("config", "user.email", "bench@example.org");
  await git("add", ".");
  await git("commit", "--quiet", "--message=begin");
  return {
    repo,
    env,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export type Rig = {
  readonly repo: string;
  readonly client: Client;
  readonly supervisorPid: number;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

export async function openRig(options: { readonly workers: number }): Promise<Rig> {
  const scratch = await makeScratch();
  const { repo, env } = scratch;
  const orchd = (...args: string[]) =>
    execa(process.execPath, [join(built, "cli/orchd.js"), ...args], { cwd: repo, env });
  await orchd("start", "--max-parallel", `${options.workers}`);
  const client = await connect({ repo });
  await workersReady(client, options.workers);
  return {
    repo,
    client,
    supervisorPid: client.supervisor.pid,
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await orchd("stop");
      scratch[Symbol.dispose]();
    },
  };
}

export async function workersReady(client: Client, count: number): Promise<void> {
  for (;;) {
    const { workers } = await client.call("workers", {});
    if (workers.filter(({ state }) => state === "idle").length >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
