import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { connect } from "../../ipc/client.ts";
import type { Client } from "../../ipc/client.ts";
import type { RequestId } from "../../ipc/ids.ts";
import { percentile } from "./figures.ts";
import { makeLargeRepository, pathAt } from "./largeRepository.ts";
import { spec } from "./load.ts";
import { built, workersReady } from "./rig.ts";

/**
 * Landings by a running supervisor, one task at a time: from the time in `landing:started`, which is
 * before that event is on disk, until a client hears that the task succeeded, which is after its last
 * one is. The person's branch is not followed, so nothing else of the repository is at work.
 */
const tasks = 24;

export async function wholeLandings(files: number): Promise<Record<string, number>> {
  await using repository = await makeLargeRepository(files, 1);
  const { dir: repo, folder } = repository;
  await repository.git(["checkout", "--quiet", "main"]);
  await writeFile(join(repo, "orchd.yaml"), "follow: off\n");
  const env = { XDG_STATE_HOME: join(folder, "state"), GIT_CONFIG_GLOBAL: "/dev/null" };
  const orchd = (...args: string[]) =>
    execa(process.execPath, [join(built, "cli/orchd.js"), ...args], { cwd: repo, env });
  await orchd("start", "--max-parallel", "1");
  const client = await connect({ repo });
  try {
    await workersReady(client, 1);
    const times = await landEach(client);
    return { whole_p50: percentile(times, 0.5), whole_p95: percentile(times, 0.95) };
  } finally {
    await client.close();
    await orchd("stop");
  }
}

async function landEach(client: Client): Promise<number[]> {
  const times: number[] = [];
  let begun = 0;
  let ended = Promise.withResolvers<void>();
  await client.subscribe(null, ({ name, at, detail }) => {
    if (name === "task:failed") ended.reject(new Error(JSON.stringify(detail)));
    if (name === "landing:started") begun = at;
    if (name !== "task:succeeded") return;
    times.push(Date.now() - begun);
    ended.resolve();
  });
  for (let at = 0; at < tasks; at += 1) {
    ended = Promise.withResolvers();
    const path = pathAt(at * filesApart);
    const argv = ["sh", "-c", `echo changed >> ${path}`] as const;
    const task = { ...spec({ kind: "run", argv: [...argv] }, path), workspace: "clone" as const };
    const claims = { writes: [path], reads: [], resources: {} };
    await client.call("submit", {
      request: `r${task.id}` as RequestId,
      tasks: [{ ...task, claims }],
    });
    await ended.promise;
  }
  // The first one lands with gits that are not running yet; that is `own_first`.
  return times.slice(1);
}

const filesApart = 100;
