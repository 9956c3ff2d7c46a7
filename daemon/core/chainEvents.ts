import { generatedTreesMax, greenTreesMax, redTreesMax } from "./landingState.ts";
import { taskOf } from "./state.ts";
import { isRepositoryWide } from "./chain.ts";
import type {
  BaseRed,
  BaseSuspected,
  CandidateDropped,
  CandidateMade,
  GateLost,
  GateRed,
  GenerationStarted,
  LandingPutBack,
  Regenerated,
  SetupSuspected,
} from "./landingFacts.ts";
import type { Candidate, LandingStep } from "./landingState.ts";
import type { State } from "./state.ts";
import type { Oid, TaskId } from "../../ipc/ids.ts";

/**
 * What the events of landing do to the state (the protocol: chain.ts). Each changes its own task and
 * what all landings share, never another task.
 */
export function landingStarted(state: State, id: TaskId, at: number): void {
  const { landing } = state;
  const last = landing.chain.at(-1);
  const onto = last === undefined ? {} : { onto: candidateOf(state, last).commit };
  landing.chain = [...landing.chain, id];
  landing.waiting.delete(id);
  work(state, id, { at: "merging", since: at, ...onto });
}

export function candidateMade(state: State, event: CandidateMade, at: number, seq: number): void {
  const { candidate: commit, tree, onto, ontoTree } = event;
  const isFirst = state.landing.chain[0] === event.task;
  if (isFirst && ontoTree !== state.landing.redBase) tipSeen(state, onto);
  const candidate = { commit, tree, onto, ontoTree };
  if (event.gate === null)
    rest(state, event.task, { at: "chained", since: at, candidate, red: null });
  else if (event.gate)
    work(state, event.task, { at: "gate", since: at, fence: seq, candidate, suspected: null });
  else work(state, event.task, { at: "moving", since: at, candidate });
}

export function generationStarted(
  state: State,
  { task, commit, tree, globs }: GenerationStarted,
  at: number,
  seq: number,
): void {
  const generating = { at: "generating", since: at, fence: seq, commit, tree, globs } as const;
  work(state, task, { ...generating, ...ontoOf(stepOf(state, task)) });
}

export function regenerated(state: State, event: Regenerated, at: number): void {
  const { task, from, tree } = event;
  const step = stepOf(state, task);
  if (step.at === "generating")
    keep(state.landing.generated, from, { globs: step.globs, tree }, generatedTreesMax);
  work(state, task, { at: "merging", since: at, ...ontoOf(step), regenerated: { from, tree } });
}

function ontoOf(step: LandingStep): { readonly onto?: Oid } {
  return "onto" in step && step.onto !== undefined ? { onto: step.onto } : {};
}

export function gateStarted(state: State, id: TaskId, at: number, seq: number): void {
  const candidate = candidateOf(state, id);
  const step = stepOf(state, id);
  const red = step.at === "chained" ? step.setup : undefined;
  const setup = red === undefined ? {} : { setup: { red, on: "candidate" } as const };
  work(state, id, { at: "gate", since: at, fence: seq, candidate, suspected: null, ...setup });
}

/** Of how a tree fails only what does not depend on the moment is remembered beyond this chain. */
export function gateRed(state: State, { task, tree, red }: GateRed, at: number): void {
  if (isRepositoryWide(state, red.command) && red.failure.kind === "exit")
    keep(state.landing.red, tree, red, redTreesMax);
  const step = stepOf(state, task);
  const candidate = candidateOf(state, task);
  const own = step.at === "gate" && step.suspected !== null ? step.suspected : red;
  rest(state, task, { at: "chained", since: at, candidate, red: own });
}

export function baseSuspected(state: State, event: BaseSuspected, at: number, seq: number): void {
  const candidate = candidateOf(state, event.task);
  const suspected = event.red;
  work(state, event.task, { at: "gate", since: at, fence: seq, candidate, suspected });
}

/** What is known stays known. */
export function gateLost(state: State, { task, setup }: GateLost, at: number): void {
  const step = stepOf(state, task);
  const candidate = candidateOf(state, task);
  const red = step.at === "gate" ? step.suspected : null;
  const failed = setup === null ? {} : { setup };
  rest(state, task, { at: "chained", since: at, candidate, red, ...failed });
}

export function setupSuspected(
  state: State,
  { task, red }: SetupSuspected,
  at: number,
  seq: number,
): void {
  const candidate = candidateOf(state, task);
  const setup = { red, on: "base" } as const;
  work(state, task, { at: "gate", since: at, fence: seq, candidate, suspected: null, setup });
}

export function baseRed(state: State, { task, tree, message }: BaseRed): void {
  const { landing } = state;
  landing.held = { kind: "base_red", message };
  landing.redBase = tree;
  leaveChain(state, task);
  landing.waiting.add(taskOf(state, task));
  setStep(state, task, { at: "waiting", redBase: tree });
}

/** Those in front of it in the chain land with it. */
export function gatePassed(state: State, id: TaskId, tree: Oid, at: number): void {
  const { green } = state.landing;
  green.delete(tree);
  green.add(tree);
  for (const oldest of green) {
    if (green.size <= greenTreesMax) break;
    green.delete(oldest);
  }
  state.landing.window = null;
  const candidate = candidateOf(state, id);
  if (candidate.tree === tree) return work(state, id, { at: "moving", since: at, candidate });
  const step = stepOf(state, id);
  const red = step.at === "gate" ? step.suspected : null;
  rest(state, id, { at: "chained", since: at, candidate, red });
}

export function candidateDropped(state: State, event: CandidateDropped, at: number): void {
  work(state, event.task, { at: "merging", since: at });
}

export function putBack(state: State, { task, because }: LandingPutBack): void {
  if (because !== "chain_cut") state.landing.aside.add(task);
  leaveChain(state, task);
  state.landing.waiting.add(taskOf(state, task));
  setStep(state, task, { at: "waiting", redBase: null });
}

export function leaveChain(state: State, id: TaskId): void {
  const { landing } = state;
  if (!landing.chain.includes(id)) return;
  landing.chain = landing.chain.filter((member) => member !== id);
  if (landing.current === id) landing.current = null;
  if (landing.chain.length === 0) landing.aside.clear();
}

/** A new tip may be green again. */
export function tipSeen(state: State, tip: Oid): void {
  if (state.landing.tip !== tip) forgetRedBase(state);
  state.landing.tip = tip;
}

export function forgetRedBase({ landing }: State): void {
  landing.redBase = null;
  if (landing.held?.kind === "base_red") landing.held = null;
}

/** What it was held for is to be tried at once, or concerns nobody any more. */
export function forgetUnavailable({ landing }: State): void {
  if (landing.held?.kind === "gate_unavailable") landing.held = null;
}

/** What landing ran into is found out again by trying; with it a red base that it hides, as nobody looks at that. */
export function forgetHold({ landing }: State): void {
  if (landing.held?.kind === "base_red") return;
  landing.held = null;
  landing.redBase = null;
}

/** Newest last, at most `max`. */
function keep<Value>(known: Map<Oid, Value>, tree: Oid, value: Value, max: number): void {
  known.delete(tree);
  known.set(tree, value);
  for (const oldest of known.keys()) {
    if (known.size <= max) break;
    known.delete(oldest);
  }
}

/** It is at work: there is one such step at a time. */
function work(state: State, id: TaskId, next: LandingStep): void {
  state.landing.current = id;
  setStep(state, id, next);
}

function rest(state: State, id: TaskId, next: LandingStep): void {
  if (state.landing.current === id) state.landing.current = null;
  setStep(state, id, next);
}

function setStep(state: State, id: TaskId, next: LandingStep): void {
  const task = taskOf(state, id);
  if (task.life.status !== "landing") throw new Error(`${id} is not landing`);
  task.life = { ...task.life, step: next };
}

function stepOf(state: State, id: TaskId): LandingStep {
  const { life } = taskOf(state, id);
  if (life.status !== "landing") throw new Error(`${id} is not landing`);
  return life.step;
}

function candidateOf(state: State, id: TaskId): Candidate {
  const step = stepOf(state, id);
  if (!("candidate" in step)) throw new Error(`${id} has no candidate`);
  return step.candidate;
}
