import { existsSync, readFileSync } from "node:fs";
import { listPids } from "../../system/processTable.ts";

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

/** Living processes whose command line holds `text`: number → command line, words apart by a space. */
export function processesNaming(text: string): ReadonlyMap<number, string> {
  const lines = listPids().map((pid) => [pid, commandLine(pid)] as const);
  return new Map(lines.filter(([, line]) => line.includes(text)));
}

/** Empty for one that ended meanwhile. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
