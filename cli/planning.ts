import { hash } from "node:crypto";
import { outsideIds, planTasks } from "../daemon/core/plan/plan.ts";
import { withBarriers } from "../daemon/core/plan/barriers.ts";
import { failure, FailureError } from "../ipc/errors.ts";
import { pairsListedMax } from "../ipc/planView.ts";
import { afterMax } from "../ipc/taskRules.ts";
import { quickSpeller } from "../system/quickSpelling.ts";
import { spellClaims } from "../system/claimSpelling.ts";
import { findRepository } from "../system/repository.ts";
import type { Barriers } from "../daemon/core/plan/barriers.ts";
import type { Config } from "../ipc/configSpec.ts";
import type { TaskId } from "../ipc/ids.ts";
import type { TaskStatus } from "../ipc/taskViews.ts";
import type { PlanView } from "../ipc/planView.ts";
import type { TaskSpec } from "../ipc/taskSpec.ts";
import type { Spelling } from "../system/claimSpelling.ts";
import type { Session, Supervisor } from "./session.ts";

/** Tasks of one plan: as many as one submit takes. */
const tasksMax = 10_000;

type Ground = {
  readonly config: Pick<Config, "max_parallel" | "resources">;
  readonly known: ReadonlyMap<TaskId, TaskStatus>;
};

/**
 * The plan of these tasks by themselves, on a supervisor that has nothing else to do. Where one runs, its
 * settings count, and what it knows of tasks that are not in the plan; else those of orchd.yaml.
 *
 * @param maxParallel instead of what the settings say
 */
export async function planFor(
  session: Session,
  specs: readonly TaskSpec[],
  maxParallel: number | null,
): Promise<PlanView> {
  const distinct = withoutRepeats(specs);
  const { config, known } = await groundOf(session, distinct);
  return planTasks(await completed(session, distinct), {
    slots: maxParallel ?? config.max_parallel,
    resources: config.resources,
    known,
    now: session.terminal.now(),
    pairsListedMax,
  });
}

/** The tasks with a barrier between the waves of their plan. Ids of other tasks are left to the supervisor. */
export async function inWaves(
  session: Session,
  specs: readonly TaskSpec[],
  config: Ground["config"],
): Promise<Barriers> {
  const distinct = withoutRepeats(specs);
  const { waves } = planTasks(await completed(session, distinct), {
    slots: config.max_parallel,
    resources: config.resources,
    known: new Map(outsideIds(distinct).map((id) => [id, "queued"])),
    now: session.terminal.now(),
    pairsListedMax: 0,
  });
  const ids = waves.map(({ tasks }) => tasks);
  const mark = hash("sha256", JSON.stringify(ids), "hex").slice(0, 8);
  return withBarriers(distinct, ids, { mark, afterMax });
}

/** An id may stand in two files if it stands for the same task. */
function withoutRepeats(specs: readonly TaskSpec[]): readonly TaskSpec[] {
  const distinct = new Map<TaskId, TaskSpec>();
  for (const spec of specs) {
    const first = distinct.get(spec.id);
    if (first === undefined) distinct.set(spec.id, spec);
    else if (JSON.stringify(first) !== JSON.stringify(spec)) {
      const message = `Two tasks have the id ${spec.id} and ask for different things.`;
      throw new FailureError(failure("id_taken", message));
    }
  }
  if (distinct.size <= tasksMax) return [...distinct.values()];
  const message = `These are ${distinct.size} tasks; a plan, as a submit, takes at most ${tasksMax}.`;
  throw new FailureError(failure("limit", message));
}

async function groundOf(session: Session, specs: readonly TaskSpec[]): Promise<Ground> {
  const client = await supervisorIfAny(session);
  if (client === null) {
    const { readSettings } = await import("./configFile.ts");
    const { config } = await readSettings(session);
    return { config, known: new Map() };
  }
  const { config } = await client.call("config", {});
  const found = await Promise.all(outsideIds(specs).map((id) => statusOf(client, id)));
  return { config, known: new Map(found.filter((one) => one !== null)) };
}

async function supervisorIfAny(session: Session): Promise<Supervisor | null> {
  try {
    return await session.connect();
  } catch (error) {
    if (error instanceof FailureError && error.failure.code === "no_supervisor") return null;
    throw error;
  }
}

async function statusOf(client: Supervisor, id: TaskId): Promise<[TaskId, TaskStatus] | null> {
  try {
    return [id, (await client.call("show", { id })).status];
  } catch (error) {
    if (error instanceof FailureError && error.failure.code === "not_found") return null;
    throw error;
  }
}

/** With their claims as the repository spells them, which the supervisor does when they are submitted. */
async function completed(
  session: Session,
  specs: readonly TaskSpec[],
): Promise<readonly TaskSpec[]> {
  const found = await findRepository(session.directory);
  if (!found.ok || found.value.workTree === null) return specs;
  const { workTree, ignoresCase: foldsCase } = found.value;
  const spelling = { workTree, foldsCase, quick: quickSpeller(workTree) };
  const done: TaskSpec[] = [];
  // One after the other: a plan may name 200,000 paths.
  for (const spec of specs) done.push(await spelled(spec, spelling));
  return done;
}

async function spelled(spec: TaskSpec, spelling: Spelling): Promise<TaskSpec> {
  if (spec.claims === null) return spec;
  const writes = await spellClaims(spec.claims.writes, spelling);
  const reads = await spellClaims(spec.claims.reads, spelling);
  return { ...spec, claims: { ...spec.claims, writes, reads } };
}
