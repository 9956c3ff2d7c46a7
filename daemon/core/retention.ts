import { isFinal } from "./state.ts";
import { unreachable } from "./unreachable.ts";
import type { Oid, TaskId } from "../../ipc/ids.ts";
import type { State } from "./state.ts";

/**
 * Which of orchd's refs have had their time. What is not known for certain to be over stays.
 *
 *     a task that is queued, runs or lands       all of it stays, whatever its age
 *     a task that the journal does not know      the same: somebody may know why
 *     a task that succeeded                      `landedMs`; the newest `savedMax` attempts
 *       its candidate, which is what landed      nothing: it is on the branch
 *     a task that failed or was cancelled        `unlandedMs`: a person may still want its work
 *     a branch as it was before a rewind         `unlandedMs`, and while an attempt from before runs
 *
 * An age counts from what is later: when the ref's commit was made, or when the task ended, while that is
 * in memory.
 */
export type KeptRef = {
  readonly name: string;
  readonly oid: Oid;
  /** Milliseconds since the epoch: when its commit was made; of a rewind, when it was settled. */
  readonly at: number;
};

export type RetentionPolicy = {
  readonly landedMs: number;
  readonly unlandedMs: number;
  /** Attempts of tasks that succeeded. */
  readonly savedMax: number;
};

export type ExpiredRef = KeptRef & { readonly why: "landed" | "old" | "many" };

/** Oldest first. Names that orchd does not know stay. */
export function expiredRefs(
  state: State,
  refs: readonly KeptRef[],
  policy: RetentionPolicy,
  at: number,
): ExpiredRef[] {
  const judged = refs.map((ref) => judge(state, ref, policy, at));
  const many = beyond(judged, policy.savedMax);
  return judged
    .flatMap(({ ref, verdict }): ExpiredRef[] => {
      if (verdict === "landed" || verdict === "old") return [{ ...ref, why: verdict }];
      return many.has(keyOf(ref.name) ?? "") ? [{ ...ref, why: "many" }] : [];
    })
    .toSorted((a, b) => a.at - b.at);
}

type Judged = {
  readonly ref: KeptRef;
  /** `succeeded`: kept, and counted. */
  readonly verdict: "keep" | "succeeded" | "landed" | "old";
  /** What its age counts from. */
  readonly since: number;
};

function judge(state: State, ref: KeptRef, policy: RetentionPolicy, at: number): Judged {
  const keep: Judged = { ref, verdict: "keep", since: ref.at };
  const old: Judged = { ...keep, verdict: "old" };
  if (ref.name.startsWith(rewound))
    return at - ref.at <= policy.unlandedMs || runsSince(state, ref.at) ? keep : old;
  const [, kind, task] = ofTask.exec(ref.name) ?? [];
  const end = task === undefined ? null : endOf(state, task as TaskId);
  if (end === null) return keep;
  const since = Math.max(ref.at, end.since);
  switch (end.status) {
    case "succeeded":
      if (kind === "candidates" && end.commit === ref.oid) return { ...keep, verdict: "landed" };
      return at - since > policy.landedMs ? old : { ref, verdict: "succeeded", since };
    case "failed":
    case "cancelled":
      return at - since > policy.unlandedMs ? old : keep;
    default:
      return unreachable(end.status);
  }
}

const rewound = "refs/orchd/rewound/";
const ofTask = /^refs\/orchd\/(attempts|strays|candidates|conflicts)\/([^/]+)(?:\/\d+)?$/;

/** `null`: it has not ended, or nobody knows it. */
function endOf(state: State, id: TaskId) {
  const life = state.tasks.get(id)?.life;
  if (life !== undefined) {
    if (!isFinal(life)) return null;
    const commit = life.status === "succeeded" ? life.commit : null;
    return { status: life.status, since: life.since, commit };
  }
  const final = state.finals.get(id);
  return final === undefined ? null : { ...final, since: 0 };
}

/** Its base may be there and nowhere else. */
function runsSince(state: State, before: number): boolean {
  for (const { life, attempts } of state.tasks.values())
    if (!isFinal(life) && attempts.some(({ startedAt }) => startedAt <= before)) return true;
  return false;
}

/** `<task>/<n>` of the attempts of tasks that succeeded, all but the newest. */
function beyond(judged: readonly Judged[], max: number): ReadonlySet<string> {
  const attempts = judged
    .filter(({ ref, verdict }) => verdict === "succeeded" && ref.name.startsWith(attemptsPrefix))
    .toSorted((a, b) => b.since - a.since || b.ref.at - a.ref.at);
  return new Set(attempts.slice(max).flatMap(({ ref }) => keyOf(ref.name) ?? []));
}

const attemptsPrefix = "refs/orchd/attempts/";

/** What an attempt's ref and that of its strays have in common; `null` for any other. */
function keyOf(name: string): string | null {
  return /^refs\/orchd\/(?:attempts|strays)\/([^/]+\/\d+)$/.exec(name)?.[1] ?? null;
}
