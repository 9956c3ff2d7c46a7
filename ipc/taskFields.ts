import { cycleFault } from "./cycle.ts";
import type { Fault } from "./document.ts";
import { unreachable } from "./errors.ts";
import type { TaskId } from "./ids.ts";
import { inOrder } from "./task.ts";
import * as limits from "./taskRules.ts";
import type { TaskFields, behaviors } from "./taskSchema.ts";
import type { ClaimSet, TaskSpec, Work } from "./taskSpec.ts";
import type { FieldPath } from "./location.ts";

/**
 * From the fields of a file's tasks to their specs: defaults, the file's `behavior`, and the rules
 * that concern several fields or several tasks.
 */
export type Behavior = (typeof behaviors)[number];

export type SpecOptions = {
  /** Makes the ids that the file left out. */
  readonly mint: () => TaskId;
  /** For tasks that name no timeout: `limits.timeout_ms` of the configuration. */
  readonly timeoutMs: number;
  /** Whether tasks that wait for each other in a circle are a fault; a plan tells about them itself. */
  readonly circles: "refused" | "kept";
};

export type SpecsMade = { readonly specs: readonly TaskSpec[]; readonly faults: readonly Fault[] };

/** @param pathOf where the task stands in the file: `[]` if it is the file, else `["tasks", 3]` */
export function specsOf(
  tasks: readonly TaskFields[],
  behavior: Behavior,
  pathOf: (index: number) => FieldPath,
  options: SpecOptions,
): SpecsMade {
  const specs: TaskSpec[] = [];
  for (const fields of tasks) {
    specs.push(withBehavior(specOf(fields, options), behavior, specs.at(-1)?.id ?? null));
  }
  const own = tasks.flatMap((fields, index) =>
    taskFaults(fields, specs[index]).map((fault) => ({
      ...fault,
      path: [...pathOf(index), ...fault.path],
    })),
  );
  const circles = options.circles === "kept" ? [] : cycleFault(specs, pathOf);
  return { specs, faults: [...own, ...repeatedIds(specs, pathOf), ...circles] };
}

function specOf(fields: TaskFields, { mint, timeoutMs }: SpecOptions): TaskSpec {
  const work = fields.run ?? { kind: "tools", calls: [] };
  const workspace = fields.workspace ?? (work.kind === "tools" ? "none" : "clone");
  return inOrder({
    id: fields.id ?? mint(),
    title: fields.title ?? titleOf(work),
    objective: fields.objective ?? null,
    decision: fields.decision ?? null,
    labels: fields.labels ?? [],
    work,
    cwd: fields.cwd ?? ".",
    workspace,
    claims: fields.claims ?? (workspace === "none" ? nothing : null),
    after: fields.after ?? [],
    after_any: fields.after_any ?? [],
    priority: fields.priority ?? 0,
    not_before: fields.not_before ?? null,
    estimate_ms: fields.estimate ?? null,
    timeout_ms: fields.timeout ?? timeoutMs,
    retries: fields.retries ?? { max: 0, backoff_ms: limits.backoffMsDefault },
    ...(fields.on_conflict === "continue" ? { on_conflict: fields.on_conflict } : {}),
    env: fields.env ?? {},
    secrets: fields.secrets ?? [],
    verify: fields.verify ?? [],
    commit: {
      message: fields.commit?.message ?? null,
      author: fields.commit?.author ?? null,
      trailers: fields.commit?.trailers ?? {},
    },
  });
}

const nothing: ClaimSet = { writes: [], reads: [], resources: {} };

/** `["npm","test"]` → `npm test`: one line, cut to 72 characters. */
export function titleOf(work: Work): string {
  switch (work.kind) {
    case "run":
      return oneLine(work.argv.join(" "));
    case "shell":
      return oneLine(work.script.trim().split("\n")[0] ?? "");
    case "tools":
      return "nothing to do";
    default:
      return unreachable(work);
  }
}

function oneLine(text: string): string {
  const shown = text
    .slice(0, 4 * limits.titleMadeLengthMax)
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s\u202a-\u202e\u2066-\u2069]+/gu, " ")
    .trim();
  const characters = Array.from(shown);
  if (shown.length <= limits.titleMadeLengthMax) return shown === "" ? "a command" : shown;
  let cut = "";
  for (const character of characters) {
    if (cut.length + character.length >= limits.titleMadeLengthMax) break;
    cut += character;
  }
  return `${cut.trimEnd()}…`;
}

function withBehavior(spec: TaskSpec, behavior: Behavior, before: TaskId | null): TaskSpec {
  switch (behavior) {
    case "parallel":
      return spec;
    case "sequential":
      return before === null || spec.after.includes(before)
        ? spec
        : { ...spec, after: [...spec.after, before] };
    case "exclusive":
    case "main-only":
      return { ...spec, claims: { ...(spec.claims ?? nothing), writes: ["**"], reads: [] } };
    default:
      return unreachable(behavior);
  }
}

/** Rules between the fields of one task; paths start at the task. */
function taskFaults(fields: TaskFields, spec: TaskSpec | undefined): Fault[] {
  const faults: Fault[] = [];
  if (fields.run === undefined && fields.tools === undefined) {
    faults.push({
      path: [],
      message: 'has nothing to do; give it `run`, for example ["npm","test"]',
    });
  }
  if (fields.run !== undefined && fields.tools !== undefined) {
    faults.push({
      path: ["tools"],
      at: "key",
      message: "stands beside `run`; a task has one of them",
    });
  }
  faults.push(...landsNothingFaults(fields), ...selfFaults(fields), ...secretFaults(fields));
  const length = spec === undefined ? null : limits.specLengthFault(JSON.stringify(spec).length);
  if (length !== null) faults.push({ path: [], message: length });
  return faults;
}

function landsNothingFaults(fields: TaskFields): Fault[] {
  const isInstant = fields.run === undefined && fields.tools !== undefined;
  const message = limits.nothingLandsFault(fields.workspace ?? "clone", isInstant);
  if (message === null) return [];
  const present: Fault[] = [];
  if ((fields.verify ?? []).length > 0) present.push({ path: ["verify"], at: "key", message });
  if (fields.on_conflict === "continue")
    present.push({ path: ["on_conflict"], at: "key", message });
  if (Object.keys(fields.commit ?? {}).length > 0) {
    present.push({ path: ["commit"], at: "key", message });
  }
  return present;
}

function selfFaults(fields: TaskFields): Fault[] {
  return (["after", "after_any"] as const).flatMap((field) => {
    const index = fields.id === undefined ? -1 : (fields[field] ?? []).indexOf(fields.id);
    return index < 0 ? [] : [{ path: [field, index], message: limits.waitsForItself }];
  });
}

function secretFaults(fields: TaskFields): Fault[] {
  return (fields.secrets ?? []).flatMap((name, index) =>
    Object.hasOwn(fields.env ?? {}, name)
      ? [{ path: ["secrets", index], message: limits.alsoInEnv(name) }]
      : [],
  );
}

function repeatedIds(specs: readonly TaskSpec[], pathOf: (index: number) => FieldPath): Fault[] {
  const first = new Map<TaskId, number>();
  return specs.flatMap(({ id }, index) => {
    const before = first.get(id);
    if (before === undefined) {
      first.set(id, index);
      return [];
    }
    return [
      { path: [...pathOf(index), "id"], message: `"${id}" is the id of tasks[${before}] already` },
    ];
  });
}
