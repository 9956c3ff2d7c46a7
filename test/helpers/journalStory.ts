import {
  World,
  candidateOf,
  defaultSettings,
  gate,
  generatedRule,
  holdId,
  id,
  ids,
  meeting,
  oid,
  readyCommand,
  request,
  saved,
  spec,
  started,
  submit,
  testCommand,
  worker,
} from "./core.ts";
import { conflictsMax } from "../../daemon/core/state.ts";
import { emptyState } from "../../daemon/core/emptyState.ts";
import { evolve } from "../../daemon/core/evolve.ts";
import { stateRow } from "../../daemon/core/snapshot.ts";
import { snapshotTask } from "../../daemon/changedTasks.ts";
import type { Recorded } from "../../daemon/core/events.ts";
import type { Outcome } from "../../ipc/workerMessages.ts";
import type { Snapshot } from "../../daemon/journal/records.ts";
import type { TaskId } from "../../ipc/ids.ts";

/**
 * A short life of a supervisor in which every type of event occurs. It is what the journals in
 * test/fixtures/journals tell, and by which a change of the shape of events is noticed: always the
 * same acts, ids and times.
 */
export function tellStory(): readonly Recorded[] {
  const generated = [generatedRule];
  const world = World.ready({ slots: 3, verify: [testCommand], generated, ground: "here" });
  world.turn(
    { type: "branchPrepared", tip: oid("tip"), targetTip: oid("target") },
    readyCommand(gate),
  );
  landings(world);
  together(world);
  setbacks(world);
  conflicts(world);
  pauses(world);
  stops(world);
  pushes(world);
  holds(world);
  restarts(world);
  return world.journal;
}

/** The snapshot after event `seq`: of the tasks that changed behind event `after`. */
export function snapshotAt(story: readonly Recorded[], seq: number, after: number): Snapshot {
  const state = emptyState();
  const changed = new Set<TaskId>();
  for (const recorded of story.slice(0, seq)) {
    evolve(state, recorded);
    if (recorded.seq > after && "task" in recorded.event) changed.add(recorded.event.task);
  }
  const tasks = [...changed].flatMap((name) => state.tasks.get(name) ?? []);
  return { seq, state: JSON.stringify(stateRow(state)), tasks: [tasks.map(snapshotTask)] };
}

/** `path: type` of every field that occurs in the events of each type, sorted. */
export function shapeOf(story: readonly Recorded[]): Record<string, readonly string[]> {
  const shapes = new Map<string, Set<string>>();
  for (const { event } of story) {
    const shape = shapes.get(event.type) ?? new Set();
    shapes.set(event.type, shape);
    collect(event, "", shape);
  }
  const sorted = [...shapes].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([type, shape]) => [type, [...shape].toSorted()]));
}

function collect(value: unknown, path: string, into: Set<string>): void {
  if (Array.isArray(value)) for (const item of value) collect(item, `${path}[]`, into);
  else if (typeof value === "object" && value !== null)
    for (const [key, inner] of Object.entries(value)) collect(inner, `${path}.${key}`, into);
  else if (value !== undefined) into.add(`${path}: ${value === null ? "null" : typeof value}`);
}

const crash = { kind: "exit", exit_code: 1 } as const;
const red: Outcome = { result: "gate_red", command: testCommand, failure: crash, output: "1 no" };

function landings(world: World): void {
  world.submit(
    spec("first", {
      claims: { writes: ["src/**"], reads: ["docs/**"], resources: { db: 1 } },
      title: "naïve “quotes”\nand a second line 😀",
      env: { CI: "1" },
      labels: ["old"],
      retries: 1,
    }),
  );
  world.done("first", ["src/a"]).merged("first").report("first", { result: "gate_green" });
  world.moved("first", { kind: "outdated" }).merged("first").moved("first");
  world.turn({ type: "followed", result: { kind: "waiting", reason: "edited", paths: ["a"] } });
  world.turn({ type: "followed", result: { kind: "followed", to: oid("c-first") } });
}

/** One of three that land together is red, another is put back behind it, and two runs of them are lost. */
function together(world: World): void {
  world.turn({ type: "landingHeld", reason: { kind: "rewound", message: "main was reset" } });
  const names = ["one", "two", "three"];
  world.submit(...names.map((name) => spec(name)));
  for (const name of names) world.done(name, [name]);
  world.turn({ type: "landingReleased", tip: null });
  for (const name of names) world.merged(name);
  for (const pauseMs of [5_000, 10_000])
    world.report("three", { result: "lost", saved: null }).pass(pauseMs);
  world.merged("one").report("one", { result: "gate_green" }).moved("one");
  world.merged("two").merged("three").report("three", red);
  world.report("two", red).report("two", { result: "gate_green" });
  world.merged("three", candidateOf("three", { tree: oid("tree-third"), onto: oid("c-one") }));
  world.report("three", { result: "gate_green" }).moved("three");
  world.turn({ type: "followed", result: { kind: "followed", to: oid("c-three") } });
  sentBack(world);
  mergeRules(world);
  generation(world);
  unavailable(world);
}

/** A candidate that changes how files merge. */
function mergeRules(world: World): void {
  const union = { pattern: "*", words: "merge=union", effect: "both_sides" } as const;
  const rules = [{ file: ".gitattributes", ...union, change: "added" } as const];
  world.submit(spec("union")).done("union", [".gitattributes"]);
  world.merged("union", candidateOf("union", { mergeRules: { rules, total: 1 } }));
  world.report("union", { result: "gate_green" }).moved("union");
}

/** Two changes of a file that is made by a command meet. */
function generation(world: World): void {
  world.submit(spec("locks")).done("locks", ["lock.json"]).merged("locks", meeting("locks"));
  const made = { result: "generated", tree: oid("made"), others: ["log"] } as const;
  world.report("locks", made).merged("locks", candidateOf("locks", { tree: oid("made") }));
  world.report("locks", { result: "gate_green" }).moved("locks");
}

/** The gate cannot be run at all, and then the setup fails with what one of two brings. */
function unavailable(world: World): void {
  const lost = { result: "lost", saved: null } as const;
  const problem = { kind: "setup", message: "npm ci: exit code 1\nno such package" } as const;
  const setup = { result: "failed", failure: problem, saved: null } as const;
  const green = { result: "gate_green" } as const;
  world.turn({ type: "landingHeld", reason: { kind: "rewound", message: "main was reset" } });
  world.submit(spec("fine"), spec("broken")).done("fine", ["f"]).done("broken", ["package.json"]);
  world.turn({ type: "landingReleased", tip: null });
  world.merged("fine").merged("broken").report("broken", lost).pass(5_000);
  world.report("broken", lost).pass(10_000);
  world.merged("fine").report("fine", setup).report("fine", setup).pass(20_000);
  world.merged("fine").report("fine", green).moved("fine").merged("broken");
  world.report("broken", setup).report("broken", green).pass(5_000).report("broken", setup);
}

/** Red behind a green tree, with another attempt left, which changes nothing. */
function sentBack(world: World): void {
  const onto = { onto: oid("c-three"), ontoTree: oid("tree-third") };
  world.submit(spec("sent", { retries: 1 })).done("sent", ["s"]);
  world.merged("sent", candidateOf("sent", onto)).report("sent", red).pass(1_000).done("sent");
}

/** A failure with a retry, a lost attempt whose work is found, a red gate on a red base. */
function setbacks(world: World): void {
  world.submit(spec("again", { retries: 1 }), spec("behind", { after: ["again"] }));
  const told = { ...saved(["x"]), message: "Said by the agent" };
  world.report("again", { result: "failed", failure: crash, saved: told }).pass(1_000);
  const hook = { kind: "hook", hook: "pre-commit", message: "exit code 1" } as const;
  world.report("again", { result: "failed", failure: hook, saved: null });
  tooMuch(world);
  world.submit(spec("lost"));
  const fence = world.fence("lost");
  const { life } = world.task("lost");
  const holder = life.status === "running" ? life.worker : worker(1);
  world.turn({ type: "workerGone", worker: holder });
  world.ready(holder);
  world.report("lost", { result: "lost", saved: saved(["y"]) }, fence).pass(60_000);
  world.done("lost", ["y"]);
  const onto = { onto: oid("elsewhere"), ontoTree: oid("tree-red") };
  world.merged("lost", candidateOf("lost", onto)).report("lost", red).report("lost", red);
  const retried = { type: "retry", request: request("r1"), archived: new Map() } as const;
  world.turn({ ...retried, ids: ids("again") });
}

/** A key that was committed and removed again, and a workspace that outgrew its limit. */
function tooMuch(world: World): void {
  const key = { path: "id_rsa", why: "secret", bytes: 3, committed: true } as const;
  const keptBack = { kind: "kept_back", folder: "/aside/key.1", files: [key], total: 1 } as const;
  world.submit(spec("key"), spec("large"));
  world.report("key", { result: "failed", failure: keptBack, saved: saved(["k"]) });
  const size = { kind: "workspace_size", limit_bytes: 1_000, bytes: 2_000 } as const;
  world.report("large", { result: "failed", failure: size, saved: null });
}

/** It conflicts until it is parked, once because it left the conflict as it was; a person resolves it. */
function conflicts(world: World): void {
  world.submit(spec("parked", { on_conflict: "continue" }));
  const ref = "refs/orchd/conflicts/parked";
  const ahead = { type: "foresee", task: id("parked"), other: null } as const;
  world.turn({ ...ahead, paths: ["p"] }, { ...ahead, paths: [] });
  const met = { paths: ["p"], paths_total: 1_001, ref, ours: oid("tip") } as const;
  const conflict = { kind: "conflict", ...met } as const;
  for (let times = 1; times <= conflictsMax; times += 1)
    world.done("parked", ["p"]).merged("parked", conflict);
  const left = { unresolved: ["p"], unresolved_total: 1_001 };
  world.report("parked", { result: "done", saved: saved(["p"], left) });
  world.turn({
    type: "resolve",
    request: request("r2"),
    task: id("parked"),
    saved: saved(["p"], { ref: "refs/orchd/resolutions/parked/r2" }),
    archived: null,
  });
  world.turn({ type: "cancel", ids: ids("parked") });
}

function pauses(world: World): void {
  world.turn({ type: "pause", ids: [] });
  world.submit(spec("held", { not_before: { delay_ms: 5_000 }, priority: 3 }));
  world.turn({ type: "pause", ids: ids("held") });
  world.turn({ type: "resume", ids: [] }, { type: "resume", ids: ids("held") });
  world.turn({ type: "pauseLabel", label: "old" }, { type: "resumeLabel", label: "old" });
  world.turn({ type: "pauseLabel", label: "slow" });
  world.turn({ type: "landingHeld", reason: { kind: "rewound", message: "main was reset" } });
  world.turn({ type: "landingReleased", tip: oid("reset") });
}

function stops(world: World): void {
  world.submit(spec("ending"), spec("never", { after: ["ending"] }));
  world.turn({ type: "cancel", ids: ids("ending", "held") });
  world.report("ending", { result: "ended", saved: null });
  const settings = { ...defaultSettings, slots: 4, verify: [["make", "check"]] as const };
  world.turn({ type: "settingsChanged", settings });
}

/** It fails first, and then the remote has what landed. */
function pushes(world: World): void {
  const place = { remote: "origin", branch: "main" };
  const settings = { ...world.state.settings, push: place };
  world.turn({ type: "settingsChanged", settings });
  const problem = { kind: "failed", message: "Could not resolve host" } as const;
  world.turn({ type: "pushFailed", place, problem });
  const to = world.state.landing.tip ?? oid("tip");
  world.turn({ type: "pushed", place, to, commits: 0 });
}

/** Of two locks and a foreign claim, one is left for the next supervisor. */
function holds(world: World): void {
  const owner = { pid: 77, startTime: 5, bootId: "boot", pidNamespace: "pid:[1]", host: "here" };
  const claims = { writes: ["lib/**"], reads: [], resources: {} };
  for (const name of ["lock:one", "lock:two"])
    world.turn({
      type: "lock",
      request: { id: holdId(name), claims, owner, note: "make" },
      wait: true,
    });
  const foreign = { type: "foreignClaim", hold: holdId("foreign:me"), note: "a file" } as const;
  world.turn({ ...foreign, claims, owner: null });
  world.turn({ type: "breakLocks", holders: [holdId("lock:one")] });
  world.turn({ type: "unlock", hold: holdId("lock:one"), because: "owner_gone" });
}

/** It ends as a killed supervisor does: some tasks run, one lands, one waits. */
function restarts(world: World): void {
  world.turn(started({ slots: 2, verify: [testCommand] }, 2), submit(spec("kept")));
  const held = ["kept", "ghost"].map((name) => ({ task: id(name), attempt: 1, fence: 1_040 }));
  world.turn(readyCommand(worker(1), held), readyCommand(worker(2)));
  world.submit(spec("running", { claims: ["z"] }), spec("waiting", { claims: ["z"] }));
  world.turn(submit(spec("instant", { work: { kind: "tools", calls: [] } })));
  world.turn({ type: "cancel", ids: [id("waiting")] }, submit(spec("last", { claims: ["z"] })));
}
