import { existsSync, readFileSync } from "node:fs";

/** Process numbers that something wrote into a file, one a line. */
export function pidsIn(file: string): number[] {
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean).map(Number) : [];
}

/** Not there, or only waiting to be reaped: process 1 may take seconds for that, and `kill -0` says alive until then. */
export function isGone(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.startsWith("Z") ?? true;
  } catch {
    return true;
  }
}
