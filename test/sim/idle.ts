import { claimConflict, compileHolding } from "../../daemon/core/claims.ts";
import { claimsNothing, holdingOf, holdingOfHold } from "../../daemon/core/holding.ts";
import { isInstant } from "../../daemon/core/state.ts";
import { must } from "./violation.ts";
import type { CompiledHolding } from "../../daemon/core/claims.ts";
import type { Checker } from "./checker.ts";
import type { HolderId } from "../../ipc/ids.ts";
import type { Loop } from "../../daemon/loop.ts";
import type { State, Task } from "../../daemon/core/state.ts";

/** What must be so whenever everything is durable: the state is what the journal tells (S5), and no task waits that could run (L2). */
export function checkIdle(loop: Loop, checker: Checker): void {
  const { state } = loop;
  checker.sameTasks(state);
  checkCounts(state);
  checkChain(state);
  checkHolders(state);
  if (!loop.draining && !loop.stopping && !state.paused) checkConserving(state);
}

function checkCounts(state: State): void {
  const counts = { queued: 0, running: 0, landing: 0 };
  for (const { life } of state.tasks.values())
    if (life.status === "queued" || life.status === "running" || life.status === "landing")
      counts[life.status] += 1;
  for (const status of ["queued", "running", "landing"] as const)
    must(counts[status] === state.counts[status], "S5", () => `the count of ${status} is wrong`);
}

function checkHolders(state: State): void {
  const tasks: { readonly id: HolderId }[] = [...state.tasks.values()].filter(isHolding);
  const holding = [
    ...tasks,
    ...[...state.holds.values()].filter(({ granted }) => granted !== null),
  ];
  const { holders } = state.schedule;
  const same = holding.length === holders.size && holding.every(({ id }) => holders.has(id));
  must(
    same,
    "S3",
    () => `held: ${[...holders.keys()].join()}; ${holding.map(({ id }) => id).join()}`,
  );
}

/** Each is merged onto the one in front of it, so what lands for one holds nothing of who left (S2). */
function checkChain(state: State): void {
  const steps = state.landing.chain.map((id) => {
    const life = state.tasks.get(id)?.life;
    return life?.status === "landing" ? life.step : null;
  });
  for (const [place, step] of steps.slice(1).entries()) {
    if (step === null || !("candidate" in step)) continue;
    const front = steps[place];
    const onto = front != null && "candidate" in front ? front.candidate.commit : null;
    const id = state.landing.chain[place + 1];
    must(
      step.candidate.onto === onto,
      "S2",
      () => `${id} is merged onto who is not in front of it`,
    );
  }
}

function isHolding(task: Task): boolean {
  const { status } = task.life;
  return (status === "running" || status === "landing") && !claimsNothing(task);
}

/** A worker that holds nothing, and a task that nobody stands in the way of. */
function checkConserving(state: State): void {
  const holds = [...state.holds.values()].map((one) => compileHolding(holdingOfHold(one)));
  const idle = [...state.workers.values()].some(
    ({ slot, held }) => slot !== null && slot <= state.settings.slots && held.size === 0,
  );
  if (!idle || state.counts.queued === 0) return;
  const inTheWay = [...state.tasks.values()].filter(
    (task) => task.life.status === "queued" || isHolding(task),
  );
  const holdings = new Map(inTheWay.map((task) => [task, compileHolding(holdingOf(task))]));
  const runnable = inTheWay.find((task) => couldRun(state, task, holdings, holds));
  must(runnable === undefined, "L2", () => `${runnable?.id} could run, a worker is idle`);
}

/**
 * Those that wait count as in the way, too: one of them may be owed its turn. Whether two claims
 * conflict is asked of the product, which knows of paths that are not there yet; that its answer keeps
 * them apart is what the checker tries with every path (S3).
 */
function couldRun(
  state: State,
  task: Task,
  holdings: ReadonlyMap<Task, CompiledHolding>,
  holds: readonly CompiledHolding[],
): boolean {
  const { spec, life, paused } = task;
  if (paused || life.status !== "queued" || life.notBefore !== null) return false;
  if (![...spec.after, ...spec.after_any].every((id) => state.finals.has(id))) return false;
  if (isInstant(spec)) return claimsNothing(task);
  const mine = holdings.get(task);
  if (mine === undefined || mine.resources.size > 0) return false;
  for (const [other, theirs] of holdings)
    if (other !== task && claimConflict(mine, theirs) !== null) return false;
  return holds.every((theirs) => claimConflict(mine, theirs) === null);
}
