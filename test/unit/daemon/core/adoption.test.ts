import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { id, ids, saved, spec, started, World, worker } from "../../../helpers/core.ts";
import type { AttemptKey } from "../../../../ipc/workerMessages.ts";
import type { SpecChanges } from "../../../helpers/core.ts";

/**
 * The table of docs/operating/crash-safety.md, cell by cell: a row is what the journal says of an
 * attempt, a column what is learned from the worker that has (or had) it. The word in each cell of
 * the page is what is tested here, so a cell that is missing there or here fails.
 */
const columns = ["holds it", "does not hold it", "reports success", "is gone"] as const;
type Column = (typeof columns)[number];

const first = worker(1);
const other = worker(2);

/** A journal, and the attempt in question; the worker in question is `worker-1`. */
type Scene = { readonly world: World; readonly key: AttemptKey };

/** Worker 1 has attempt 1 of `a`; then a new supervisor took over, and worker 1 has not dialled in. */
function running(changes: SpecChanges = {}, after: (world: World) => void = () => {}): Scene {
  const world = World.ready({ slots: 2, follow: "off" }).submit(
    spec("a", { claims: ["x"], ...changes }),
  );
  const key = { task: id("a"), attempt: 1, fence: world.fence("a") };
  after(world);
  world.turn(started(world.state.settings, 2));
  return { world, key };
}

/** The journal forgot what came after the submission; the worker did not. */
function forgotten(then: (world: World) => void = () => {}): Scene {
  const world = new World();
  world.turn(started({ slots: 2, follow: "off" }));
  world.submit(spec("a", { claims: ["x"] }));
  then(world);
  return { world, key: { task: id("a"), attempt: 1, fence: 1_000 } };
}

function pauseIt(world: World): void {
  world.turn({ type: "pause", ids: ids("a") });
}

const scenes: Readonly<Record<string, () => Scene>> = {
  "open, on this worker": () => running(),
  "open, being cancelled": () =>
    running({}, (world) => world.turn({ type: "cancel", ids: ids("a") })),
  "open, on another worker": () => {
    const world = new World();
    world.turn(started({ slots: 2, follow: "off" }), {
      type: "workerReady",
      worker: other,
      holding: [],
    });
    world.submit(spec("a", { claims: ["x"] }));
    return { world, key: { task: id("a"), attempt: 1, fence: world.fence("a") } };
  },
  "ended, its work lands": () => running({}, (world) => world.done("a", ["x"])),
  "ended, the task runs again": () =>
    running({ retries: { max: 1, backoff_ms: 60_000 } }, (world) => {
      const failure = { kind: "exit", exit_code: 1 } as const;
      world.report("a", { result: "failed", failure, saved: saved(["x"]) });
    }),
  "ended as lost": () =>
    running({}, (world) =>
      world.turn(started(world.state.settings, 2), { type: "workerGone", worker: first }),
    ),
  "its task is over": () =>
    running({}, (world) => {
      world.done("a");
      world.evict("a");
    }),
  "never recorded, the task waits": () => forgotten(),
  "never recorded, the task cannot start": () => forgotten(pauseIt),
  "never recorded, another attempt is open": () => forgotten((world) => world.ready(other)),
  "never recorded, the task is unknown": () => ({
    ...forgotten(pauseIt),
    key: { task: id("ghost"), attempt: 1, fence: 1_000 },
  }),
};

/** What the worker does, or what is found out about it. */
const acts: Readonly<Record<Column, (scene: Scene) => void>> = {
  "holds it": ({ world, key }) =>
    void world.turn({ type: "workerReady", worker: first, holding: [key] }),
  "does not hold it": ({ world }) => void world.ready(first),
  "reports success": ({ world, key }) => {
    const outcome = { result: "done", saved: saved(["x"]) } as const;
    world.turn({ type: "report", worker: first, report: { ...key, outcome, elapsed_ms: 1 } });
  },
  "is gone": ({ world }) => void world.turn({ type: "workerGone", worker: first }),
};

/** What the words in the cells promise. `before`: the attempts as they were, as JSON. */
const promises: Readonly<Record<string, (scene: Scene, before: string) => void>> = {
  "goes on": ({ world, key }, before) => {
    expect(attemptsOf(world)).to.equal(before);
    expect(world.effects.filter(({ kind }) => kind !== "placeLock")).to.deep.equal([]);
    expect(world.task("a").life).to.include({ status: "running", fence: key.fence });
  },
  "goes on, told to end": ({ world, key }) => {
    expect(world.effects).to.deep.equal([{ kind: "cancelAttempt", worker: first, ...key }]);
    expect(world.status("a")).to.equal("running");
  },
  "sent again": ({ world, key }, before) => {
    expect(attemptsOf(world)).to.equal(before);
    expect(world.effects).to.deep.include({
      kind: "dispatch",
      worker: first,
      ...key,
      spec: world.task("a").spec,
    });
  },
  "sent again, told to end": ({ world }) => {
    expect(world.effects.map(({ kind }) => kind)).to.deep.equal(["dispatch", "cancelAttempt"]);
  },
  "counts: lands": ({ world }) => {
    expect(world.task("a").attempts.map(({ result }) => result)).to.deep.equal(["done"]);
    expect(world.status("a")).to.equal("landing");
  },
  "counts: cancelled": ({ world }) => {
    expect(world.task("a").attempts.map(({ result }) => result)).to.deep.equal(["done"]);
    expect(world.task("a").attempts[0]?.savedRef, "its work").to.be.a("string");
    expect(world.status("a")).to.equal("cancelled");
  },
  "lost: runs again": ({ world }) => {
    expect(world.task("a").attempts[0]?.result).to.equal("lost");
    expect(world.task("a").life.status).to.equal("queued");
  },
  "lost: cancelled": ({ world }) => {
    expect(world.task("a").attempts[0]?.result).to.equal("lost");
    expect(world.status("a")).to.equal("cancelled");
  },
  nothing: ({ world }, before) => {
    expect(attemptsOf(world)).to.equal(before);
    expect(world.effects.filter(({ kind }) => kind !== "placeLock")).to.deep.equal([]);
    expect(world.events("AttemptFenced")).to.deep.equal([]);
  },
  "nothing; starts as new": ({ world, key }) => {
    const { life, attempts } = world.task("a");
    expect(life).to.include({ status: "running", worker: first });
    expect(attempts.at(-1)?.fence).to.not.equal(key.fence);
    expect(world.effectsOf("dispatch")).to.have.length(1);
  },
  "work noted": ({ world }) => {
    expect(world.task("a").attempts[0]).to.include({ result: "lost", savedRef: saved(["x"]).ref });
    expect(world.status("a")).to.equal("queued");
  },
  adopted: ({ world, key }) => {
    expect(world.task("a").life).to.include({ status: "running", worker: first, fence: key.fence });
    expect(world.task("a").attempts.map(({ number, fence }) => [number, fence])).to.deep.equal([
      [key.attempt, key.fence],
    ]);
    expect(world.effects.map(({ kind }) => kind)).to.deep.equal(["placeLock"]);
    const outcome = { result: "done", saved: saved(["x"]) } as const;
    world.turn({ type: "report", worker: first, report: { ...key, outcome, elapsed_ms: 1 } });
    expect(world.status("a"), "its outcome counts").to.equal("landing");
  },
  fenced: ({ world, key }, before) => {
    expect(world.effectsOf("cancelAttempt")).to.deep.equal([
      { kind: "cancelAttempt", worker: first, ...key },
    ]);
    expect(world.effectsOf("dispatch")).to.deep.equal([]);
    const { life, attempts } = world.task("a");
    if (life.status === "running") expect(attemptsOf(world), "who has it").to.equal(before);
    else if (attempts.length > 0) expect(attempts.at(-1)?.result).to.equal("lost");
    const outcome = { result: "done", saved: saved(["x"]) } as const;
    world.turn({ type: "report", worker: first, report: { ...key, outcome, elapsed_ms: 1 } });
    expect(world.task("a").life.status, "its report changes nothing").to.equal(life.status);
  },
};

function attemptsOf(world: World): string {
  return JSON.stringify(world.state.tasks.get(id("a"))?.attempts ?? null);
}

/** `row` → `column` → word, from the page. */
function pageTable(): Map<string, Map<string, string>> {
  const page = join(import.meta.dirname, "../../../../docs/operating/crash-safety.md");
  const text = readFileSync(page, "utf8");
  const part = text.slice(text.indexOf("<!-- table -->"), text.indexOf("<!-- /table -->"));
  const [head, , ...rows] = part
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return new Map(
    rows.map(([name = "", ...cells]) => [
      name,
      new Map(cells.map((cell, at) => [head?.[at + 1] ?? "", cell])),
    ]),
  );
}

describe("what the journal says of an attempt, and what is learned from its worker", () => {
  const table = pageTable();

  it("is a complete table", () => {
    expect([...table.keys()]).to.have.members(Object.keys(scenes));
    for (const [row, cells] of table) expect([...cells.keys()], row).to.deep.equal([...columns]);
  });

  for (const [row, makeScene] of Object.entries(scenes))
    for (const column of columns) {
      const word = table.get(row)?.get(column) ?? "(missing)";
      it(`${row}; the worker ${column}: ${word}`, () => {
        const promise = promises[word];
        if (promise === undefined) throw new Error(`nobody knows what "${word}" promises`);
        const scene = makeScene();
        const before = attemptsOf(scene.world);
        acts[column](scene);
        promise(scene, before);
      });
    }
});

describe("an attempt that the journal has lost", () => {
  it("keeps its number for its saved work, also when it is fenced", () => {
    const { world, key } = forgotten((it) => it.turn({ type: "pause", ids: ids("a") }));
    world.turn({ type: "workerReady", worker: first, holding: [key] });
    world.turn({ type: "resume", ids: ids("a") });
    expect(world.task("a").attempts.map(({ number, result }) => [number, result])).to.deep.equal([
      [1, "lost"],
      [2, null],
    ]);
  });

  it("is not adopted as another number than its own, nor by a worker that has something else", () => {
    const { world, key } = forgotten();
    world.turn({ type: "workerReady", worker: first, holding: [{ ...key, attempt: 2 }] });
    expect(world.events("AttemptFenced")).to.have.length(1);
    const second = forgotten((it) => it.submit(spec("b")));
    const held = { task: id("b"), attempt: 1, fence: 999 };
    second.world.turn({ type: "workerReady", worker: first, holding: [second.key, held] });
    expect(second.world.events("AttemptAdopted").map(({ task }) => task)).to.deep.equal(["a"]);
    expect(second.world.events("AttemptFenced").map(({ task }) => task)).to.deep.equal(["b"]);
  });

  it("is told again that it is cancelled, though its fence is above all that this journal has", () => {
    const { world, key } = forgotten();
    const ready = { type: "workerReady", worker: first, holding: [key] } as const;
    world.turn(ready);
    expect(world.task("a").attempts.at(-1)?.fence).to.equal(key.fence);
    world.turn({ type: "cancel", ids: ids("a") });
    world.turn(ready);
    expect(world.effectsOf("cancelAttempt")).to.deep.equal([
      { kind: "cancelAttempt", worker: first, ...key },
    ]);
    expect(world.effectsOf("dispatch")).to.deep.equal([]);
  });

  it("of a gate run that was dropped meanwhile is ended", () => {
    const { world } = running({}, (it) => it.done("a", ["x"]));
    const gone = { task: id("a"), attempt: 1, fence: 500 };
    world.turn({ type: "workerReady", worker: "gate-1" as typeof first, holding: [gone] });
    expect(world.effectsOf("cancelAttempt")).to.deep.equal([
      { kind: "cancelAttempt", worker: "gate-1", ...gone },
    ]);
  });

  it("does not count for the worker that says so, when two claim it", () => {
    const world = World.ready({ slots: 2, follow: "off" }).submit(spec("a"));
    const key = { task: id("a"), attempt: 1, fence: world.fence("a") };
    const outcome = { result: "done", saved: null } as const;
    world.turn({ type: "report", worker: other, report: { ...key, outcome, elapsed_ms: 1 } });
    expect(world.status("a")).to.equal("running");
    world.turn({ type: "report", worker: first, report: { ...key, outcome, elapsed_ms: 1 } });
    expect(world.status("a")).to.equal("succeeded");
  });
});
