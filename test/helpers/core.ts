import { decide } from "../../daemon/core/decide.ts";
import { emptyState } from "../../daemon/core/emptyState.ts";
import { evolve } from "../../daemon/core/evolve.ts";
import { expect } from "chai";
import { grantHolds } from "../../daemon/core/holds.ts";
import { runOf } from "../../daemon/core/chainEnds.ts";
import { plainSpec } from "./plainSpec.ts";
import { react } from "../../daemon/core/react.ts";
import { scheduleTasks } from "../../daemon/core/schedule.ts";
import { startLanding } from "../../daemon/core/landing.ts";
import { whyWaiting } from "../../daemon/core/explain.ts";
import type { Command, Decision, MergeResult, MoveResult } from "../../daemon/core/commands.ts";
import type { CoreSettings } from "../../daemon/core/coreSettings.ts";
import type { Event, Recorded } from "../../daemon/core/events.ts";
import type { Effect } from "../../daemon/core/effects.ts";
import type { ErrorCode } from "../../ipc/errors.ts";
import type { HoldId, Oid, RequestId, TaskId, WorkerId } from "../../ipc/ids.ts";
import type { Argv, ClaimSet, TaskSpec } from "../../ipc/taskSpec.ts";
import type { AttemptKey, Outcome, Saved } from "../../ipc/workerMessages.ts";
import type { State, StoredTask, Task } from "../../daemon/core/state.ts";
import type { WaitReason } from "../../ipc/taskViews.ts";

/**
 * The core without its shell:
 *
 *     given(…commands or events).when(command).thenEvents(…) / .thenRejected(code) / .thenNothing()
 *
 * decides one command and nothing else. A `World` also starts and lands what can, as daemon/loop.ts
 * does after each batch, and plays workers and the landing side by the script of the test.
 */
export const id = (text: string): TaskId => text as TaskId;
export const holdId = (text: string): HoldId => text as HoldId;
export const ids = (...texts: string[]): TaskId[] => texts.map(id);
export const worker = (slot: number): WorkerId => `worker-${slot}` as WorkerId;
export const gate = "gate-1" as WorkerId;
export const request = (text: string): RequestId => text as RequestId;
/** A name of an object that can be told apart in a failure: `oid("tip")` → `tip.....`. */
export const oid = (text: string): Oid => text.padEnd(40, ".") as Oid;
export const testCommand: Argv = ["npm", "test"];

/** Of a file that is made by a command. */
export const generatedRule = {
  paths: ["lock.json"],
  run: ["make", "lock"],
  timeoutMs: 5_000,
} as const;

/** The answer to a merge in which such files were changed on both sides. */
export function meeting(name: string): Extract<MergeResult, { kind: "generate" }> {
  const paths = ["lock.json"];
  return {
    kind: "generate",
    commit: oid(`m-${name}`),
    tree: oid(`met-${name}`),
    globs: paths,
    paths,
  };
}

export const defaultSettings: CoreSettings = {
  slots: 2,
  follow: "auto",
  target: "main",
  verify: [],
  verifyTimeoutMs: 60_000,
  gate: "chain",
  chainMax: 8,
  outsideClaims: "extend",
  resources: {},
  fairnessWindowMs: 60_000,
  tasksOpenMax: 100_000,
};

/** Short for what tests say most: `claims: ["src/**"]` are writes, `run: false` is an instant task. */
export type SpecChanges = Partial<Omit<TaskSpec, "claims" | "after" | "after_any" | "retries">> & {
  readonly claims?: readonly string[] | Partial<ClaimSet> | null;
  readonly after?: readonly string[];
  readonly after_any?: readonly string[];
  readonly retries?: number | TaskSpec["retries"];
};

const claimsNothing: ClaimSet = { writes: [], reads: [], resources: {} };

/** A task that runs a program and claims nothing, unless the changes say otherwise. */
export function spec(name: string, changes: SpecChanges = {}): TaskSpec {
  const { claims, after, after_any, retries, ...rest } = changes;
  return plainSpec(id(name), {
    ...rest,
    claims: claimSet(claims),
    after: ids(...(after ?? [])),
    after_any: ids(...(after_any ?? [])),
    retries: typeof retries === "object" ? retries : { max: retries ?? 0, backoff_ms: 1_000 },
  });
}

function claimSet(claims: SpecChanges["claims"]): ClaimSet | null {
  if (claims === null) return null;
  if (claims === undefined) return claimsNothing;
  return "length" in claims
    ? { ...claimsNothing, writes: claims }
    : { ...claimsNothing, ...claims };
}

export function instant(name: string, changes: SpecChanges = {}): TaskSpec {
  return spec(name, { work: { kind: "tools", calls: [] }, ...changes });
}

export function submit(...specs: TaskSpec[]): Command {
  const tasks = specs.map((one) => ({ spec: one, digest: JSON.stringify(one) }));
  return { type: "submit", tasks };
}

export function saved(touched: readonly string[], changes: Partial<Saved> = {}): Saved {
  return {
    commit: oid(`work-${touched.join("+")}`),
    base: oid("base"),
    ref: "refs/orchd/attempts/x/1",
    touched,
    touched_total: touched.length,
    descends: true,
    ...changes,
  };
}

export function started(settings: Partial<CoreSettings> = {}, epoch = 1): Command {
  return { type: "supervisorStarted", epoch, settings: { ...defaultSettings, ...settings } };
}

export function retry(name: string, ...texts: string[]): Command {
  return { type: "retry", request: request(name), ids: ids(...texts), archived: new Map() };
}

type Step = Command | Event;

export function given(...steps: readonly Step[]) {
  const world = new World();
  world.decide(started());
  for (const step of steps)
    if (isEvent(step)) world.apply(step);
    else world.decide(step);
  return {
    world,
    when(command: Command) {
      const from = world.journal.length;
      const decision = world.decide(command);
      const events = world.journal.slice(from).map(({ event }) => event);
      return {
        world,
        decision,
        events,
        /** The same number of events, each with at least these fields. */
        thenEvents: (...expected: Partial<Event>[]) => {
          expect(decision.ok, JSON.stringify(decision)).to.equal(true);
          expectEvents(events, expected);
        },
        thenNothing: () => {
          expect(decision.ok, JSON.stringify(decision)).to.equal(true);
          expect(events).to.deep.equal([]);
        },
        thenRejected: (code: ErrorCode, message?: RegExp) => {
          expect(events).to.deep.equal([]);
          if (decision.ok) throw new Error("it was accepted");
          expect(decision.failure.code).to.equal(code);
          if (message !== undefined) expect(decision.failure.message).to.match(message);
        },
      };
    },
  };
}

export function expectEvents(events: readonly Event[], expected: readonly Partial<Event>[]): void {
  const seen = events.map((event, at) => {
    const keys = Object.keys(expected[at] ?? event);
    return Object.fromEntries(Object.entries(event).filter(([key]) => keys.includes(key)));
  });
  expect(seen).to.deep.equal(expected);
}

/** Events are named in the past tense with a capital, commands with a small letter. */
function isEvent(step: Step): step is Event {
  return /^[A-Z]/.test(step.type);
}

export class World {
  state: State = emptyState();
  readonly journal: Recorded[] = [];
  at = 1_700_000_000_000;
  /** What the last turn asked for. */
  effects: readonly Effect[] = [];

  /** A supervisor with these settings and as many workers as it has slots. */
  static ready(settings: Partial<CoreSettings> = {}): World {
    const world = new World();
    const { slots } = { ...defaultSettings, ...settings };
    const workers = Array.from({ length: slots }, (_, at) => readyCommand(worker(at + 1)));
    world.turn(started(settings), ...workers);
    return world;
  }

  apply = (event: Event): void => {
    const recorded = { seq: this.state.seq + 1, at: this.at, event };
    evolve(this.state, recorded);
    this.journal.push(recorded);
  };

  /** Decides and starts nothing. */
  decide(command: Command): Decision {
    return decide(this.state, command, this.at, this.apply);
  }

  /** One batch, as the loop makes it. */
  turn(...commands: Command[]): Decision[] {
    const from = this.journal.length;
    const decisions = commands.map((command) => this.decide(command));
    startLanding(this.state, this.at, this.apply);
    grantHolds(this.state, this.at, this.apply);
    scheduleTasks(this.state, this.at, this.apply);
    this.effects = react(this.state, this.journal.slice(from));
    return decisions;
  }

  submit(...specs: TaskSpec[]): this {
    const [decision] = this.turn(submit(...specs));
    if (decision?.ok !== true) throw new Error(JSON.stringify(decision));
    return this;
  }

  /** `holding`: fences of attempts and gate runs. */
  ready(name: WorkerId, holding: readonly number[] = []): this {
    this.turn(readyCommand(name, this.keysOf(holding)));
    return this;
  }

  keysOf(fences: readonly number[]): AttemptKey[] {
    return fences.map((fence) => {
      const task = [...this.state.tasks.values()].find(
        ({ attempts, life }) =>
          attempts.some((attempt) => attempt.fence === fence) ||
          (life.status === "landing" && runOf(life.step) === fence),
      );
      const number = task?.attempts.find((attempt) => attempt.fence === fence)?.number;
      const attempt = number ?? task?.attempts.at(-1)?.number ?? 1;
      return { task: task?.id ?? id("ghost"), attempt, fence };
    });
  }

  pass(ms: number): this {
    this.at += ms;
    this.turn();
    return this;
  }

  report(name: string, outcome: Outcome, fence = this.fence(name)): this {
    const { attempts, life } = this.task(name);
    const by = life.status === "running" ? life.worker : worker(1);
    const key = { task: id(name), attempt: attempts.at(-1)?.number ?? 0, fence };
    this.turn({ type: "report", worker: by, report: { ...key, outcome, elapsed_ms: 1 } });
    return this;
  }

  /** The attempt succeeded; without paths it changed nothing. */
  done(name: string, touched?: readonly string[]): this {
    const work = touched === undefined ? null : saved(touched);
    return this.report(name, { result: "done", saved: work });
  }

  fail(name: string): this {
    const failure = { kind: "exit", exit_code: 1 } as const;
    return this.report(name, { result: "failed", failure, saved: null });
  }

  /** A merge whose commit and tree are named after the task, onto the one in front, unless said otherwise. */
  merged(name: string, result: MergeResult = this.#candidateOf(name)): this {
    const { life } = this.task(name);
    const step = life.status === "landing" ? life.step : null;
    const onto = step?.at === "merging" && step.onto !== undefined ? { onto: step.onto } : {};
    const fence = this.landingFence(name);
    this.turn({ type: "merged", task: id(name), fence, result, ...onto });
    return this;
  }

  #candidateOf(name: string): MergeResult {
    const { chain } = this.state.landing;
    const front = chain[chain.indexOf(id(name)) - 1];
    if (front === undefined) return candidateOf(name);
    const step = this.task(front).life;
    const made = step.status === "landing" && "candidate" in step.step ? step.step.candidate : null;
    if (made === null) throw new Error(`${front} has no candidate`);
    return candidateOf(name, { onto: made.commit, ontoTree: made.tree });
  }

  moved(name: string, result: MoveResult = { kind: "moved", commit: oid(`c-${name}`) }): this {
    this.turn({ type: "moved", task: id(name), fence: this.landingFence(name), result });
    return this;
  }

  /** Runs the task through everything that follows, with no gate in the way. */
  lands(name: string, touched: readonly string[]): this {
    return this.done(name, touched).merged(name).moved(name);
  }

  task(name: string): Task {
    const task = this.state.tasks.get(id(name));
    if (task === undefined) throw new Error(`no task ${name} in memory`);
    return task;
  }

  status(name: string): string {
    return this.task(name).life.status;
  }

  /** `gate`, `merging`, … of a task that lands. */
  step(name: string): string {
    const { life } = this.task(name);
    return life.status === "landing" ? life.step.at : life.status;
  }

  why(name: string): WaitReason | null {
    return whyWaiting(this.state, this.task(name), this.at);
  }

  /** Of the attempt, or of the gate run when one is under way. */
  fence(name: string): number {
    const { life } = this.task(name);
    return (life.status === "landing" ? runOf(life.step) : null) ?? this.landingFence(name);
  }

  landingFence(name: string): number {
    return this.task(name).attempts.at(-1)?.fence ?? 0;
  }

  running(): string[] {
    return [...this.state.tasks.values()]
      .filter(({ life }) => life.status === "running")
      .map((task) => task.id);
  }

  effectsOf<Kind extends Effect["kind"]>(kind: Kind): Extract<Effect, { kind: Kind }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { kind: Kind }> => {
      return effect.kind === kind;
    });
  }

  events<Type extends Event["type"]>(type: Type): Extract<Event, { type: Type }>[] {
    return this.journal
      .map(({ event }) => event)
      .filter((event): event is Extract<Event, { type: Type }> => event.type === type);
  }

  /** Takes a final task out of memory, as the shell does once the journal has it. */
  evict(name: string): StoredTask {
    const stored = JSON.parse(JSON.stringify(this.task(name))) as StoredTask;
    this.state.tasks.delete(id(name));
    return stored;
  }
}

export function readyCommand(name: WorkerId, holding: readonly AttemptKey[] = []): Command {
  return { type: "workerReady", worker: name, holding };
}

export function candidateOf(
  name: string,
  changes: Partial<Extract<MergeResult, { kind: "candidate" }>> = {},
): MergeResult {
  return {
    kind: "candidate",
    candidate: oid(`c-${name}`),
    tree: oid(`tree-${name}`),
    onto: oid("tip"),
    ontoTree: oid("tree-tip"),
    ...changes,
  };
}

/** The journal as it is read back: through JSON. */
export function throughJson<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}

/** Everything that the journal decides about, in a shape that can be compared; no index, no workers. */
export function essence(state: State): unknown {
  const { seq, epoch, settings, paused, pausedLabels, tasks, finals, counts, landing, holds } =
    state;
  const open = [...tasks.values()].filter(({ id: name }) => !finals.has(name));
  return throughJson({
    seq,
    epoch,
    settings,
    paused,
    pausedLabels: [...pausedLabels].toSorted(),
    counts,
    tasks: open.toSorted((a, b) => a.order - b.order),
    finals: [...finals].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    holds: [...holds.values()],
    landing: {
      ...landing,
      waiting: [...landing.waiting].toSorted(),
      green: [...landing.green],
      aside: [...landing.aside].toSorted(),
      red: [...landing.red],
    },
  });
}
