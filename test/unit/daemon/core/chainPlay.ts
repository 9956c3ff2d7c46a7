import { World, oid, spec, testCommand } from "../../../helpers/core.ts";
import type { CoreSettings } from "../../../../daemon/core/coreSettings.ts";
import type { Oid, TaskId } from "../../../../ipc/ids.ts";

/** Is a tree red that holds the changes of these tasks? */
export type Red = (tasks: ReadonlySet<string>) => boolean;

/**
 * Tasks that wait to land together, with a repository in which a tree is the set of tasks whose changes
 * it holds. Everything that landing asks for is answered by that.
 */
export class ChainPlay {
  readonly world: World;
  readonly runs: string[][] = [];
  /** The tasks on the branch, in the order of their commits. */
  branch: readonly string[] = [];
  readonly #red: Red;
  readonly #trees = new Map<Oid, readonly string[]>([[oid("tip"), []]]);
  #commits = 0;

  constructor(names: readonly string[], red: Red, settings: Partial<CoreSettings> = {}) {
    this.#red = red;
    this.world = World.ready({ slots: names.length, verify: [testCommand], ...settings });
    const { world } = this;
    world.turn({ type: "landingHeld", reason: { kind: "rewound", message: "wait" } });
    world.submit(...names.map((name) => spec(name)));
    for (const name of names.toReversed()) world.done(name, [name]);
    world.turn({ type: "landingReleased", tip: null });
  }

  /** Answers until nothing is asked for any more. */
  settle(): this {
    for (let steps = 0; this.world.state.landing.current !== null; steps += 1) {
      if (steps > 10_000) throw new Error("landing goes round in circles");
      this.answer();
    }
    return this;
  }

  /** Answers what landing waits for. */
  answer(): void {
    const { world } = this;
    const name = world.state.landing.current;
    const life = name === null ? undefined : world.task(name).life;
    if (name === null || life?.status !== "landing") return;
    const { step } = life;
    switch (step.at) {
      case "merging":
        return this.#merge(name, step.onto);
      case "gate":
        return this.#gate(
          name,
          step.suspected === null ? step.candidate.commit : step.candidate.onto,
        );
      case "moving":
        return this.#move(name, step.candidate.commit);
      default:
        throw new Error(`${name} is current and ${step.at}`);
    }
  }

  /** Merged where it is asked for: the tip of the branch, or the candidate in front. */
  #merge(name: TaskId, onto = this.#tip()): void {
    const commit = oid(`c${(this.#commits += 1)}x`);
    const below = this.#trees.get(onto);
    if (below === undefined) throw new Error(`there is no commit ${onto}`);
    this.#trees.set(commit, [...below, name]);
    const trees = { tree: treeOf([...below, name]), ontoTree: treeOf(below) };
    this.world.merged(name, { kind: "candidate", candidate: commit, onto, ...trees });
  }

  #gate(name: TaskId, commit: Oid): void {
    const tasks = this.#trees.get(commit) ?? [];
    this.runs.push([...tasks]);
    const failure = { kind: "exit", exit_code: 1 } as const;
    const red = this.#red(new Set(tasks));
    this.world.report(
      name,
      red
        ? { result: "gate_red", command: testCommand, failure, output: `red: ${tasks.join(" ")}` }
        : { result: "gate_green" },
    );
  }

  #move(name: TaskId, commit: Oid): void {
    const [move] = this.world.effectsOf("move");
    if (move !== undefined && move.candidate.onto !== this.#tip())
      throw new Error(`moved from ${move.candidate.onto}, and the branch is at ${this.#tip()}`);
    this.branch = this.#trees.get(commit) ?? [];
    if (this.#red(new Set(this.branch)) && this.branch.length > 0)
      throw new Error(`the tip is red: ${this.branch.join()}`);
    this.world.moved(name, { kind: "moved", commit });
  }

  #tip(): Oid {
    return this.world.state.landing.tip ?? oid("tip");
  }

  ended(status: "succeeded" | "failed"): string[] {
    return [...this.world.state.finals].flatMap(([name, final]) =>
      final.status === status ? [name] : [],
    );
  }
}

export function names(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `t${at + 1}`);
}

function treeOf(tasks: readonly string[]): Oid {
  return oid(
    tasks.length === 0 ? "tree-tip" : `t-${tasks.map((name) => name.slice(1)).join("-")}x`,
  );
}
