import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { hasProc, lookUp } from "./processTable.ts";

/**
 * Which process exactly is meant, also after its number was given to another one, after a reboot,
 * and from inside a container. Written down as JSON (`worker.json`, lock records, the journal) and
 * judged later by whoever finds it.
 */
export type ProcessIdentity = {
  readonly pid: number;
  /** As in `ProcessRow`: clock ticks since boot on Linux. */
  readonly startTime: number;
  readonly bootId: string;
  /** `pid:[4026531836]`; a number means something only in its own namespace. */
  readonly pidNamespace: string;
  readonly host: string;
};

export type Judgement = "alive" | "dead" | "unknown";

type Surroundings = Pick<ProcessIdentity, "bootId" | "pidNamespace" | "host">;

let surroundings: Surroundings | undefined;
let own: ProcessIdentity | undefined;

export function ownIdentity(): ProcessIdentity {
  own ??= identityOf(process.pid);
  if (own === undefined) throw new Error("this process cannot read its own start time");
  return own;
}

/** `undefined`: there is no such process, or nothing can be learned about it. A zombie still has one. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const row = lookUp(pid);
  return typeof row === "string" ? undefined : withSurroundings(row);
}

export function withSurroundings(row: { pid: number; startTime: number }): ProcessIdentity {
  return { pid: row.pid, startTime: row.startTime, ...ownSurroundings() };
}

/**
 * `dead` is only said when it is certain: an earlier boot, no such process, another start time, or a
 * zombie. Of another machine, or inside another PID namespace, nothing is known from here.
 *
 * An equal boot id is this very boot of this machine, whatever its name was when it was written down:
 * hosts are renamed while they run. A container has the boot id of its host and is told by its PID
 * namespace. The name decides only about another boot: of this machine, or of another one?
 */
export function judge(identity: ProcessIdentity): Judgement {
  const here = ownSurroundings();
  const isThisName = identity.host === here.host;
  const isThisBoot = identity.bootId === here.bootId && (identity.bootId !== "" || isThisName);
  if (!isThisBoot) return isThisName ? "dead" : "unknown";
  if (identity.pidNamespace !== here.pidNamespace) return "unknown";
  const row = lookUp(identity.pid);
  if (row === "unreadable") return "unknown";
  if (row === "gone" || row.ended) return "dead";
  return row.startTime === identity.startTime ? "alive" : "dead";
}

function ownSurroundings(): Surroundings {
  surroundings ??= {
    host: hostname(),
    bootId: hasProc
      ? readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
      : bootSession(),
    pidNamespace: hasProc ? readlinkSync("/proc/self/ns/pid") : "host",
  };
  return surroundings;
}

function bootSession(): string {
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { stdout } = spawnSync("/usr/sbin/sysctl", ["-n", "kern.bootsessionuuid"], {
    encoding: "utf8",
  });
  return (stdout ?? "").trim();
}
