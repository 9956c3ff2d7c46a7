import { changedPaths } from "./git.ts";
import { conflictsMax, lostMax } from "../../daemon/core/state.ts";
import { emptyState } from "../../daemon/core/emptyState.ts";
import { evolve } from "../../daemon/core/evolve.ts";
import { essence } from "../helpers/core.ts";
import { maskOf } from "./paths.ts";
import { mayMeet, reachOf } from "./reach.ts";
import { must } from "./violation.ts";
import { secretValue } from "./plan.ts";
import { recordedOf } from "../../daemon/recovery.ts";
import type { Argv, ClaimSet, TaskSpec } from "../../ipc/taskSpec.ts";
import type { AttemptKey, Outcome, Report } from "../../ipc/workerMessages.ts";
import type { AttemptEnded, AttemptStarted } from "../../daemon/core/attemptFacts.ts";
import type { Event } from "../../daemon/core/events.ts";
import type { LandingEnded } from "../../daemon/core/landingFacts.ts";
import type { Machine } from "./machine.ts";
import type { Reach } from "./reach.ts";
import type { State } from "../../daemon/core/state.ts";
import type { HolderId, HoldId, TaskId, WorkerId } from "../../ipc/ids.ts";
import type { WorkerProcess } from "./worker.ts";

/**
 * Reads the journal as it becomes durable and holds it to the invariants, with a small model of its
 * own (`Holder`) and what the simulated world knows to be true. Beside it runs a second state that
 * knows only the journal (`shadow`): it is what any crash would leave (S5).
 */
type Holder = {
  readonly spec: TaskSpec;
  status: "queued" | "running" | "landing" | "final";
  fence: number;
  worker: WorkerId | null;
  touched: number;
  /** A person's resolution lands: it holds what was touched, and nothing that was declared. */
  resolved: boolean;
  /** What its candidate has to pass, as it was when the candidate was made. */
  verify: readonly Argv[];
};

export class Checker {
  readonly shadow: State = emptyState();
  readonly acknowledged = new Set<TaskId>();
  readonly #machine: Machine;
  readonly #tasks = new Map<TaskId, Holder>();
  readonly #outcomes = new Map<number, Outcome>();
  readonly #begun = new Set<string>();
  readonly #retries = new Set<string>();
  /** Claims that others than tasks hold. */
  readonly #holds = new Map<HoldId, ClaimSet>();
  /** Tasks with events since the state in memory was last compared with the journal. */
  readonly #changed = new Set<TaskId>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Reads what has become durable since. */
  catchUp(): void {
    const { disk } = this.#machine;
    while (this.shadow.seq < disk.synced) {
      const row = disk.row(this.shadow.seq + 1);
      this.holdsNoSecret("the journal", row.body);
      const recorded = recordedOf(row);
      this.#machine.note("event", recorded.seq, recorded.event);
      this.#before(recorded.event);
      evolve(this.shadow, recorded);
      this.#after(recorded.event, recorded.seq);
      if ("task" in recorded.event) this.#changed.add(recorded.event.task);
    }
  }

  /** S12: a secret is given to the agent and written nowhere. */
  holdsNoSecret(where: string, text: string): void {
    must(!text.includes(secretValue), "S12", () => `a secret is in ${where}: ${text}`);
  }

  /** S1: what was acknowledged is durable, and stays. */
  acknowledge(ids: readonly TaskId[]): void {
    this.catchUp();
    for (const id of ids) {
      this.acknowledged.add(id);
      this.#exists(id);
    }
  }

  /** S1, S6: nothing that was synced is missing when a supervisor starts. */
  recovered(state: State): void {
    this.catchUp();
    must(
      state.seq >= this.shadow.seq,
      "S6",
      () => `${state.seq} events of ${this.shadow.seq} recovered`,
    );
    for (const id of this.acknowledged) this.#exists(id);
    this.sameAsJournal(state, "what was recovered");
  }

  /** S5: a state is what the journal tells from its start. */
  sameAsJournal(state: State, what: string): void {
    this.catchUp();
    if (state.seq !== this.shadow.seq) return;
    const [told, kept] = [essence(this.shadow), essence(state)].map((one) => JSON.stringify(one));
    must(told === kept, "S5", () => `${what} is not what the journal tells:\n${kept}\n${told}`);
  }

  /** S5, what changed since the last look: cheap enough for every event. */
  sameTasks(state: State): void {
    this.catchUp();
    if (state.seq !== this.shadow.seq) return;
    for (const id of this.#changed) {
      const [told, kept] = [this.shadow, state].map(({ tasks, finals }) =>
        JSON.stringify(finals.get(id) ?? tasks.get(id)),
      );
      must(told === kept, "S5", () => `${id} is not what the journal tells:\n${kept}\n${told}`);
    }
    this.#changed.clear();
    const [told, kept] = [this.shadow, state].map(({ counts, paused, landing, holds }) =>
      JSON.stringify([
        counts,
        paused,
        landing.held,
        landing.current,
        landing.chain,
        landing.tip,
        landing.followed,
        [...holds.values()],
      ]),
    );
    must(told === kept, "S5", () => `in memory: ${kept}\nin the journal: ${told}`);
  }

  /** Told by a worker when the outcome is on its disk. */
  outcomeKnown({ fence, outcome }: Report): void {
    this.#outcomes.set(fence, outcome);
  }

  /** An agent is started. */
  attemptRuns(key: AttemptKey, process: WorkerProcess): void {
    const name = `${key.task}.${key.attempt}`;
    must(!this.#begun.has(name), "S9", () => `attempt ${name} is begun a second time`);
    this.#begun.add(name);
    const synced = this.#machine.disk.synced;
    must(key.fence <= synced, "S1", () => `${name} runs and its start is not durable`);
    const twin = this.#machine.processes.find(
      (other) => other !== process && other.runs?.task === key.task,
    );
    must(twin === undefined, "S4", () => `${key.task} runs on two workers`);
  }

  /** What tasks that land together have to pass: as of when the last candidate was made, or as of now. */
  verifyOf(ids: readonly TaskId[]): readonly (readonly Argv[])[] {
    const own = ids.flatMap((id) => this.#holder(id).spec.verify);
    const last = ids.at(-1);
    const before = last === undefined ? [] : this.#holder(last).verify;
    return [
      [...before, ...own],
      [...this.shadow.settings.verify, ...own],
    ];
  }

  /** S2: `succeeded` with a change means exactly one commit, and the other way round. */
  checkAtRest(ids: readonly TaskId[]): void {
    const { landed, rewound } = this.#machine.repository;
    for (const id of ids) {
      const final = this.shadow.finals.get(id);
      const commit = landed.get(id) ?? null;
      const fits = rewound.has(id) || (final?.commit ?? null) === commit;
      must(fits, "S2", () => `${id} is ${final?.status} and has the commit ${commit ?? "none"}`);
    }
    this.#machine.repository.checkOnce();
    const [hold] = this.shadow.holds.keys();
    must(hold === undefined, "S10", () => `${hold} is left at rest`);
    for (const { task, request } of this.#machine.repository.resolutions.values())
      must(
        this.#retries.has(`${task} ${request}`),
        "S10",
        () => `${request} of ${task} stays pinned`,
      );
    const held = [...this.#machine.locks.keys()];
    must(held.length === 0, "S10", () => `lock files of ${held.join()} are left at rest`);
  }

  #exists(id: TaskId): void {
    const known = this.shadow.tasks.has(id) || this.shadow.finals.has(id);
    must(known, "S1", () => `${id} was acknowledged and is lost`);
  }

  #before(event: Event): void {
    if (event.type === "LandingEnded") this.#checkBlame(event);
  }

  #after(event: Event, seq: number): void {
    switch (event.type) {
      case "TaskSubmitted": {
        must(!this.#tasks.has(event.task), "S2", () => `${event.task} is accepted twice`);
        const { spec } = event;
        const fresh = { status: "queued", fence: 0, worker: null, touched: 0 } as const;
        this.#tasks.set(event.task, { spec, ...fresh, resolved: false, verify: [] });
        return;
      }
      case "TaskRetried": {
        const name = `${event.task} ${event.request}`;
        must(!this.#retries.has(name), "S2", () => `${name} is retried twice`);
        this.#retries.add(name);
        this.#holder(event.task).status = "queued";
        return;
      }
      case "TaskResolved": {
        const name = `${event.task} ${event.request}`;
        must(!this.#retries.has(name), "S2", () => `${name} is resolved twice`);
        this.#retries.add(name);
        this.#machine.fired("resolved");
        const pinned = this.#machine.repository.resolutions.get(event.saved.ref)?.commit;
        must(pinned === event.saved.commit, "S9", () => `${name} lands and is not pinned`);
        const holder = this.#holder(event.task);
        must(holder.status === "final", "S4", () => `${event.task}, ${holder.status}, is resolved`);
        holder.status = "landing";
        holder.fence = seq;
        holder.resolved = true;
        holder.touched |= maskOf(event.saved.touched);
        return;
      }
      case "AttemptStarted":
        return this.#started(event, seq);
      case "AttemptAdopted":
        return this.#started(event, event.fence);
      case "AttemptEnded":
        return this.#ended(event);
      case "LandingStarted":
        return this.#checkBehind(event.task);
      case "CandidateMade": {
        const holder = this.#holder(event.task);
        holder.verify = [...this.shadow.settings.verify, ...holder.spec.verify];
        return;
      }
      case "GatePassed":
      case "SettingsChanged":
      case "SupervisorStarted":
        return this.#checkGreen();
      case "HoldRequested":
        if (event.kind === "foreign") this.#holds.set(event.hold, event.claims);
        return;
      case "HoldGranted":
        return this.#granted(event.hold);
      case "HoldEnded":
        this.#holds.delete(event.hold);
        return;
      case "LandingEnded":
        this.#landed(event);
        return this.#checkLimits(event.task);
      case "TaskCancelled":
      case "DependencyFailed":
        this.#holder(event.task).status = "final";
        return;
      default:
        return;
    }
  }

  #started(event: Pick<AttemptStarted, "task" | "worker">, fence: number): void {
    const holder = this.#holder(event.task);
    must(holder.status === "queued", "S4", () => `${event.task} starts while ${holder.status}`);
    const running = [...this.#tasks.values()].filter((other) => other.status === "running");
    const beside = running.filter(({ worker }) => worker === event.worker);
    const shared = [holder, ...beside].every(({ spec }) => spec.work.kind === "tools");
    must(beside.length === 0 || shared, "S11", () => `${event.worker} gets a second attempt`);
    for (const other of this.#tasks.values())
      if (other.status === "running" || other.status === "landing") this.#checkApart(holder, other);
    for (const [hold, claims] of this.#holds) {
      const apart = !mayMeet(reachOfHolder(holder), reachOf(claims, 0));
      must(apart, "S3", () => `${event.task} starts while ${hold} holds`);
    }
    this.#checkResources(event.task, holder.spec.claims);
    for (const id of holder.spec.after)
      must(
        this.shadow.finals.get(id)?.status === "succeeded",
        "S3",
        () => `${event.task} starts before ${id}`,
      );
    holder.status = "running";
    holder.fence = fence;
    holder.worker = event.worker;
  }

  #landed({ task, next }: LandingEnded): void {
    const holder = this.#holder(task);
    const runsAgain = next.to === "queued";
    must(!runsAgain || !holder.resolved, "S11", () => `${task} runs again, a person resolved it`);
    holder.status = runsAgain ? "queued" : "final";
    holder.resolved = false;
    if (next.to === "failed" && next.reason.kind === "conflict") this.#machine.onParked(task);
  }

  /** A lock is given to one who is not a task. */
  #granted(hold: HoldId): void {
    const claims = this.shadow.holds.get(hold)?.claims;
    must(claims !== undefined, "S3", () => `${hold} is granted and was not asked for`);
    const mine = reachOf(claims, 0);
    for (const other of this.#tasks.values()) {
      if (other.status !== "running" && other.status !== "landing") continue;
      const apart = !mayMeet(mine, reachOfHolder(other));
      must(apart, "S3", () => `${hold} is granted while ${other.spec.id} holds`);
    }
    for (const [other, theirs] of this.#holds) {
      const apart = !mayMeet(mine, reachOf(theirs, 0));
      must(apart, "S3", () => `${hold} is granted while ${other} holds`);
    }
    this.#checkResources(hold, claims);
    this.#holds.set(hold, claims);
  }

  /** S3, by trying every path. */
  #checkApart(mine: Holder, theirs: Holder): void {
    const apart = !mayMeet(reachOfHolder(mine), reachOfHolder(theirs));
    must(apart, "S3", () => `${mine.spec.id} starts while ${theirs.spec.id} holds`);
  }

  #checkResources(holder: HolderId, mine: ClaimSet | null): void {
    for (const [name, count] of Object.entries(mine?.resources ?? {})) {
      const tasks = [...this.#tasks.values()]
        .filter(
          ({ status, resolved }) => status === "running" || (status === "landing" && !resolved),
        )
        .map(({ spec }) => spec.claims);
      const held = [...tasks, ...this.#holds.values()].reduce(
        (sum, claims) => sum + (claims?.resources[name] ?? 0),
        0,
      );
      const capacity = this.shadow.settings.resources[name] ?? 1;
      must(
        held + count <= capacity,
        "S3",
        () => `${holder}: more of ${name} is held than there is`,
      );
    }
  }

  /** S4: the outcome is the one of the attempt that was open; a lost one really does not run. */
  #ended(event: AttemptEnded): void {
    const holder = this.#holder(event.task);
    must(holder.status === "running", "S4", () => `${event.task} ends while ${holder.status}`);
    const known = this.#outcomes.get(holder.fence);
    const name = `${event.task} with fence ${holder.fence}`;
    if (event.result === "lost") {
      const alive = this.#machine.processes.some(({ runs }) => runs?.fence === holder.fence);
      must(!alive, "S4", () => `${name} is given up while it runs`);
    } else {
      const saved = known !== undefined && "saved" in known ? known.saved : null;
      const same = known?.result === event.result && saved?.commit === event.saved?.commit;
      must(same, "S4", () => `${name} ended as ${event.result}, which is not what it came to`);
    }
    if (event.saved !== null)
      holder.touched |= maskOf(event.saved.touched) & ~this.#generatedMask();
    const { to } = event.next;
    const isOpen = event.saved?.unresolved !== undefined;
    const lands = to === "landing" || to === "succeeded";
    must(!isOpen || !lands, "S8", () => `${event.task} lands with a conflict left in it`);
    holder.status = to === "landing" || to === "queued" ? to : "final";
    this.#checkLimits(event.task);
  }

  /** What a task touched without claiming it lands behind those who claim it. */
  #checkBehind(id: TaskId): void {
    const mine = this.#holder(id);
    const life = this.shadow.tasks.get(id)?.life;
    if (this.shadow.settings.outsideClaims === "allow" || life?.status !== "landing") return;
    const { objects } = this.#machine.repository;
    const [saved, base] = [objects.get(life.saved.commit), objects.get(life.saved.base)];
    const touched = maskOf(changedPaths(base.tree.files, saved.tree.files));
    const owned = touched & ~this.#generatedMask();
    const declared = mine.resolved ? null : mine.spec.claims;
    const outside = owned & ~maskOf(declared?.writes ?? []);
    for (const other of this.#tasks.values()) {
      if (other === mine || other.status !== "running") continue;
      const { writes, reads } = reachOfHolder(other);
      must((outside & (writes | reads)) === 0, "S3", () => `${id} lands over ${other.spec.id}`);
    }
    for (const [hold, claims] of this.#holds) {
      const { writes, reads } = reachOf(claims, 0);
      must((outside & (writes | reads)) === 0, "S3", () => `${id} lands over ${hold}`);
    }
  }

  /** Files that belong to nobody. */
  #generatedMask(): number {
    return maskOf((this.shadow.settings.generated ?? []).flatMap(({ paths }) => paths));
  }

  /** A task is blamed for a repository-wide command only if its base is known to pass it. */
  #checkBlame({ task, next }: LandingEnded): void {
    const life = this.shadow.tasks.get(task)?.life;
    const isBlamed =
      (next.to === "failed" && next.reason.kind === "gate") ||
      (next.to === "queued" && next.because === "failure");
    if (!isBlamed || life?.status !== "landing") return;
    must(life.step.at === "chained", "S8", () => `${task} is blamed at ${life.step.at}`);
    const { red: own, candidate } = life.step;
    const red = own ?? this.shadow.landing.red.get(candidate.tree) ?? null;
    must(red !== null, "S8", () => `${task} is blamed, and nobody saw it fail`);
    const { verify } = this.shadow.settings;
    const command = red.command.join(" ");
    const { ontoTree } = candidate;
    must(this.shadow.landing.chain[0] === task, "S8", () => `${task} is blamed behind another`);
    if (red.failure.kind === "setup") {
      const isSound = this.#machine.repository.setUp.has(ontoTree);
      return must(isSound, "S8", () => `${task} is blamed for a setup that nobody saw work before`);
    }
    if (!verify.some((argv) => argv.join(" ") === command)) return;
    must(
      this.#machine.repository.hasPassed(ontoTree, verify),
      "S8",
      () => `${task} is blamed for ${command}, and nobody saw its base pass`,
    );
  }

  #checkGreen(): void {
    const { landing, settings } = this.shadow;
    for (const tree of landing.green)
      must(
        this.#machine.repository.hasPassed(tree, settings.verify),
        "S8",
        () => `tree ${tree} counts as green, and nobody saw it pass`,
      );
  }

  #checkLimits(id: TaskId): void {
    const task = this.shadow.tasks.get(id);
    if (task === undefined) return;
    const { failure, lost, conflict } = task.setbacks;
    const within = failure <= task.spec.retries.max && lost <= lostMax && conflict <= conflictsMax;
    must(within, "S11", () => `${id} was tried too often: ${JSON.stringify(task.setbacks)}`);
  }

  #holder(id: TaskId): Holder {
    const holder = this.#tasks.get(id);
    must(holder !== undefined, "bug", () => `${id} was never submitted`);
    return holder;
  }
}

function reachOfHolder({ spec, touched, resolved }: Holder): Reach {
  return reachOf(resolved ? noClaims : spec.claims, touched);
}

const noClaims = { writes: [], reads: [], resources: {} };
