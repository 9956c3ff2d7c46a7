import { layoutOf } from "../../system/paths.ts";
import { emptyState } from "../../daemon/core/evolve.ts";
import { Loop } from "../../daemon/loop.ts";
import { openJournal } from "../../daemon/journal/journal.ts";
import { realClock } from "../../system/clock.ts";
import { instants } from "./load.ts";
import type { Command } from "../../daemon/core/commands.ts";
import type { CoreSettings } from "../../daemon/core/events.ts";
import type { Effect } from "../../daemon/core/effects.ts";
import type { Oid, WorkerId } from "../../ipc/ids.ts";

/**
 * Writes the journal of a repository that has seen much: `finished` tasks that succeeded, then
 * `queued` ones while all is paused. The product's loop, core and journal write it, with snapshots and
 * all; a worker is played that does nothing, at once.
 */
const settings: CoreSettings = {
  slots: 1,
  follow: "off",
  target: "main",
  verify: [],
  verifyTimeoutMs: 60_000,
  gate: "chain",
  chainMax: 16,
  outsideClaims: "extend",
  resources: {},
  fairnessWindowMs: 60_000,
  tasksOpenMax: 1_000_000,
};
const worker = "worker-1" as WorkerId;
const perSubmit = 2_000;

export async function writeFullJournal(
  repo: string,
  { finished, queued }: { readonly finished: number; readonly queued: number },
): Promise<void> {
  const { journal: path } = layoutOf({ commonDir: `${repo}/.git`, workTree: repo });
  const opened = await openJournal(path, { epoch: 1 });
  if (!opened.ok) throw new Error(JSON.stringify(opened.problem));
  await using journal = opened.value;
  const state = emptyState();
  const failed = Promise.withResolvers<never>();
  const loop = new Loop(state, [], {
    journal,
    wallMs: () => Date.now(),
    setTimer: realClock.setTimer,
    carryOut: (effects) => effects.forEach((effect) => carryOut(loop, effect)),
    publish: () => {},
    die: failed.reject,
  });
  const tip = "0".repeat(40) as Oid;
  const ask = (command: Command) => Promise.race([loop.ask(command), failed.promise]);
  await ask({ type: "supervisorStarted", epoch: 1, settings });
  await ask({ type: "branchPrepared", tip, targetTip: tip });
  await ask({ type: "workerReady", worker, holding: [] });
  for (let at = 0; at < finished; at += perSubmit) {
    await ask(submitOf(Math.min(perSubmit, finished - at)));
    while (state.counts.queued + state.counts.running > 0) await loop.read(() => null);
  }
  await ask({ type: "pause", ids: [] });
  for (let at = 0; at < queued; at += perSubmit) await ask(submitOf(perSubmit));
  await loop.end();
}

function submitOf(count: number): Command {
  const tasks = instants(count).map((spec) => ({ spec, digest: spec.id.padEnd(64, "0") }));
  return { type: "submit", tasks };
}

function carryOut(loop: Loop, effect: Effect): void {
  if (effect.kind !== "dispatch") return;
  const { task, attempt, fence } = effect;
  const outcome = { result: "done", saved: null } as const;
  loop.tell({ type: "report", worker, report: { task, attempt, fence, outcome, elapsed_ms: 1 } });
}
