import { ageOf } from "./ages.ts";
import { isFinal } from "./state.ts";
import { unreachable } from "./unreachable.ts";
import type { Ages } from "./ages.ts";
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
 *     the base of a workspace                    `unlandedMs` after the workspace has gone
 *
 * Ages count from when it was first seen to be over (ages.ts), and all refs of a task are as old as its
 * youngest: one that ran again within the time between two looks begins anew.
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

export type OverRef = KeptRef & {
  /** `landed`: the very commit that is on the branch. */
  readonly standing: "landed" | "succeeded" | "unlanded";
  /** The task whose refs age together. */
  readonly task: string | null;
  /** By the clock; puts in order what has the same age. */
  readonly endedAt: number;
};

export type ExpiredRef = KeptRef & { readonly why: "landed" | "old" | "many" };

/**
 * Those that nothing needs any more. Names that orchd does not know are not among them.
 *
 * @param isUsed whether there is such a worker, or a workspace of it
 */
export function overRefs(
  state: State,
  refs: readonly KeptRef[],
  isUsed: (worker: string) => boolean,
): OverRef[] {
  return refs.flatMap((ref): OverRef[] => {
    if (ref.name.startsWith(bases)) {
      if (isUsed(ref.name.slice(bases.length))) return [];
      return [{ ...ref, standing: "unlanded", task: null, endedAt: ref.at }];
    }
    if (ref.name.startsWith(rewound)) {
      if (runsSince(state, ref.at)) return [];
      return [{ ...ref, standing: "unlanded", task: null, endedAt: ref.at }];
    }
    const { task, kind } = ofTask.exec(ref.name)?.groups ?? {};
    const end = task === undefined ? null : endOf(state, task as TaskId);
    if (task === undefined || end === null) return [];
    const over = { ...ref, task, endedAt: Math.max(end.since, ref.at) };
    if (end.status !== "succeeded") return [{ ...over, standing: "unlanded" }];
    const landed = kind === "candidates" && end.commit === ref.oid;
    return [{ ...over, standing: landed ? "landed" : "succeeded" }];
  });
}

/** Oldest first. */
export function expiredRefs(
  over: readonly OverRef[],
  ages: Pick<Ages, "passedMs" | "since">,
  policy: RetentionPolicy,
): ExpiredRef[] {
  const youngest = new Map<string, number>();
  for (const { name, task } of over) {
    const key = task ?? name;
    youngest.set(key, Math.min(youngest.get(key) ?? Infinity, ageOf(ages, name)));
  }
  const aged = over.map((ref) => ({ ...ref, age: youngest.get(ref.task ?? ref.name) ?? 0 }));
  const judged = aged.map((ref) => ({ ref, why: verdict(ref, policy) }));
  const many = beyond(
    judged.flatMap(({ ref, why }) => (why === null ? [ref] : [])),
    policy,
  );
  return judged
    .toSorted((a, b) => b.ref.age - a.ref.age || a.ref.endedAt - b.ref.endedAt)
    .flatMap(({ ref: { name, oid, at }, why }): ExpiredRef[] => {
      if (why !== null) return [{ name, oid, at, why }];
      return many.has(keyOf(name) ?? "") ? [{ name, oid, at, why: "many" }] : [];
    });
}

type Aged = OverRef & { readonly age: number };

/** `null`: it is kept. */
function verdict({ standing, age }: Aged, policy: RetentionPolicy): "landed" | "old" | null {
  switch (standing) {
    case "landed":
      return "landed";
    case "succeeded":
      return age > policy.landedMs ? "old" : null;
    case "unlanded":
      return age > policy.unlandedMs ? "old" : null;
    default:
      return unreachable(standing);
  }
}

const bases = "refs/orchd/bases/";
const rewound = "refs/orchd/rewound/";
const ofTask =
  /^refs\/orchd\/(?<kind>attempts|strays|candidates|conflicts|generated|resolutions)\/(?<task>[^/]+)(?:\/[a-z0-9]+)?$/;

/** `null`: it has not ended, or nobody knows it. */
function endOf(state: State, id: TaskId) {
  const life = state.tasks.get(id)?.life;
  const final = state.finals.get(id);
  if (life === undefined) return final === undefined ? null : { ...final, since: 0 };
  if (!isFinal(life)) return null;
  const commit = life.status === "succeeded" ? life.commit : null;
  return { status: life.status, since: life.since, commit };
}

/** Its base may be there and nowhere else. */
function runsSince(state: State, before: number): boolean {
  for (const { life, attempts } of state.tasks.values())
    if (!isFinal(life) && attempts.some(({ startedAt }) => startedAt <= before)) return true;
  return false;
}

/** `<task>/<n>` of the attempts of tasks that succeeded, all but the newest. */
function beyond(kept: readonly Aged[], { savedMax }: RetentionPolicy): ReadonlySet<string> {
  const attempts = kept
    .filter(({ name, standing }) => standing === "succeeded" && name.startsWith(attemptsPrefix))
    .toSorted((a, b) => a.age - b.age || b.endedAt - a.endedAt);
  return new Set(attempts.slice(savedMax).flatMap(({ name }) => keyOf(name) ?? []));
}

const attemptsPrefix = "refs/orchd/attempts/";

/** What an attempt's ref and that of its strays have in common; `null` for any other. */
function keyOf(name: string): string | null {
  return /^refs\/orchd\/(?:attempts|strays)\/([^/]+\/\d+)$/.exec(name)?.[1] ?? null;
}
