import { rebuildSchedule, resetSchedule } from "../../../../daemon/core/scheduleIndex.ts";
import { restore, stateRow } from "../../../../daemon/core/snapshot.ts";
import { isFinal } from "../../../../daemon/core/state.ts";
import {
  World,
  defaultSettings,
  gate,
  holdId,
  id,
  oid,
  readyCommand,
  request,
  saved,
  spec,
  started,
  submit,
  testCommand,
  throughJson,
  worker,
} from "../../../helpers/core.ts";
import type { Command } from "../../../../daemon/core/commands.ts";
import type { Outcome } from "../../../../ipc/workerMessages.ts";
import type { StoredTask, Task } from "../../../../daemon/core/state.ts";
import type { ClaimSet } from "../../../../ipc/taskSpec.ts";
import type { HoldId, TaskId } from "../../../../ipc/ids.ts";
import type { SpecChanges } from "../../../helpers/core.ts";

/**
 * A story is a list of acts, plain values that fast-check can make and shrink. What an act means is
 * read off the world at that moment: `pick` chooses among the tasks or workers there are.
 */
export type Act =
  | { readonly do: "submit"; readonly tasks: readonly Plan[] }
  | {
      readonly do: "submitAgain" | "cancel" | "retry" | "pause" | "resume" | "evict";
      readonly pick: number;
    }
  | {
      readonly do:
        "pauseAll" | "resumeAll" | "pauseLabel" | "resumeLabel" | "release" | "restart" | "reread";
    }
  | { readonly do: "workerReady" | "workerGone" | "gateReady" | "gateGone"; readonly pick: number }
  | { readonly do: "report"; readonly pick: number; readonly how: number; readonly stale: boolean }
  | { readonly do: "land"; readonly how: number; readonly stale: boolean }
  | { readonly do: "hold"; readonly kind: "problem" | "rewound" }
  | { readonly do: "followed"; readonly how: number }
  | { readonly do: "settings"; readonly how: number }
  | { readonly do: "lock"; readonly claims: number; readonly wait: boolean }
  | { readonly do: "unlock" | "giveUp" | "breakLock" | "foreign"; readonly pick: number }
  | { readonly do: "pass"; readonly ms: number };

export type Plan = {
  readonly work: "run" | "tools";
  readonly claims: number;
  readonly after: readonly number[];
  readonly afterAny: readonly number[];
  readonly priority: number;
  readonly delayMs: number | null;
  readonly retries: number;
  readonly verify: boolean;
};

export const claimChoices: readonly SpecChanges["claims"][] = [
  [],
  null,
  ["**"],
  ["a/**"],
  ["a/b"],
  ["*/a"],
  ["b", "ab/**/a"],
  ["{a,b}/*"],
  { reads: ["a/**"] },
  { reads: ["**"] },
  { reads: ["b"], writes: ["ab"] },
  { resources: { db: 1 } },
  { resources: { db: 2 } },
  { writes: ["ba"], resources: { db: 1, gpu: 1 } },
];

const touchedChoices: readonly (readonly string[] | null)[] = [
  null,
  ["a/b"],
  ["b"],
  ["ab/a", "b/a"],
  ["ba/ba/ba"],
];

/** Of the tasks with a priority above 0. */
const label = "urgent";

export class Story {
  readonly world = new World();
  /** Final tasks that are out of memory, as the journal would give them back. */
  readonly archive = new Map<TaskId, StoredTask>();
  #submitted = 0;
  #requests = 0;
  #epoch = 1;
  #commits = 0;
  #locks = 0;
  #settings = {
    ...defaultSettings,
    slots: 3,
    resources: { db: 2 },
    verify: [testCommand],
    fairnessWindowMs: 5_000,
    chainMax: 3,
  };

  constructor() {
    const prepared = { type: "branchPrepared", tip: oid("tip"), targetTip: oid("tip") } as const;
    const workers = [1, 2, 3].map((slot) => readyCommand(worker(slot)));
    this.world.turn(started(this.#settings), prepared, ...workers);
  }

  play(act: Act): void {
    const command = this.#commandOf(act);
    this.world.turn(...(command === null ? [] : [command]));
  }

  /** Everything is answered, kindly, until nothing is open any more. */
  settle(turnsMax: number): void {
    const { world } = this;
    this.#settings = { ...this.#settings, slots: 3 };
    world.turn({ type: "settingsChanged", settings: this.#settings });
    const paused = [...world.state.tasks.values()]
      .filter((task) => task.paused)
      .map((task) => task.id);
    world.turn({ type: "resume", ids: [] }, { type: "resumeLabel", label });
    // What a landing ran into goes away by itself, a reset of the target when it is undone; only a
    // base that stays red needs somebody.
    this.play({ do: "followed", how: 0 });
    if (world.state.landing.redBase !== null) world.turn({ type: "landingReleased", tip: null });
    if (paused.length > 0) world.turn({ type: "resume", ids: paused });
    for (const slot of [1, 2, 3, 4, 5])
      if (!world.state.workers.has(worker(slot)))
        world.turn(readyCommand(worker(slot), world.keysOf(this.#fencesOn(slot))));
    for (const hold of world.state.holds.keys())
      world.turn({ type: "unlock", hold, because: "released" });
    for (let turns = 0; turns < turnsMax && this.open() > 0; turns += 1) {
      const running = world.running();
      for (const name of running) world.done(name, ["a/b"]);
      this.play({ do: "land", how: 0, stale: false });
      world.pass(60_000);
    }
  }

  open(): number {
    const { queued, running, landing } = this.world.state.counts;
    return queued + running + landing;
  }

  #commandOf(act: Act): Command | null {
    const { world } = this;
    switch (act.do) {
      case "submit":
        return submit(...act.tasks.map((plan) => this.#specOf(plan)));
      case "submitAgain": {
        const task = this.#pick(act.pick);
        return task === null ? null : { type: "submit", tasks: [task] };
      }
      case "cancel":
      case "pause":
      case "resume": {
        const task = this.#pick(act.pick);
        return task === null ? null : { type: act.do, ids: [task.id] };
      }
      case "retry":
        return this.#retry(act.pick);
      case "evict": {
        const final = [...world.state.tasks.values()].filter(({ life }) => isFinal(life));
        const task = final[act.pick % Math.max(1, final.length)];
        if (task !== undefined) this.archive.set(task.id, world.evict(task.id));
        return null;
      }
      case "pauseAll":
        return { type: "pause", ids: [] };
      case "resumeAll":
        return { type: "resume", ids: [] };
      case "pauseLabel":
      case "resumeLabel":
        return { type: act.do, label };
      case "release":
        return { type: "landingReleased", tip: null };
      case "restart":
        this.#epoch += 1;
        return started(this.#settings, this.#epoch);
      case "reread":
        this.reread();
        return null;
      case "workerReady": {
        const slot = (act.pick % 4) + 1;
        return readyCommand(
          worker(slot),
          world.keysOf(act.pick % 2 === 0 ? this.#fencesOn(slot) : []),
        );
      }
      case "workerGone":
        return { type: "workerGone", worker: worker((act.pick % 4) + 1) };
      case "gateReady":
        return readyCommand(gate);
      case "gateGone":
        return { type: "workerGone", worker: gate };
      case "report":
        return this.#report(act);
      case "land":
        return this.#land(act);
      case "hold":
        return { type: "landingHeld", reason: { kind: act.kind, message: act.kind } };
      case "followed":
        return {
          type: "followed",
          result:
            act.how % 2 === 0
              ? { kind: "followed", to: world.state.landing.tip ?? oid("tip") }
              : { kind: "waiting", reason: "edited", paths: ["a/b"] },
        };
      case "settings":
        this.#settings = {
          ...this.#settings,
          slots: 1 + (act.how % 4),
          resources: act.how % 3 === 0 ? { db: 1 } : { db: 3 },
          verify: act.how % 2 === 0 ? [] : [testCommand],
          generated: act.how % 5 === 4 ? [] : [generatedRule],
          outsideClaims: (["extend", "fail", "allow"] as const)[act.how % 3] ?? "extend",
        };
        return { type: "settingsChanged", settings: this.#settings };
      case "lock":
        return this.#lock(act);
      case "unlock": {
        const hold = this.#pickHold(act.pick);
        return hold === null ? null : { type: "unlock", hold, because: "released" };
      }
      case "giveUp": {
        const hold = this.#pickHold(act.pick);
        return hold === null ? null : { type: "giveUpWaiting", hold };
      }
      case "breakLock": {
        const holder = this.#pickHold(act.pick) ?? this.#pick(act.pick)?.id;
        return holder === undefined ? null : { type: "breakLocks", holders: [holder] };
      }
      case "foreign": {
        const { writes } = claimsOf(act.pick);
        const claims = { writes, reads: [], resources: {} };
        const hold = holdId(`foreign:f${act.pick % 3}`);
        return { type: "foreignClaim", hold, claims, owner: null, note: "a file" };
      }
      case "pass":
        world.at += act.ms;
        return null;
    }
  }

  /** The process is another one: what is in memory comes from snapshot rows, read through JSON. */
  reread(): void {
    const { world } = this;
    const { state } = world;
    const rows = throughJson({
      row: stateRow(state),
      tasks: [...state.tasks.values()].filter(({ life }) => !isFinal(life)),
      finals: [...state.finals].map(([name, final]) => ({ id: name, ...final })),
    });
    for (const task of state.tasks.values())
      if (isFinal(task.life)) this.archive.set(task.id, throughJson(task));
    world.state = restore(rows.row, rows.tasks, rows.finals, world.at);
    resetSchedule(world.state);
    rebuildSchedule(world.state, world.at);
    this.#epoch += 1;
    world.turn(started(this.#settings, this.#epoch));
  }

  #specOf(plan: Plan) {
    const name = `t${this.#submitted}`;
    const earlier = (picks: readonly number[]) =>
      this.#submitted === 0 ? [] : [...new Set(picks.map((pick) => `t${pick % this.#submitted}`))];
    const dependencies = { after: earlier(plan.after), after_any: earlier(plan.afterAny) };
    this.#submitted += 1;
    return spec(name, {
      ...dependencies,
      work: plan.work === "run" ? { kind: "run", argv: ["true"] } : { kind: "tools", calls: [] },
      claims:
        plan.work === "tools" && plan.claims % 2 === 0
          ? []
          : (claimChoices[plan.claims % claimChoices.length] ?? []),
      priority: plan.priority,
      labels: plan.priority > 0 ? ["others", label] : [],
      not_before: plan.delayMs === null ? null : { delay_ms: plan.delayMs },
      retries: { max: plan.retries, backoff_ms: 2_000 },
      verify: plan.verify ? [["own", "check"]] : [],
    });
  }

  #pick(pick: number): Task | null {
    if (this.#submitted === 0) return null;
    const name = id(`t${pick % this.#submitted}`);
    return this.world.state.tasks.get(name) ?? this.archive.get(name) ?? null;
  }

  /** Now and then it is asked again, as after a lost connection. */
  #lock({ claims, wait }: Extract<Act, { do: "lock" }>): Command {
    if (claims % 5 !== 0 || this.#locks === 0) this.#locks += 1;
    const id = holdId(`lock:l${this.#locks}`);
    const note = "by hand";
    return { type: "lock", request: { id, claims: claimsOf(claims), owner: somebody, note }, wait };
  }

  #pickHold(pick: number): HoldId | null {
    const holds = [...this.world.state.holds.keys()];
    return holds[pick % Math.max(1, holds.length)] ?? null;
  }

  #retry(pick: number): Command | null {
    const picked = [this.#pick(pick), this.#pick(pick * 7 + 1)].flatMap((task) => task ?? []);
    const over = picked.filter(({ id: name }) => {
      const status = this.world.state.finals.get(name)?.status;
      return status === "failed" || status === "cancelled";
    });
    if (over.length === 0) return null;
    this.#requests += 1;
    const names = over.map((task) => task.id);
    return {
      type: "retry",
      request: request(`r${this.#requests}`),
      ids: names,
      archived: this.archive,
    };
  }

  #report({ pick, how, stale }: Extract<Act, { do: "report" }>): Command | null {
    const { world } = this;
    const running = world.running();
    const name = running[pick % Math.max(1, running.length)];
    if (name === undefined) return null;
    const { attempts, life } = world.task(name);
    const by = life.status === "running" ? life.worker : worker(1);
    const fence = world.fence(name) - (stale ? 1 : 0);
    const key = { task: id(name), attempt: attempts.at(-1)?.number ?? 0, fence };
    const report = { ...key, outcome: outcomeOf(how), elapsed_ms: 5 };
    return { type: "report", worker: by, report };
  }

  #land({ how, stale }: Extract<Act, { do: "land" }>): Command | null {
    const { world } = this;
    const { current, tip } = world.state.landing;
    const task = current === null ? undefined : world.state.tasks.get(current);
    if (task?.life.status !== "landing") return null;
    const { step, fence: attempt } = task.life;
    const fence = attempt + (stale ? 1 : 0);
    const kind = how % 6;
    this.#commits += 1;
    const commit = oid(`c${this.#commits}x`);
    switch (step.at) {
      case "waiting":
      case "chained":
        return null;
      case "merging": {
        const front = step.onto === undefined ? {} : { onto: step.onto };
        const key = { type: "merged", task: task.id, fence, ...front } as const;
        if (kind === 1) return { ...key, result: { kind: "no_change" } };
        if (kind === 2)
          return {
            ...key,
            result: { kind: "conflict", paths: ["b"], ref: "refs/x", ours: oid("tip") },
          };
        if (kind === 3 && step.regenerated === undefined)
          return {
            ...key,
            result: { kind: "generate", commit, ...(meetings[how % 2] ?? meetings[0]) },
          };
        const onto = step.onto ?? tip ?? oid("tip");
        const ontoTree = oid(`tree-${onto.slice(0, 8)}x`);
        return {
          ...key,
          result: {
            kind: "candidate",
            candidate: commit,
            tree: oid(`tree-${commit.slice(0, 8)}x`),
            onto,
            ontoTree,
          },
        };
      }
      case "generating":
      case "gate": {
        const outcome = step.at === "gate" ? gateOutcome(kind) : generationOutcome(kind);
        const key = {
          task: task.id,
          attempt: task.attempts.length,
          fence: step.fence + (stale ? 1 : 0),
        };
        return {
          type: "report",
          worker: gate,
          report: { ...key, outcome, elapsed_ms: 1 },
        };
      }
      case "moving": {
        const result =
          kind === 1
            ? ({ kind: "outdated" } as const)
            : ({ kind: "moved", commit: step.candidate.commit } as const);
        return { type: "moved", task: task.id, fence, result };
      }
    }
  }

  #fencesOn(slot: number): number[] {
    return [...this.world.state.tasks.values()].flatMap(({ life }) =>
      life.status === "running" && life.worker === worker(slot) ? [life.fence] : [],
    );
  }
}

const somebody = { pid: 1, startTime: 1, bootId: "b", pidNamespace: "n", host: "h" };

function claimsOf(pick: number): ClaimSet {
  const choice = claimChoices[pick % claimChoices.length] ?? ["a/b"];
  const none = { writes: [], reads: [], resources: {} };
  return "length" in choice ? { ...none, writes: choice } : { ...none, ...choice };
}

function outcomeOf(how: number): Outcome {
  const touched = touchedChoices[how % touchedChoices.length] ?? null;
  const work = touched === null ? null : saved(touched, { descends: how % 11 !== 0 });
  switch (how % 8) {
    case 0:
      return { result: "failed", failure: { kind: "exit", exit_code: 1 }, saved: work };
    case 2:
      return { result: "ended", saved: work };
    case 3:
      return { result: "lost", saved: work };
    default:
      return { result: "done", saved: work };
  }
}

const generatedRule = { paths: ["b"], run: ["make"], timeoutMs: 1_000 } as const;

const met = { globs: ["b"], paths: ["b"] };
const meetings = [
  { ...met, tree: oid("tree-met-1") },
  { ...met, tree: oid("tree-met-2") },
] as const;

function generationOutcome(kind: number): Outcome {
  const made = { result: "generated", tree: oid("tree-made"), others: [] } as const;
  return kind === 0 || kind === 5 ? made : gateOutcome(kind);
}

function gateOutcome(kind: number): Outcome {
  const failure = { kind: "exit", exit_code: 1 } as const;
  switch (kind) {
    case 1:
      return { result: "gate_red", command: testCommand, failure, output: "no" };
    case 2:
      return { result: "gate_red", command: ["own", "check"], failure, output: "no" };
    case 3:
      return { result: "lost", saved: null };
    case 4:
      return { result: "failed", failure: { kind: "workspace", message: "no" }, saved: null };
    default:
      return { result: "gate_green" };
  }
}
