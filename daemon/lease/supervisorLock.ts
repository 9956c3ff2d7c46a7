import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { rmSync } from "node:fs";
import { fail, failure, ok } from "../../ipc/errors.ts";
import { replaceFile } from "../../system/atomicFile.ts";
import { ownIdentity } from "../../system/processIdentity.ts";
import type { Result } from "../../ipc/errors.ts";
export function takeSupervisorLock(stateDir: string, { atLeast }: { atLeast: number }): Result<{ epoch: number; release: () => void }> {
  const db = new DatabaseSync(join(stateDir, "supervisor.db"));
  try {
    db.exec("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS epoch(n INTEGER)");
    const row = db.prepare("SELECT max(n) AS n FROM epoch").get() as { n: number | null };
    const epoch = Math.max(row.n ?? 0, atLeast) + 1;
    db.prepare("INSERT INTO epoch VALUES (?)").run(epoch);
    db.exec("COMMIT");
    return ok({ epoch, release: () => { rmSync(join(stateDir, "supervisor.json"), { force: true }); db.close(); } });
  } catch { db.close(); return fail(failure("already_running", "a supervisor runs")); }
}
export async function announce(stateDir: string, { epoch, socket }: { epoch: number; socket: string }): Promise<void> {
  await replaceFile(join(stateDir, "supervisor.json"), JSON.stringify({ ...ownIdentity(), epoch, socket, version: "0", started_at: Date.now() }));
}
