import { readFileSync } from "node:fs";
import { carriesMarker } from "./marker.ts";
import { judge, withSurroundings } from "./processIdentity.ts";
import type { ProcessIdentity } from "./processIdentity.ts";
import { listPids, lookUp } from "./processTable.ts";
import type { ProcessRow } from "./processTable.ts";
import { reapZombies } from "./native.ts";

/**
 * Finding everything that one attempt started. Agents start their tools in sessions of their own,
 * launchers leave the real program behind, daemons fork twice: no single sign finds them all, so a
 * process belongs to an attempt if any of these holds.
 *
 *   1  it is the direct child, or in the session or process group that the child opened
 *   2  its parent belongs
 *   3  it was adopted by this process (a subreaper, see native.ts), so its ancestors were ours
 *   4  `ORCHD_ATTEMPT=<marker>`, or `ORCHD_LOCK`, stands in the environment it was started with
 *
 * What each one misses: 1 and 2 a `setsid` whose parent has ended; 3 needs koffi, and a process that
 * has ended leaves its orphans to process 1; 4 a program started with an empty environment, one that
 * writes over its environment to change its title, and one that runs as another user. With koffi
 * nothing that descends from the child is missed; without, only what escapes 1, 2 and 4 together.
 * A further rung for later: where a cgroup v2 subtree is delegated, one folder for each attempt, and
 * `cgroup.kill` in it.
 */
export type Family = {
  /** Not empty, unique among everything that may run on this machine at the same time. */
  readonly marker: string;
  /** The direct child, living or ended; `null` when only the marker is known. */
  readonly root: ProcessIdentity | null;
  /** This process is a subreaper, and a child in another session that started after `root` is an orphan of it. */
  readonly adopting: boolean;
  /** Start time of the process that everything else descends from: what is older does not belong. */
  readonly since: number;
  /** Processes that do not belong whatever they carry: number → marker of their own family. */
  readonly others: ReadonlyMap<number, string>;
};

export type Member = { readonly identity: ProcessIdentity; readonly group: number };

export type Visited = {
  readonly members: number;
  /** Those that may be members and could not be told, being in the middle of an exec. */
  readonly unsure: number;
};

/** A process that appears while one listing is looked through is found by the next; this many follow. */
const listingsMax = 20;

/**
 * Calls `visit` for every living member the moment it is found: a signal sent there reaches it
 * before it can have moved on. Ends with a listing in which nothing is new. `known`: members found
 * earlier, as `keyOf` names them; they stay members when the parent that proved it has ended. Costs
 * about 25 µs for each process of the machine.
 */
export function visitFamily(
  family: Family,
  visit: (member: Member) => void,
  known: ReadonlySet<string> = new Set(),
): Visited {
  if (family.marker === "" || family.marker.includes("\0"))
    throw new Error("a family needs a marker that an environment can hold");
  const told = new Set<number>([process.pid]);
  const members = new Set<number>();
  let unsure = 0;
  for (let listing = 0; listing < listingsMax; listing++) {
    const fresh = listPids().filter((pid) => !told.has(pid));
    if (fresh.length === 0) break;
    unsure = 0;
    for (const pid of fresh) {
      const row = lookUp(pid);
      const isRunning = typeof row !== "string" && !row.ended;
      const isKnown = isRunning && known.has(keyOf(row));
      const mayBelong = isRunning && row.startTime >= family.since;
      const belonging = isKnown ? "yes" : mayBelong ? belongs(row, family, members) : "no";
      if (belonging === "unsure") unsure += 1;
      else told.add(pid);
      if (!isRunning || belonging !== "yes") continue;
      members.add(pid);
      visit({ identity: withSurroundings(row), group: row.group });
    }
  }
  return { members: members.size, unsure };
}

export function keyOf({ pid, startTime }: { pid: number; startTime: number }): string {
  return `${pid}:${startTime}`;
}

/**
 * The living children that this process adopted, after reaping the ended ones: with a subreaper,
 * none means that nothing of any attempt is left. About 15 µs when there are none.
 */
export function adoptedChildren(others: ReadonlyMap<number, string>): ProcessRow[] {
  const living: ProcessRow[] = [];
  for (const pid of childNumbers()) {
    const row = others.has(pid) ? "gone" : lookUp(pid);
    if (typeof row === "string" || row.session === ownRow().session) continue;
    if (row.ended) reapZombies([pid]);
    else living.push(row);
  }
  return living;
}

/**
 * Sends a signal to exactly that process: not to another one that has its number now. False: it is
 * not there any more, or belongs to another user.
 */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  return judge(identity) === "alive" && send(identity.pid, signal);
}

/**
 * Kills exactly that process, and with it its process group, which forking cannot outrun; not the
 * group if this process or one of `others` is in it.
 */
export function killMember({ identity, group }: Member, others: ReadonlyMap<number, string>): void {
  if (judge(identity) !== "alive") return;
  const isShared =
    group <= 1 || [process.pid, ...others.keys()].some((pid) => groupOf(pid) === group);
  send(isShared ? identity.pid : -group, "SIGKILL");
}

type Belonging = "yes" | "no" | "unsure";

function belongs(row: ProcessRow, family: Family, members: ReadonlySet<number>): Belonging {
  if (family.others.has(row.pid)) return "no";
  const { root } = family;
  if (root !== null) {
    if (row.startTime < root.startTime) return "no";
    if (row.pid === root.pid) return row.startTime === root.startTime ? "yes" : "no";
    if (isInSessionOf(row, root)) return "yes";
    if (family.adopting && isOrphan(row)) return belongingOfOrphan(row.pid, family);
  }
  return members.has(row.parent) ? "yes" : carriesMarker(row.pid, [family.marker]);
}

/** An orphan of ours belongs, unless it carries the marker of another child that still runs. */
function belongingOfOrphan(pid: number, { others }: Family): Belonging {
  const carries = carriesMarker(pid, others.values());
  return carries === "unsure" ? "unsure" : carries === "yes" ? "no" : "yes";
}

/** A number stays taken as long as a session or group bears it; one that was given away again says nothing. */
function isInSessionOf(row: ProcessRow, root: ProcessIdentity): boolean {
  if (row.session !== root.pid && row.group !== root.pid) return false;
  const leader = lookUp(root.pid);
  return typeof leader === "string" || leader.startTime === root.startTime;
}

/** A child of ours in a session that is not ours: the short programs we start ourselves stay in ours. */
function isOrphan(row: ProcessRow): boolean {
  return row.parent === process.pid && row.session !== ownRow().session;
}

function childNumbers(): number[] {
  try {
    // Node forks, and the kernel hands over orphans, on the main thread, whose number is the process's.
    const text = readFileSync(`/proc/self/task/${process.pid}/children`, "latin1");
    return text.split(" ").map(Number).filter(Boolean);
  } catch {
    // A kernel without CONFIG_PROC_CHILDREN: the slow way gives the same answer.
    return listPids().filter((pid) => {
      const row = lookUp(pid);
      return typeof row !== "string" && row.parent === process.pid;
    });
  }
}

function groupOf(pid: number): number | undefined {
  const row = lookUp(pid);
  return typeof row === "string" ? undefined : row.group;
}

let own: ProcessRow | undefined;

/** Session and group of this process; neither changes after start. */
function ownRow(): ProcessRow {
  if (own === undefined) {
    const row = lookUp(process.pid);
    if (typeof row === "string") throw new Error("this process cannot read its own row");
    own = row;
  }
  return own;
}

function send(target: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(target, signal);
  } catch {
    return false;
  }
}
