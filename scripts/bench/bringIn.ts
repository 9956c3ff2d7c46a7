import { execFile } from "node:child_process";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Oid } from "../../ipc/ids.ts";
import { git } from "../../system/git.ts";
import { importCommits } from "../../worker/workspace/importCommits.ts";
import { durable } from "../../worker/workspace/ownGit.ts";
import type { Base, Place, Repository } from "../../worker/workspace/place.ts";
import { pathAt } from "./largeRepository.ts";
import { Series } from "./series.ts";

/**
 * The two ways to bring a commit of three files from a workspace into the repository, by turns, each the next
 * commit of one line and synced as orchd syncs:
 *
 *     `import`   pack-objects in the workspace, unpack-objects in the repository: what saving does
 *     `fetch`    git fetch from the workspace
 */
const pairs = 12;
const filesPerCommit = 3;
const run = promisify(execFile);

export async function benchBringIn(
  place: Place,
  repository: Repository,
  base: Base,
): Promise<Record<string, number>> {
  const imports = new Series();
  const fetches = new Series();
  let last = base.commit;
  for (let at = 0; at < pairs; at += 1) {
    const first = await commitOne(place, 2 * at);
    await imports.time(() => importCommits(place, repository, [first], [last]));
    await pin(repository, first);
    last = await commitOne(place, 2 * at + 1);
    await fetches.time(() => fetch(place, repository));
    await pin(repository, last);
  }
  return {
    import_p50_ms: imports.p50(),
    fetch_p50_ms: fetches.p50(),
    fetch_to_import: fetches.p50() / imports.p50(),
    import_cpu_ms: imports.cpu(),
    fetch_cpu_ms: fetches.cpu(),
  };
}

async function commitOne({ workTree }: Place, number: number): Promise<Oid> {
  const paths = Array.from({ length: filesPerCommit }, (_, at) => pathAt(number * 97 + at * 1_009));
  for (const path of paths) await appendFile(join(workTree, path), `commit ${number}\n`);
  const options = { cwd: workTree };
  await run("git", ["commit", "--quiet", "--message", `commit ${number}`, "--", ...paths], options);
  const { stdout } = await run("git", ["rev-parse", "HEAD"], options);
  return stdout.trim() as Oid;
}

/** So that a fetch knows what is there, as orchd does with what it has saved. */
async function pin({ gitDir }: Repository, commit: Oid): Promise<void> {
  await git({ gitDir }, ["update-ref", "refs/bench/saved", commit]);
}

async function fetch({ workTree }: Place, { gitDir }: Repository): Promise<void> {
  const flags = ["--quiet", "--no-tags", "--no-auto-maintenance", "--no-write-fetch-head"];
  await git({ gitDir }, ["fetch", ...flags, workTree, "+HEAD:refs/bench/fetched"], {
    config: { ...durable, "protocol.allow": "always" },
    env: { GIT_ALLOW_PROTOCOL: "file" },
  });
}
