import { unreachable } from "../../ipc/errors.ts";
import type { ConflictCause, NeverReason, PlanView } from "../../ipc/planView.ts";
import type { Look } from "./paint.ts";
import { rowsOf } from "./table.ts";
import type { Cell } from "./table.ts";
import { listed, plain, plural } from "./text.ts";
import { span } from "./time.ts";

const wavesShown = 20;
const tasksShown = 8;
const conflictsShown = 10;
const chainShown = 12;
const neverShown = 20;

/** A plan for people: what can never start first, then waves, conflicts, and the times. */
export function planPage(plan: PlanView, look: Look, all: boolean): string {
  return [
    [summary(plan)],
    neverPart(plan, look, all),
    wavesPart(plan, look, all),
    conflictsPart(plan, look, all),
    timesPart(plan, look, all),
  ]
    .filter((part) => part.length > 0)
    .map((part) => part.join("\n"))
    .join("\n\n");
}

function summary({ tasks, slots, waves, conflicts, outside }: PlanView): string {
  const first = [
    plural(tasks, "task"),
    `${slots} at a time`,
    plural(waves.length, "wave"),
    plural(conflicts.pairs, "conflict"),
  ].join(", ");
  return outside.length === 0
    ? first
    : `${first}\nWaits for ${listed(outside, tasksShown)}, submitted earlier.`;
}

function neverPart({ never }: PlanView, look: Look, all: boolean): string[] {
  const shown = all ? never : never.slice(0, neverShown);
  const rows = shown.map(({ task, because }): Cell[] => [
    { text: plain(task), style: "bad" },
    reasonWords(because),
  ]);
  const columns = [{ heading: "NEVER STARTS" }, { heading: "BECAUSE", shrinkTo: 30 }];
  return [...rowsOf(columns, rows, look), ...rest(never.length - shown.length, look)];
}

function reasonWords(because: NeverReason): string {
  switch (because.kind) {
    case "cycle": {
      const [first = ""] = because.members;
      const round = because.members.length === 1 ? because.members : [...because.members, first];
      return `each of these waits for the next: ${round.slice(0, chainShown).map(plain).join(" → ")}${round.length > chainShown ? " …" : ""}`;
    }
    case "unknown":
      return `it comes after ${plain(because.after)}, and there is no such task in these files or a running supervisor`;
    case "failed":
      return `it comes after ${plain(because.after)}, which ${because.status === "failed" ? "has failed" : "was cancelled"}`;
    case "resource":
      return `it asks for ${because.asked} of ${plain(because.resource)}, and there ${because.capacity === 1 ? "is" : "are"} ${because.capacity}`;
    case "waits_for":
      return `it waits for ${plain(because.after)}`;
    default:
      return unreachable(because);
  }
}

function wavesPart({ waves }: PlanView, look: Look, all: boolean): string[] {
  const shown = all ? waves : waves.slice(0, wavesShown);
  const rows = shown.map(({ tasks, ms }, at): Cell[] => [
    `${at + 1}`,
    `${tasks.length}`,
    ms === null ? "" : span(ms),
    listed(tasks, all ? Infinity : tasksShown),
  ]);
  const columns = [
    { heading: "WAVE", align: "right" },
    { heading: "TASKS", align: "right" },
    { heading: "TIME", align: "right" },
    { heading: "WHO", shrinkTo: 20 },
  ] as const;
  return [...rowsOf(columns, rows, look), ...rest(waves.length - shown.length, look)];
}

function conflictsPart({ conflicts }: PlanView, look: Look, all: boolean): string[] {
  const shown = all ? conflicts.listed : conflicts.listed.slice(0, conflictsShown);
  const rows = shown.map(({ tasks: [a, b], on }): Cell[] => [
    plain(a),
    plain(b),
    causeWords(on),
    exampleOf(on),
  ]);
  const columns = [
    { heading: "CONFLICT" },
    { heading: "WITH" },
    { heading: "ON", shrinkTo: 20 },
    { heading: "FOR EXAMPLE", shrinkTo: 20 },
  ];
  return [...rowsOf(columns, rows, look), ...rest(conflicts.pairs - shown.length, look)];
}

function causeWords(on: ConflictCause): string {
  switch (on.kind) {
    case "claims": {
      const [mine, theirs] = on.claims.map(plain);
      return mine === theirs ? `${mine}` : `${mine} and ${theirs}`;
    }
    case "resource":
      return `${plain(on.resource)}, of which there ${on.capacity === 1 ? "is" : "are"} ${on.capacity}`;
    default:
      return unreachable(on);
  }
}

/** Nothing where it would only repeat the claim. */
function exampleOf(on: ConflictCause): string {
  if (on.kind !== "claims" || on.example === null || on.claims.includes(on.example)) return "";
  return plain(on.example);
}

function timesPart(
  { critical_path: { tasks, ms }, expected, estimates }: PlanView,
  look: Look,
  all: boolean,
): string[] {
  const chain = all ? tasks : tasks.slice(0, chainShown);
  const more = tasks.length > chain.length ? ` and ${tasks.length - chain.length} more` : "";
  const length = ms === null ? "" : `, ${span(ms)}`;
  const lines =
    tasks.length > 1
      ? [
          `Longest chain: ${chain.map(plain).join(" → ")}${more} (${plural(tasks.length, "task")}${length})`,
        ]
      : [];
  if (expected === null) return lines;
  lines.push(
    `Expected: ${span(expected.ms)}; in waves with barriers ${span(expected.waves_ms)}; one at a time ${span(expected.one_at_a_time_ms)} (${expected.speed_up} times as long)`,
  );
  if (estimates.missing > 0 && estimates.assumed_ms !== null) {
    const count = `${plural(estimates.missing, "task")} without estimate`;
    lines.push(
      look.paint(
        "dim",
        `${count} counted as the mean of the others, ${span(estimates.assumed_ms)}.`,
      ),
    );
  }
  return lines;
}

function rest(count: number, look: Look): string[] {
  return count > 0 ? [look.paint("dim", `and ${count} more`)] : [];
}
