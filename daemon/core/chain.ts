import type { Argv } from "../../ipc/taskSpec.ts";
import type { Candidate } from "./landingState.ts";
import type { Life, State, Task } from "./state.ts";
import type { Oid, TaskId } from "../../ipc/ids.ts";
import type { RedGate } from "./attemptFacts.ts";

/**
 * Landings that wait together form a chain, and only its end is tested:
 *
 *     tip ◄── a ◄── b ◄── c ◄── d     each candidate is merged onto the one before
 *     │             │           └─ first: green, all four land
 *     │             └─ red: then the middle; green, a and b land at once, c and d are left
 *     └─ the base: tested only when the first of the chain is red and nobody knows about its base
 *
 * So whoever is blamed is red right behind a tree that is known to be green. Those behind them are
 * merged anew without them, as another chain. What is known is kept by tree, so the question what to do
 * next is answered from the state alone (`nextTest`), and a chain that was taken apart loses nothing.
 */
export type Member = Task & { life: Extract<Life, { status: "landing" }> };

/** The chain, first to land first. */
export function membersOf(state: State): Member[] {
  return state.landing.chain.map((id) => {
    const task = state.tasks.get(id);
    if (task?.life.status !== "landing") throw new Error(`${id} is in the chain and does not land`);
    return task as Member;
  });
}

/** The chain up to and including the task; empty when it is not in the chain. */
export function chainUpTo(state: State, id: TaskId): Member[] {
  return membersOf(state).slice(0, state.landing.chain.indexOf(id) + 1);
}

export function candidateOfMember({ life: { step } }: Member): Candidate | null {
  return "candidate" in step ? step.candidate : null;
}

/** The branch is being moved to it, or to one behind it. */
export function isMoving(state: State, id: TaskId): boolean {
  const { chain, current } = state.landing;
  const last = current === null ? undefined : state.tasks.get(current);
  if (current === null || last?.life.status !== "landing" || last.life.step.at !== "moving")
    return false;
  const place = chain.indexOf(id);
  return place !== -1 && place <= chain.indexOf(current);
}

/** Checks are under way: whatever moves the branch meanwhile has them run once more. */
export function isTesting({ landing, tasks }: State): boolean {
  const life = landing.current === null ? undefined : tasks.get(landing.current)?.life;
  return life?.status === "landing" && life.step.at === "gate";
}

/** The commands that the chain up to this task must pass, repository-wide ones first. */
export function gateCommands(state: State, task: Task): readonly Argv[] {
  const commands = [...state.settings.verify];
  for (const { spec } of chainUpTo(state, task.id))
    for (const argv of spec.verify)
      if (!commands.some((known) => sameArgv(known, argv))) commands.push(argv);
  return commands;
}

export function isRepositoryWide({ settings }: State, command: Argv): boolean {
  return settings.verify.some((argv) => sameArgv(argv, command));
}

/** Is a run needed to let the chain up to this task land, whose tree this is? */
export function needsGate(state: State, task: Task, tree: Oid): boolean {
  const commands = gateCommands(state, task);
  if (commands.length > state.settings.verify.length) return true;
  return commands.length > 0 && !state.landing.green.has(tree);
}

/** Another may join: nothing is known to be red, nor to be tried once more, and nothing is being moved or tested. */
export function mayGrow(state: State): boolean {
  const { chain, redBase, window } = state.landing;
  const { gate, chainMax } = state.settings;
  // On a red base each is tried alone: one of them may be the one that repairs it.
  const isAlone = gate === "each" || redBase !== null;
  const max = isAlone ? 1 : Math.min(chainMax, window ?? chainMax);
  if (chain.length >= Math.max(1, max)) return false;
  return membersOf(state).every(
    (member) => redOf(state, member) === null && !isSetupSuspected(member),
  );
}

export type NextTest =
  /** Known to be green: it lands, with all in front of it. */
  | { readonly kind: "passed"; readonly task: Member; readonly tree: Oid }
  | { readonly kind: "test"; readonly task: Member }
  | { readonly kind: "test_base"; readonly task: Member; readonly red: RedGate }
  | {
      readonly kind: "base_red";
      readonly task: Member;
      readonly tree: Oid;
      readonly red: RedGate;
    }
  | { readonly kind: "guilty"; readonly task: Member; readonly red: RedGate };

/** What a chain needs next of which everybody has a candidate and nobody is at work; `null`: it is empty. */
export function nextTest(state: State): NextTest | null {
  const members = membersOf(state);
  const firstRed = members.findIndex((member) => redOf(state, member) !== null);
  const clean = firstRed === -1 ? members : members.slice(0, firstRed);
  const last = members.at(-1);
  if (last === undefined) return null;
  if (firstRed === -1) return passed(state, last) ?? { kind: "test", task: last };
  const green = clean.findLast((member) => passed(state, member) !== null);
  if (green !== undefined) return passed(state, green);
  const [first] = members;
  if (first === undefined || firstRed === 0) return first === undefined ? null : why(state, first);
  // Position 0 is the base, position n the n-th of the chain; the guilty one is behind `low`.
  const low = isBaseGreen(state, first) ? 0 : -1;
  const middle = Math.max(1, (low + firstRed + 1) >> 1);
  return { kind: "test", task: members[middle - 1] ?? first };
}

function passed(state: State, task: Member): Extract<NextTest, { kind: "passed" }> | null {
  const candidate = candidateOfMember(task);
  if (candidate === null || needsGate(state, task, candidate.tree)) return null;
  return { kind: "passed", task, tree: candidate.tree };
}

/** The first of the chain is red. It is to blame only if the tree before it is known to be green. */
function why(state: State, task: Member): NextTest {
  const red = redOf(state, task);
  const candidate = candidateOfMember(task);
  if (red === null || candidate === null) throw new Error(`${task.id} is not red`);
  const ownCommand = !isRepositoryWide(state, red.command);
  // Of a setup the base was tried before it counted as red.
  const isSetup = red.failure.kind === "setup";
  if (ownCommand || isSetup || isBaseGreen(state, task)) return { kind: "guilty", task, red };
  const tree = candidate.ontoTree;
  const base = state.landing.red.get(tree);
  return base === undefined
    ? { kind: "test_base", task, red }
    : { kind: "base_red", task, tree, red: base };
}

/**
 * A setup that failed behind some that landed untested, as nobody has checks for them: what it was tried
 * on besides was the base before them, so it may be theirs.
 */
export function isSetupInDoubt(state: State): boolean {
  const members = membersOf(state);
  const [first] = members;
  // Without commands every tree counts as green, and none was run.
  const isRun = state.settings.verify.length > 0;
  if (first === undefined || (isRun && isBaseGreen(state, first))) return false;
  return members.some((member) => redOf(state, member)?.failure.kind === "setup");
}

function isSetupSuspected({ life: { step } }: Member): boolean {
  return step.at === "chained" && step.setup !== undefined;
}

function isBaseGreen(state: State, first: Member): boolean {
  const candidate = candidateOfMember(first);
  return candidate !== null && state.landing.green.has(candidate.ontoTree);
}

/** How the chain up to this task failed, in a run of its own or in an earlier one of the same tree. */
function redOf(state: State, { life: { step } }: Member): RedGate | null {
  if (step.at !== "chained") return null;
  return step.red ?? state.landing.red.get(step.candidate.tree) ?? null;
}

function sameArgv(a: Argv, b: Argv): boolean {
  return a.length === b.length && a.every((word, at) => word === b[at]);
}
