import { hash } from "node:crypto";
import { layoutOf } from "../../system/paths.ts";
import { emptyState } from "../../daemon/core/emptyState.ts";
import { Loop } from "../../daemon/loop.ts";
import { openJournal } from "../../daemon/journal/journal.ts";
import type { Journal } from "../../daemon/journal/journal.ts";
import { realClock } from "../../system/clock.ts";
import { instants } from "./load.ts";
import type { Command } from "../../daemon/core/commands.ts";
import type { CoreSettings } from "../../daemon/core/coreSettings.ts";
import type { Effect } from "../../daemon/core/effects.ts";
import type { Oid, TaskId, WorkerId } from "../../ipc/ids.ts";
import type { Saved } from "../../ipc/workerMessages.ts";

/**
 * Writes the journal of a repository that has seen much: `finished` tasks that succeeded, every other
 * one with a commit of its own, then `queued` ones while all is paused. The product's loop, core and journal write it, with snapshots and
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
const rowsAheadMax = 4_000;
const tip = "0".repeat(40) as Oid;

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
    journal: { append: impatient(journal), snapshot: (snapshot) => journal.snapshot(snapshot) },
    wallMs: () => Date.now(),
    setTimer: realClock.setTimer,
    carryOut: (effects) => effects.forEach((effect) => carryOut(loop, effect)),
    publish: () => {},
    die: failed.reject,
  });
  const ask = (command: Command) => Promise.race([loop.ask(command), failed.promise]);
  await ask({ type: "supervisorStarted", epoch: 1, settings });
  await ask({ type: "branchPrepared", tip, targetTip: tip });
  await ask({ type: "workerReady", worker, holding: [] });
  for (let at = 0; at < finished; at += perSubmit) {
    await ask(submitOf(Math.min(perSubmit, finished - at)));
    while (state.counts.queued + state.counts.running + state.counts.landing > 0)
      await loop.read(() => null);
  }
  await ask({ type: "pause", ids: [] });
  for (let at = 0; at < queued; at += perSubmit) await ask(submitOf(perSubmit));
  await loop.end();
}

/** Acknowledges before it is synced, which only a benchmark may: what piles up is one commit. */
function impatient(journal: Journal): Journal["append"] {
  let ahead = 0;
  return async (rows) => {
    ahead += rows.length;
    const appended = journal.append(rows);
    if (ahead < rowsAheadMax) return { ok: true, value: null };
    ahead = 0;
    return await appended;
  };
}

function submitOf(count: number): Command {
  const tasks = instants(count).map((spec) => ({ spec, digest: hash("sha256", spec.id) }));
  return { type: "submit", tasks };
}

function carryOut(loop: Loop, effect: Effect): void {
  if (effect.kind === "dispatch") {
    const { task, attempt, fence } = effect;
    const saved = fence % 2 === 0 ? null : savedBy(task, attempt, fence);
    const outcome = { result: "done", saved } as const;
    loop.tell({ type: "report", worker, report: { task, attempt, fence, outcome, elapsed_ms: 1 } });
  } else if (effect.kind === "merge") {
    const { task, fence } = effect;
    const below = effect.onto ?? { commit: loop.state.landing.tip ?? tip, tree: tip };
    const [candidate, tree] = [oidOf(`${task} commit`), oidOf(`${task} tree`)];
    const [onto, ontoTree] = [below.commit, below.tree];
    const result = { kind: "candidate", candidate, tree, onto, ontoTree } as const;
    const asked = effect.onto === undefined ? {} : { onto };
    loop.tell({ type: "merged", task, fence, result, ...asked });
  } else if (effect.kind === "move") {
    const { task, fence, candidate } = effect;
    loop.tell({ type: "moved", task, fence, result: { kind: "moved", commit: candidate.commit } });
  }
}

function savedBy(task: TaskId, attempt: number, fence: number): Saved {
  const ref = `refs/orchd/attempts/${task}/${attempt}`;
  const touched = [`src/part${fence % 100}/${task}.ts`];
  const commit = oidOf(`${task} saved`);
  return { commit, base: tip, ref, touched, touched_total: 1, descends: true };
}

function oidOf(text: string): Oid {
  return hash("sha1", text) as Oid;
}
