import { readFileSync, readdirSync } from "node:fs";
import type { Dirent } from "node:fs";
import { dirname, join } from "node:path";
import type { TestRepository } from "../helpers/repository.ts";
import { until } from "../helpers/until.ts";

/** A process that is there and not a zombie that nobody has asked about yet. */
export function isAlive(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== "" && !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
}

/** Pids of everything that was started in the repository's folders, by its environment. */
export function livingOf(repository: TestRepository): number[] {
  return livingBelow(dirname(repository.dir));
}

/** The same of any folder. */
export function livingBelow(root: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && read(`/proc/${name}/environ`).includes(root))
    .map(Number)
    .filter(isAlive);
}

/** After a round that failed: nothing of it is left to disturb the next. */
export async function endEverything(repository: TestRepository): Promise<void> {
  await until(
    () => {
      const living = livingOf(repository);
      for (const pid of living) kill(pid, "SIGKILL");
      return living.length === 0;
    },
    { what: "everything in the repository to end", timeoutMs: endTimeoutMs },
  );
}

/** The kernel takes its time with processes that wait for the disk. */
const endTimeoutMs = 30_000;

/** False when it is gone. */
export function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Lock files of git and of orchd below a folder, while others make and remove folders there. */
export function locksBelow(folder: string): string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return locksBelow(path);
    return entry.name.endsWith(".lock") ? [path] : [];
  });
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

const logLinesShown = 12;

/** The end of each log, that of workers too. */
export function logsOf({ dir }: Pick<TestRepository, "dir">): string {
  const folder = join(dir, ".aibrain/logs");
  return entriesOf(folder)
    .map(({ name }) => {
      const lines = read(join(folder, name)).trim().split("\n");
      return `${name}:\n${lines.slice(-logLinesShown).join("\n")}`;
    })
    .join("\n");
}

/** Empty for what is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
