import { drawSpec } from "./plan.ts";
import { must } from "./violation.ts";
import type { Command, Decision, Submission } from "../../daemon/core/commands.ts";
import type { Asked } from "../../daemon/resolving.ts";
import type { ErrorCode } from "../../ipc/errors.ts";
import type { Machine } from "./machine.ts";
import type { RequestId, TaskId } from "../../ipc/ids.ts";
import type { TaskSpec } from "../../ipc/taskSpec.ts";

/**
 * The people and programs that ask for things. Whoever does not hear an answer asks again, with the
 * same ids, until there is one: over crashes, and also when the answer alone was lost.
 */
const askAgainMs = 400;

export class Clients {
  readonly #machine: Machine;
  readonly #submitted: TaskId[] = [];
  /** Requests that wait for an answer. */
  open = 0;
  #left: number;
  #requests = 0;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#left = machine.scenario.tasks;
  }

  /** Spreads what will be asked over the storm. */
  begin(): void {
    const { random, scenario, timeline } = this.#machine;
    let left = this.#left;
    while (left > 0) {
      const count = Math.min(left, random.pick([1, 1, 2, 5, 12]));
      left -= count;
      timeline.after(random.int(0, scenario.stormMs * 0.8), () => this.#submit(count));
    }
    const others = random.int(0, 30);
    for (let at = 0; at < others; at += 1)
      timeline.after(random.int(0, scenario.stormMs), () => this.#askSomething());
  }

  /** More than was drawn, because too little has happened. */
  submitMore(count: number): void {
    this.#left += count;
    this.#submit(count);
  }

  /** Mostly somebody looks at it, sooner or later. */
  parked(task: TaskId): void {
    const { random, timeline } = this.#machine;
    if (!this.#machine.storming || random.chance(0.2)) return;
    timeline.after(random.logarithmic(50, 5_000), () => {
      if (this.#machine.storming) this.#resolve(task);
    });
  }

  get done(): boolean {
    return this.#left === 0 && this.open === 0;
  }

  get submitted(): readonly TaskId[] {
    return this.#submitted;
  }

  resumeAll(): void {
    this.ask(
      () => ({ type: "resume", ids: [] }),
      () => {},
    );
    for (const id of this.#submitted)
      if (this.#machine.checker.shadow.tasks.get(id)?.paused === true)
        this.ask(
          () => ({ type: "resume", ids: [id] }),
          () => {},
        );
  }

  #submit(count: number): void {
    const before = [...this.#machine.checker.acknowledged].slice(-12);
    const specs: TaskSpec[] = [];
    for (let at = 0; at < count; at += 1) {
      const id = `t${this.#submitted.length + specs.length}` as TaskId;
      this.#left -= 1;
      specs.push(drawSpec(this.#machine, id, [...before, ...specs.map((spec) => spec.id)]));
    }
    const ids = specs.map(({ id }) => id);
    this.#submitted.push(...ids);
    const tasks = specs.map(submission);
    this.ask(
      () => ({ type: "submit", tasks }),
      (decision) => {
        must(decision.ok, "S1", () => `${ids.join()} refused: ${JSON.stringify(decision)}`);
        this.#machine.checker.acknowledge(ids);
        if (this.#machine.random.chance(0.1)) this.#clash(specs[0]);
      },
    );
  }

  /** The id of another's task: refused, whatever became of that one. */
  #clash(spec: TaskSpec | undefined): void {
    if (spec === undefined) return;
    const tasks = [submission({ ...spec, title: "another" })];
    this.ask(
      () => ({ type: "submit", tasks }),
      (decision) => must(!decision.ok, "S2", () => `${spec.id} is accepted with another spec`),
    );
  }

  #askSomething(): void {
    const { random, checker } = this.#machine;
    const known = [...checker.acknowledged];
    if (known.length === 0) return;
    const ids = random.some(known, random.int(1, 4));
    switch (random.pick(["cancel", "cancel", "retry", "retry", "pause", "pauseAll"])) {
      case "cancel":
        return this.ask(
          () => ({ type: "cancel", ids }),
          () => {},
        );
      case "retry":
        return this.#retry(known);
      case "pause":
        return this.#pauseFor(ids.slice(0, 1));
      default:
        return this.#pauseFor([]);
    }
  }

  #pauseFor(ids: readonly TaskId[]): void {
    const { timeline, random } = this.#machine;
    this.ask(
      () => ({ type: "pause", ids }),
      () => {},
    );
    timeline.after(random.logarithmic(100, 20_000), () =>
      this.ask(
        () => ({ type: "resume", ids }),
        () => {},
      ),
    );
  }

  #retry(known: readonly TaskId[]): void {
    const { finals } = this.#machine.checker.shadow;
    const ended = known.filter((id) => (finals.get(id)?.status ?? "succeeded") !== "succeeded");
    if (ended.length === 0) return;
    const ids = this.#machine.random.some(ended, 3);
    this.#requests += 1;
    const request = `r${this.#requests}` as RequestId;
    this.ask(
      async () => {
        const archived = await this.#machine.supervisor?.archived(ids);
        return { type: "retry", request, ids, archived: archived ?? new Map() };
      },
      () => {},
    );
  }

  /** The person makes a commit on orchd's branch as it is now; others may land before it does. */
  #resolve(task: TaskId): void {
    const commit = this.#machine.repository.personResolves(task);
    this.#requests += 1;
    this.open += 1;
    this.#tryResolve({ request: `r${this.#requests}` as RequestId, task, commit });
    // Two people, who do not know of each other.
    if (this.#machine.random.chance(0.3)) this.#resolve(task);
  }

  #tryResolve(asked: Asked): void {
    const { timeline, random, supervisor } = this.#machine;
    const again = (): void =>
      void timeline.after(askAgainMs * (0.5 + random.fraction()), () => this.#tryResolve(asked));
    if (supervisor === null || !supervisor.listening) return again();
    const answered = (refused: ErrorCode | null): void => {
      if (refused === "stopping" || this.#machine.strikes("answer_lost")) return again();
      this.open -= 1;
    };
    supervisor.resolve(asked, answered, again);
  }

  /** Until it is answered. */
  ask(make: () => Command | Promise<Command>, answered: (decision: Decision) => void): void {
    this.open += 1;
    this.#try(make, (decision) => {
      this.open -= 1;
      answered(decision);
    });
  }

  #try(make: () => Command | Promise<Command>, answered: (decision: Decision) => void): void {
    const { timeline, random } = this.#machine;
    const again = (): void =>
      void timeline.after(askAgainMs * (0.5 + random.fraction()), () => this.#try(make, answered));
    const supervisor = this.#machine.supervisor;
    if (supervisor === null || !supervisor.listening) return again();
    const call = (command: Command): void =>
      supervisor.call(
        command,
        (decision) => {
          const kind = command.type === "submit" ? "client_gone" : "answer_lost";
          if (this.#machine.strikes(kind)) return again();
          if (!decision.ok && decision.failure.code === "stopping") return again();
          answered(decision);
        },
        again,
      );
    const made = make();
    if (!(made instanceof Promise)) return call(made);
    // Made by asking the supervisor, which may die over it.
    let sent = false;
    made
      .then((command) => {
        sent = true;
        call(command);
      })
      .catch((error: unknown) => this.#machine.bug(error));
    timeline.after(askAgainMs, () => {
      if (!sent && !supervisor.port.alive) again();
    });
  }
}

function submission(spec: TaskSpec): Submission {
  return { spec, digest: JSON.stringify(spec) };
}
