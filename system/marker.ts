import { readFileSync } from "node:fs";
import { listPids, lookUp } from "./processTable.ts";
import type { HoldId } from "../ipc/ids.ts";

/**
 * The environment variable that marks everything an attempt started. It is inherited through
 * `setsid` and any number of forks, and `/proc/<pid>/environ` shows it as it was at the last exec.
 */
export const markerVariable = "ORCHD_ATTEMPT";
/** The same for what runs under a lock that was taken inside an attempt, whose own mark stays. */
export const lockMarkerVariable = "ORCHD_LOCK";

/** Of what runs under a hold; an attempt's is `<task>.<n>@<repository id>`. */
export function holdMarker(hold: HoldId, repositoryId: string): string {
  return `${hold}@${repositoryId}`;
}

/**
 * Whether a process was started with one of these values, exactly. `unsure`: it is in the middle of
 * an exec, when the kernel shows no environment for up to some milliseconds; look again.
 */
export function carriesMarker(pid: number, markers: Iterable<string>): "yes" | "no" | "unsure" {
  const wanted = [...markers].flatMap((marker) => entriesOf(marker));
  if (wanted.length === 0) return "no";
  const environment = environmentOf(pid);
  if (environment === null) return "no";
  const text = `\0${environment}\0`;
  if (wanted.some((entry) => text.includes(entry))) return "yes";
  return environment === "" && isInExec(pid) ? "unsure" : "no";
}

/** Every living process that carries a marker, of whatever attempt. Linux only, else none. */
export function markersOf(): { readonly pid: number; readonly marker: string }[] {
  const start = `\0${markerVariable}=`;
  return listPids().flatMap((pid) => {
    const text = `\0${environmentOf(pid) ?? ""}`;
    const at = text.indexOf(start);
    const row = at < 0 ? "gone" : lookUp(pid);
    if (typeof row === "string" || row.ended) return [];
    const value = text.slice(at + start.length).split("\0", 1)[0] ?? "";
    return [{ pid, marker: Buffer.from(value, "latin1").toString() }];
  });
}

/** As they stand between two NUL bytes, bytes as `latin1`. */
function entriesOf(marker: string): string[] {
  return [markerVariable, lockMarkerVariable].map((variable) =>
    Buffer.from(`\0${variable}=${marker}\0`).toString("latin1"),
  );
}

/** Bytes as `latin1`, empty in a zombie as well; `null`: gone, or another user's. */
function environmentOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return null;
  }
}

/** An exec that was over by the time of this look was under way at the look before it. */
function isInExec(pid: number): boolean {
  const row = lookUp(pid);
  return typeof row !== "string" && !row.ended && row.environment !== "empty";
}
