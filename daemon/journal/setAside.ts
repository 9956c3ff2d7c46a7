import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

import { markPath } from "./mark.ts";
import { reportOf } from "./problems.ts";
import type { Damage } from "./problems.ts";
import type { DamageReport } from "./records.ts";
import { failpointNow } from "../../system/failpoint.ts";

const suffixes = ["", "-wal", "-shm"];

/**
 * Copies a damaged journal to `damaged-<time>/` beside it, with `report.json`, and leaves the
 * original as it is. The same damage is copied once: a service manager that starts orchd again and
 * again must not fill the disk. No connection of this process may be open.
 */
export function setAside(
  path: string,
  damage: Damage,
  acknowledgedUntil: number | null,
): DamageReport {
  const report = { ...reportOf(damage), acknowledgedUntil };
  try {
    const files = fingerprint(path);
    const earlier = earlierCopy(dirname(path), files);
    const folder = earlier ?? join(dirname(path), `damaged-${timeName(new Date())}`);
    if (earlier === null) copy(path, folder, { ...report, files, setAside: folder });
    return { ...report, setAside: folder };
  } catch (error) {
    return { ...report, setAsideProblem: error instanceof Error ? error.message : String(error) };
  }
}

type Fingerprint = readonly string[];

function copy(path: string, folder: string, report: DamageReport & { files: Fingerprint }): void {
  mkdirSync(folder, { mode: 0o700 });
  for (const file of [...suffixes.map((suffix) => path + suffix), markPath(path)]) {
    if (statSync(file, { throwIfNoEntry: false }) === undefined) continue;
    const target = join(folder, basename(file));
    failpointNow("aside.copy", () => copyFileSync(file, target, constants.COPYFILE_FICLONE));
    failpointNow("aside.sync", () => syncFile(target));
  }
  // Written last: a copy without its report was cut short and is not taken for one.
  const written = join(folder, "report.json");
  failpointNow("aside.report", () =>
    writeFileSync(written, `${JSON.stringify(report, null, 2)}\n`, { mode: 0o600 }),
  );
  for (const synced of [written, folder, dirname(folder)])
    failpointNow("aside.settle", () => syncFile(synced));
}

/** Size and time of change of what matters; the shared memory is rebuilt at every look. */
function fingerprint(path: string): Fingerprint {
  return [path, `${path}-wal`].map((file) => {
    const found = statSync(file, { throwIfNoEntry: false });
    return `${basename(file)} ${found?.size ?? "absent"} ${found?.mtimeMs ?? ""}`;
  });
}

function earlierCopy(folder: string, files: Fingerprint): string | null {
  const same = readdirSync(folder)
    .filter((name) => name.startsWith("damaged-"))
    .find((name) => fingerprintIn(join(folder, name)) === files.join());
  return same === undefined ? null : join(folder, same);
}

function fingerprintIn(folder: string): string | null {
  try {
    const report: unknown = JSON.parse(readFileSync(join(folder, "report.json"), "utf8"));
    if (typeof report !== "object" || report === null || !("files" in report)) return null;
    return Array.isArray(report.files) ? report.files.join() : null;
  } catch {
    return null;
  }
}

function syncFile(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** `2025-11-21T04-05-06-789Z`: a colon is not allowed in a file name everywhere. */
function timeName(time: Date): string {
  return time.toISOString().replaceAll(/[:.]/g, "-");
}
