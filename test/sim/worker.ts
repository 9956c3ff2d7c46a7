import { attemptPlan } from "./plan.ts";
import { changedPaths } from "./git.ts";
import { madeFrom } from "./generated.ts";
import { maskOf } from "./paths.ts";
import { breaksSetup, failing } from "./repository.ts";
import { must } from "./violation.ts";
import type { Assignment, AttemptKey, Outcome, Report, Saved } from "../../ipc/workerMessages.ts";
import type { Commit, Files, Tree } from "./git.ts";
import type { Machine } from "./machine.ts";
import type { WorkerId } from "../../ipc/ids.ts";

/**
 * The twin of a worker process (worker/duty.ts has the same states) and of what it leaves on disk. The
 * home outlives the process: attempts that were begun, outcomes that nobody acknowledged, and the
 * workspace with whatever an agent had done in it and nobody saved (S9).
 */
export class WorkerHome {
  readonly worker: WorkerId;
  /** Attempts that were begun, with their outcome once there is one; gone when acknowledged. */
  readonly attempts = new Map<number, { readonly key: AttemptKey; report: Report | null }>();
  workspace: { readonly held: AttemptKey; readonly base: Commit; files: Files } | null = null;

  constructor(worker: WorkerId) {
    this.worker = worker;
  }
}

/** What a worker process says; the pool is on the other side. */
export type Line = {
  readonly send: (reports: readonly Report[]) => void;
};

/** Of the runs that make generated files. */
const generationFails = 0.15;

type Running = { readonly assignment: Assignment; finish: (outcome: "planned" | "ended") => void };

export class WorkerProcess {
  alive = true;
  readonly token: string;
  readonly startedMs: number;
  line: Line | null = null;
  frozenSinceMs: number | null = null;
  readonly #machine: Machine;
  readonly #home: WorkerHome;
  readonly #onExit: (() => void)[] = [];
  readonly #reports = new Map<number, Report>();
  #backlog: (() => void)[] = [];
  #running: Running | null = null;
  #waiting: Assignment[] = [];
  #cutShort: AttemptKey[] = [];
  #salvaged = false;
  #salvaging = false;
  #ending = false;

  constructor(machine: Machine, home: WorkerHome, token: string) {
    this.#machine = machine;
    this.#home = home;
    this.token = token;
    this.startedMs = machine.timeline.nowMs;
    for (const { key, report } of home.attempts.values())
      if (report === null) this.#cutShort.push(key);
      else this.#reports.set(key.fence, report);
  }

  get worker(): WorkerId {
    return this.#home.worker;
  }

  get ending(): boolean {
    return this.#ending;
  }

  /** Runs the agent of this task at this moment? */
  get runs(): AttemptKey | null {
    return this.alive && this.#running?.assignment.kind === "task"
      ? this.#running.assignment
      : null;
  }

  holding(): AttemptKey[] {
    return [...this.#unreported(), ...this.#reports.values()].map(keyOf);
  }

  whenGone(run: () => void): void {
    if (this.alive) this.#onExit.push(run);
    else run();
  }

  /** Connected, perhaps to a new supervisor. */
  begin(line: Line): void {
    this.line = line;
    this.#send([...this.#reports.values()]);
    this.#goOn();
  }

  assign(assignments: readonly Assignment[]): void {
    const known: Report[] = [];
    for (const assignment of assignments) {
      const before = this.#reports.get(assignment.fence);
      if (before !== undefined) known.push(before);
      else if (this.#unreported().some(({ fence }) => fence === assignment.fence)) continue;
      else if (this.#ending) this.#report(assignment, { result: "ended", saved: null });
      else if (assignment.kind === "instant")
        known.push(this.#keep(assignment, { result: "done", saved: null }, false));
      else this.#waiting.push(assignment);
    }
    this.#send(known);
    this.#goOn();
  }

  cancel(key: AttemptKey): void {
    const known = this.#reports.get(key.fence);
    if (known !== undefined) return this.#send([known]);
    if (this.#running?.assignment.fence === key.fence) return this.#running.finish("ended");
    const rest = this.#waiting.filter(({ fence }) => fence !== key.fence);
    if (rest.length < this.#waiting.length) this.#report(key, { result: "ended", saved: null });
    this.#waiting = rest;
  }

  acknowledge(fences: readonly number[]): void {
    for (const fence of fences) {
      this.#reports.delete(fence);
      this.#home.attempts.delete(fence);
    }
    this.#leaveIfDone();
  }

  /** Ends what runs, saves it, reports it, and exits. */
  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#running?.finish("ended");
    for (const key of this.#waiting) this.#report(key, { result: "ended", saved: null });
    this.#waiting = [];
    this.#leaveIfDone();
  }

  /** No supervisor: nothing that is sent arrives. */
  loseLine(): void {
    this.line = null;
    this.#leaveIfDone();
  }

  kill(): void {
    if (!this.alive) return;
    this.alive = false;
    this.line = null;
    for (const run of this.#onExit.splice(0)) run();
  }

  freeze(): void {
    this.frozenSinceMs ??= this.#machine.timeline.nowMs;
  }

  thaw(): void {
    if (this.frozenSinceMs === null) return;
    this.frozenSinceMs = null;
    for (const run of this.#backlog.splice(0)) this.whileAwake(run);
  }

  /** Now, or when it is thawed, or never when it has died by then. */
  whileAwake(run: () => void): void {
    if (!this.alive) return;
    if (this.frozenSinceMs === null) run();
    else this.#backlog.push(run);
  }

  #later(ms: number, run: () => void): void {
    this.#machine.timeline.after(ms, () => this.whileAwake(run));
  }

  #unreported(): readonly AttemptKey[] {
    const running = this.#running === null ? [] : [this.#running.assignment];
    return [...running, ...this.#waiting, ...this.#cutShort];
  }

  #goOn(): void {
    if (this.#running !== null || this.#salvaging || this.#ending) return;
    if (!this.#salvaged) return this.#salvage();
    const next = this.#waiting.shift();
    if (next === undefined || next.kind === "instant") return;
    if (next.kind === "gate") this.#runGate(next);
    else if (next.kind === "generate") this.#runGenerate(next);
    else this.#runTask(next);
  }

  /** Before anything is reset, what an earlier process left in the workspace is saved. */
  #salvage(): void {
    this.#salvaging = true;
    this.#later(this.#machine.random.int(1, 300), () => {
      const held = this.#home.workspace?.held;
      const saved = this.#save();
      for (const key of this.#cutShort)
        this.#report(key, { result: "lost", saved: key.fence === held?.fence ? saved : null });
      this.#cutShort = [];
      this.#salvaged = true;
      this.#salvaging = false;
      this.#leaveIfDone();
      this.#goOn();
    });
  }

  #runTask(assignment: Extract<Assignment, { kind: "task" }>): void {
    const { random } = this.#machine;
    this.#machine.checker.attemptRuns(assignment, this);
    this.#home.attempts.set(assignment.fence, { key: keyOf(assignment), report: null });
    const plan = attemptPlan(this.#machine, assignment);
    this.#reset(assignment);
    const leavesMarks = this.#layEarlier(assignment);
    const finish = this.#course(assignment, (how) => {
      const leavesConflict = how === "planned" && plan.failure === null && leavesMarks;
      const saved = this.#save(leavesConflict);
      if (how === "ended") return { result: "ended", saved };
      if (plan.failure !== null) return { result: "failed", failure: plan.failure, saved };
      return {
        result: "done",
        saved:
          saved === null
            ? null
            : {
                ...saved,
                descends: plan.descends,
                ...(leavesMarks ? { unresolved: ["left"] } : {}),
              },
      };
    });
    const edit = (): void => {
      const { workspace } = this.#home;
      if (workspace !== null && workspace.held.fence === assignment.fence)
        workspace.files = { ...workspace.files, ...plan.writes };
    };
    this.#later(plan.ms * random.fraction(), edit);
    this.#later(plan.ms, () => {
      edit();
      finish("planned");
    });
  }

  /** The change that conflicted, over the tip's files; true: the agent will leave a conflict in it. */
  #layEarlier({ earlier }: Extract<Assignment, { kind: "task" }>): boolean {
    const { workspace } = this.#home;
    const continues = earlier?.continues;
    if (continues === undefined || workspace === null) return false;
    const { repository, random } = this.#machine;
    const { files } = repository.objects.get(continues.commit).tree;
    const before = repository.objects.get(continues.base).tree.files;
    const changed = changedPaths(before, files).flatMap((path) => {
      const content = files[path];
      return content === undefined ? [] : [[path, content] as const];
    });
    workspace.files = { ...workspace.files, ...Object.fromEntries(changed) };
    this.#machine.fired("continued");
    return random.chance(0.5);
  }

  #runGate(assignment: Extract<Assignment, { kind: "gate" }>): void {
    const { random, repository } = this.#machine;
    this.#home.attempts.set(assignment.fence, { key: keyOf(assignment), report: null });
    const finish = this.#course(assignment, (how) => {
      if (how === "ended") return { result: "ended", saved: null };
      const { tree } = repository.objects.get(assignment.candidate);
      const unready = this.#setUpGate(tree);
      if (unready !== null) return unready;
      const [first] = assignment.commands;
      if (first !== undefined && this.#machine.takeArmed("gate_timeout")) {
        const failure = { kind: "timeout", timeout_ms: assignment.timeout_ms } as const;
        return { result: "gate_red", command: first, failure, output: "too slow" };
      }
      const command = failing(tree, assignment.commands);
      if (command === null) {
        repository.gatePassed(tree, assignment.commands);
        return { result: "gate_green" };
      }
      this.#machine.fired("gate_red");
      const failure = { kind: "exit", exit_code: 1 } as const;
      return { result: "gate_red", command, failure, output: "red" };
    });
    this.#later(random.logarithmic(10, this.#machine.scenario.attemptMsMax), () =>
      finish("planned"),
    );
  }

  /** Like a check it depends on the tree, and besides on whether the network is there. */
  #setUpGate(tree: Tree): Outcome | null {
    const { random, repository, scenario, storming } = this.#machine;
    const { setup } = scenario;
    if (setup === undefined) return null;
    const isOut = storming && random.chance(setup.outages);
    if (!isOut && !breaksSetup(tree)) {
      repository.setUp.add(tree.oid);
      return null;
    }
    this.#machine.fired(isOut ? "gate_outage" : "setup_broken");
    const message = "npm ci: exit code 1\nno such package";
    return { result: "failed", failure: { kind: "setup", message }, saved: null };
  }

  /** What a command makes depends on the other files alone. */
  #runGenerate(assignment: Extract<Assignment, { kind: "generate" }>): void {
    const { random, repository } = this.#machine;
    this.#home.attempts.set(assignment.fence, { key: keyOf(assignment), report: null });
    const [rule] = assignment.rules;
    const finish = this.#course(assignment, (how) => {
      if (how === "ended") return { result: "ended", saved: null };
      if (rule !== undefined && random.chance(generationFails)) {
        this.#machine.fired("generation_failed");
        const failure = { kind: "timeout", timeout_ms: rule.timeout_ms } as const;
        return { result: "gate_red", command: rule.run, failure, output: "too slow" };
      }
      this.#machine.fired("generated");
      const { files } = repository.objects.get(assignment.commit).tree;
      const made = madeFrom(files, maskOf(assignment.rules.flatMap(({ paths }) => paths)));
      return { result: "generated", tree: repository.objects.tree(made).oid, others: [] };
    });
    this.#later(random.logarithmic(10, this.#machine.scenario.attemptMsMax), () =>
      finish("planned"),
    );
  }

  /** The way from a start to a report, which ends once, by itself or because it was cancelled. */
  #course(
    assignment: Assignment,
    outcomeOf: (how: "planned" | "ended") => Outcome,
  ): (how: "planned" | "ended") => void {
    const running: Running = {
      assignment,
      finish: (how) => {
        if (this.#running !== running) return;
        running.finish = () => {};
        this.#later(this.#machine.random.int(1, 100), () => {
          const outcome = outcomeOf(how);
          this.#running = null;
          this.#report(assignment, outcome);
          this.#leaveIfDone();
          this.#goOn();
        });
      },
    };
    this.#running = running;
    return (how) => running.finish(how);
  }

  /** The workspace starts anew from the tip. Whatever was in it must be saved by now. */
  #reset(key: AttemptKey): void {
    const { workspace } = this.#home;
    must(
      workspace === null || workspace.files === workspace.base.tree.files,
      "S9",
      () => `${this.worker} resets the unsaved work of ${workspace?.held.task ?? "?"}`,
    );
    const { tip } = this.#machine.repository;
    this.#home.workspace = { held: keyOf(key), base: tip, files: tip.tree.files };
  }

  /** `null`: nothing was changed. */
  #save(evenUnchanged = false): Saved | null {
    const { workspace } = this.#home;
    if (workspace === null) return null;
    this.#home.workspace = null;
    const { held, base, files } = workspace;
    const touched = changedPaths(base.tree.files, files);
    if (touched.length === 0 && !evenUnchanged) return null;
    const { objects, saved } = this.#machine.repository;
    const commit = objects.commit(objects.tree(files), [base], null, `${held.task}.${held.fence}`);
    const ref = `refs/orchd/attempts/${held.task}/${held.attempt}`;
    const before = saved.get(ref);
    must(before === undefined || before === commit, "S9", () => `${ref} is overwritten`);
    saved.set(ref, commit);
    const known = touched.slice(0, this.#machine.scenario.touchedMax);
    const work = { commit: commit.oid, base: base.oid, ref, touched: known };
    return { ...work, touched_total: touched.length, descends: true };
  }

  #report(key: AttemptKey, outcome: Outcome): void {
    const report = this.#keep(key, outcome, true);
    if (this.#machine.takeArmed("worker_zombie")) this.#machine.becomesZombie(this, report);
    this.whileAwake(() => this.#send([report]));
  }

  /** On disk before it is told. */
  #keep(key: AttemptKey, outcome: Outcome, onDisk: boolean): Report {
    const report = { ...keyOf(key), outcome, elapsed_ms: 1 };
    this.#machine.checker.outcomeKnown(report);
    this.#reports.set(key.fence, report);
    if (onDisk) this.#home.attempts.set(key.fence, { key: keyOf(key), report });
    return report;
  }

  #send(reports: readonly Report[]): void {
    if (reports.length > 0) this.line?.send(reports);
  }

  #leaveIfDone(): void {
    if (!this.#ending || this.#running !== null || this.#salvaging) return;
    if (this.line !== null && this.#reports.size > 0) return;
    this.kill();
  }
}

function keyOf({ task, attempt, fence }: AttemptKey): AttemptKey {
  return { task, attempt, fence };
}
