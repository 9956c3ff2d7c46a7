import { everything, globs, maskOf, paths, pathsIn } from "./paths.ts";
import type { AttemptFailure } from "../../ipc/workerMessages.ts";
import type { ClaimSet, TaskSpec } from "../../ipc/taskSpec.ts";
import type { Machine } from "./machine.ts";
import type { Random } from "./random.ts";
import type { TaskId } from "../../ipc/ids.ts";

/** Draws tasks, and what their agents will do. */
export type AttemptPlan = {
  readonly ms: number;
  readonly writes: Readonly<Record<string, string>>;
  readonly failure: AttemptFailure | null;
  readonly descends: boolean;
};

/** In the supervisor's environment; the journal and the logs are searched for it (S12). */
export const secretName = "TOKEN";
export const secretValue = "hush-6c1f9a";

const noClaims: ClaimSet = { writes: [], reads: [], resources: {} };

/** `before`: tasks it may come after. */
export function drawSpec(machine: Machine, id: TaskId, before: readonly TaskId[]): TaskSpec {
  const { random, scenario } = machine;
  const { work } = scenario;
  const instant = random.chance(work.instant);
  const after = random.chance(work.after) ? random.some(before, random.int(1, 3)) : [];
  const anyEnd = random.chance(0.3);
  return {
    id,
    title: id,
    objective: null,
    decision: null,
    labels: [],
    work: instant ? { kind: "tools", calls: [] } : { kind: "run", argv: ["agent"] },
    cwd: ".",
    workspace: "clone",
    claims: instant && random.chance(0.5) ? noClaims : drawClaims(machine),
    after: anyEnd ? [] : after,
    after_any: anyEnd ? after : [],
    priority: random.chance(0.2) ? random.int(-5, 5) : 0,
    not_before: random.chance(work.delayed) ? drawStart(machine) : null,
    estimate_ms: null,
    timeout_ms: 60_000,
    retries: { max: random.int(0, 2), backoff_ms: random.logarithmic(10, 5_000) },
    // Without a draw, so that the seeds of before go on as they did.
    ...(Number(id.slice(1)) % 3 === 2 && !instant ? { on_conflict: "continue" } : {}),
    env: {},
    secrets: random.chance(0.2) ? [secretName] : [],
    verify: random.chance(0.1) && scenario.settings.verify.length < 2 ? [["npm", "test"]] : [],
    commit: { message: null, author: null, trailers: {} },
  };
}

function drawStart({ random, timeline }: Machine): TaskSpec["not_before"] {
  const ms = random.int(0, 30_000);
  return random.chance(0.5) ? { delay_ms: ms } : { at_ms: timeline.trueWallMs + ms };
}

function drawClaims({ random, scenario }: Machine): ClaimSet | null {
  const { claims, settings } = scenario;
  if (random.chance(claims.optimistic)) return null;
  if (random.chance(claims.nothing)) return noClaims;
  if (random.chance(claims.everything)) return { ...noClaims, writes: [everything] };
  const resources = random.chance(claims.resources)
    ? { db: random.int(1, settings.resources["db"] ?? 1) }
    : {};
  const picked = random.some(globs.slice(1), random.int(1, 3));
  const reads = random.chance(0.3) ? picked.splice(1) : [];
  return { writes: picked, reads, resources };
}

/** Of one who asks for a lock or leaves a file: it always claims something. */
export function drawSomeClaims({ scenario }: Machine, random: Random): ClaimSet {
  const { claims, settings } = scenario;
  const resources = random.chance(0.2) ? { db: random.int(1, settings.resources["db"] ?? 1) } : {};
  if (random.chance(claims.everything)) return { ...noClaims, writes: [everything] };
  const picked = random.some(globs.slice(1), random.int(1, 3));
  const reads = random.chance(0.3) ? picked.splice(1) : [];
  return { writes: picked, reads, resources };
}

export function attemptPlan(
  machine: Machine,
  assignment: { spec: TaskSpec; attempt: number },
): AttemptPlan {
  const { random, scenario } = machine;
  const { spec, attempt } = assignment;
  const { work } = scenario;
  const ms = random.logarithmic(20, scenario.attemptMsMax);
  const writes = random.chance(work.changesNothing) ? {} : drawWrites(machine, spec, attempt);
  const failure = random.chance(work.fails) ? drawFailure(random) : null;
  return { ms, writes, failure, descends: !random.chance(0.01) };
}

function drawFailure(random: Random): AttemptFailure {
  return random.pick<AttemptFailure>([
    { kind: "exit", exit_code: 1 },
    { kind: "timeout", timeout_ms: 60_000 },
    { kind: "signal", signal: "SIGSEGV" },
    { kind: "setup", message: "npm ci failed" },
  ]);
}

function drawWrites(machine: Machine, spec: TaskSpec, attempt: number): Record<string, string> {
  const { random, scenario } = machine;
  const declared = spec.claims === null ? paths : pathsIn(maskOf(spec.claims.writes));
  const allowed = random.chance(scenario.work.outside) ? paths : declared;
  const mark = random.chance(scenario.work.red) ? random.pick(["!red", "!lint", "!p", "!q"]) : "";
  const touched = random.some(allowed, random.int(1, 3));
  const broken = scenario.setup?.broken ?? 0;
  const breaksSetup = broken > 0 && random.chance(broken) ? "!setup" : "";
  const end = mark === "" ? breaksSetup : mark;
  return Object.fromEntries(touched.map((path) => [path, `${spec.id}.${attempt}${end}`]));
}
