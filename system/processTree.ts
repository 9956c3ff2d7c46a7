import { elapse, realClock } from "./clock.ts";
import type { ProcessIdentity } from "./processIdentity.ts";
import { keyOf, killMember, signalProcess, visitFamily } from "./processFamily.ts";
import type { Family, Member } from "./processFamily.ts";

/**
 * Ending a family of processes.
 *
 *     SIGTERM to each member, once ──► all gone within the grace? ──► done
 *                                              │ no
 *                                              ▼
 *     SIGKILL to each member and its group, scan after scan ──► two scans in a row find nothing ──► done
 *
 * Each member is told once to end, in its own right and not through its group: a second SIGTERM
 * means "at once" to many programs. What appears during the grace (cleaning up takes processes too)
 * is left in peace until the grace is over. Two empty scans, because a process that forks and ends
 * at the wrong moment is missed by one.
 */
export type Ended = {
  /** Different processes that were seen; one that was killed with its group before it was looked at is not among them. */
  readonly found: number;
  /** Still there when this gave up (stuck in the kernel, or another user's). */
  readonly left: number;
};

export type EndOptions = {
  /** Between the polite and the hard end, in milliseconds; 0: hard at once. */
  readonly graceMs: number;
  /** Their process groups may hold others, who are spared: a command on somebody's terminal is in the group of his shell's job. */
  readonly sharesGroups?: boolean;
};

/** After the grace: a killed process that has not gone by then waits for a device, not for us. */
const killMsMax = 5_000;
const firstPauseMs = 2;
const pauseMsMax = 50;
/** A scan takes its time on a machine with thousands of processes: while waiting, at most a fifth of it. */
const politeShare = 4;

/**
 * Living processes that carry exactly `ORCHD_ATTEMPT=<marker>` in the environment they were started
 * with, and the descendants of those; never this process. What is in the middle of an exec may be
 * missing: to be certain, end them.
 */
export function findMarked(marker: string): ProcessIdentity[] {
  const found: ProcessIdentity[] = [];
  visitFamily(markedFamily(marker, [], 0), ({ identity }) => found.push(identity));
  return found;
}

/**
 * Ends what `findMarked` finds. `except`: numbers of processes to leave alone. `since`: the start time
 * of the process that gave out the marker, where it is known: nobody older carries it, and to look into
 * the environment of every process of the machine takes most of the time. Resolves when nothing is
 * left, or `graceMs` + 5 s later.
 */
export async function endMarked(
  marker: string,
  options: EndOptions & { readonly except?: Iterable<number>; readonly since?: number },
): Promise<Ended> {
  return await endFamily(markedFamily(marker, options.except ?? [], options.since ?? 0), options);
}

/** Resolves when nothing of the family is left, or `graceMs` + 5 s later. */
export async function endFamily(
  family: Family,
  { graceMs, sharesGroups = false }: EndOptions,
): Promise<Ended> {
  const known = new Set<string>();
  const asked = new Set<string>();
  const note = ({ identity }: Member): void => {
    known.add(keyOf(identity));
  };
  const ask: Visit = (member, settled) => {
    note(member);
    const key = keyOf(member.identity);
    if (settled || asked.has(key)) return;
    asked.add(key);
    signalProcess(member.identity, "SIGTERM");
  };
  const kill: Visit = (member) => {
    note(member);
    if (sharesGroups) signalProcess(member.identity, "SIGKILL");
    else killMember(member, family.others);
  };
  // Who is who must be known before the first one ends, and with it what its children are known by.
  const first = visitFamily(family, note);
  const scans = { known, empty: first.members + first.unsure === 0 ? 1 : 0 };
  let left = 1;
  if (graceMs > 0)
    left = await scanUntilNone(family, {
      ...scans,
      visit: ask,
      msMax: graceMs,
      share: politeShare,
    });
  if (left > 0)
    left = await scanUntilNone(family, { ...scans, visit: kill, msMax: killMsMax, share: 0 });
  return { found: known.size, left };
}

/** Where no family can be found: the process group alone. Resolves when it is empty, or as above. */
export async function endGroup(group: number, { graceMs }: EndOptions): Promise<Ended> {
  const start = realClock.monotonicMs();
  const elapsedMs = (): number => realClock.monotonicMs() - start;
  if (!signalled(group, graceMs > 0 ? "SIGTERM" : "SIGKILL")) return { found: 0, left: 0 };
  for (let pauseMs = firstPauseMs; elapsedMs() < graceMs + killMsMax; pauseMs *= 2) {
    if (!signalled(group, elapsedMs() < graceMs ? 0 : "SIGKILL")) return { found: 1, left: 0 };
    await elapse(realClock, Math.min(pauseMs, pauseMsMax));
  }
  return { found: 1, left: 1 };
}

/** `settled`: an earlier scan has already seen everything there was. */
type Visit = (member: Member, settled: boolean) => void;

type Scans = {
  readonly visit: Visit;
  readonly known: ReadonlySet<string>;
  /** Empty scans so far. */
  readonly empty: number;
  readonly msMax: number;
  /** A pause lasts at least so many times what the scan before it took. */
  readonly share: number;
};

/** How many were there at the last scan: 0 after two empty ones, else what there is after `msMax`. */
async function scanUntilNone(family: Family, scans: Scans): Promise<number> {
  const { visit, known, msMax, share } = scans;
  const start = realClock.monotonicMs();
  const elapsedMs = (): number => realClock.monotonicMs() - start;
  let { empty } = scans;
  let pauseMs = firstPauseMs;
  let settled = false;
  for (;;) {
    if (empty > 0) await elapse(realClock, pauseMs);
    const before = elapsedMs();
    const { members, unsure } = visitFamily(family, (member) => visit(member, settled), known);
    const left = members + unsure;
    settled ||= unsure === 0;
    empty = left === 0 ? empty + 1 : 0;
    if (empty === 2) return 0;
    if (left === 0) continue;
    if (elapsedMs() >= msMax) return left;
    pauseMs = Math.min(pauseMs * 2, pauseMsMax);
    const wantedMs = Math.max(pauseMs, (elapsedMs() - before) * share);
    await elapse(realClock, Math.min(wantedMs, Math.max(firstPauseMs, msMax - elapsedMs())));
  }
}

function signalled(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}

function markedFamily(marker: string, except: Iterable<number>, since: number): Family {
  const others = new Map([...except].map((pid) => [pid, ""]));
  return { marker, root: null, adopting: false, since, others };
}
