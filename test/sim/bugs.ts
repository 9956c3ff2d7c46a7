import type { Rule } from "./violation.ts";

/**
 * Bugs that are planted to see whether the simulator finds them. Each is an edit of the text of a
 * module, made while it is loaded (mutate.ts), so the product holds no switch for them. Where a twin
 * stands in for a part of the product, the bug is planted in the twin.
 */
export type Edit = { readonly file: string; readonly find: string; readonly replace: string };
export type Bug = {
  readonly name: string;
  /** Caught means: by this rule. Without it, by any. */
  readonly breaks?: Rule;
  /** Where the tests begin to look: it finds the bug, as long as nobody changes what is drawn. Default: 1. */
  readonly seed?: number;
  readonly edits: readonly Edit[];
};

/** Beyond this many seeds a planted bug counts as missed. */
export const bugSeedsMax = 1_000;

const answering = "decisions.forEach((decision, index) => asked[index]?.answer(decision));";
const committing = "if (batch.length > 0) await this.#commit(batch, kept);";
const notingChange = 'if ("task" in event) this.#noteChange(event.task);';
const committed = "this.#durable = null;";

export const plantedBugs: readonly Bug[] = [
  {
    name: "give a lock to whoever asks",
    breaks: "S3",
    edits: [
      {
        file: "daemon/core/holds.ts",
        find: 'if (look.free) apply({ type: "HoldGranted", hold: one.id, overtook: look.overtook });',
        replace:
          'apply({ type: "HoldGranted", hold: one.id, overtook: look.free ? look.overtook : [] });',
      },
      { file: "daemon/core/holds.ts", find: "    else block(state, look, at);\n", replace: "" },
    ],
  },
  {
    name: "start a task under a foreign claim",
    breaks: "S3",
    edits: [
      {
        file: "daemon/core/holdEvents.ts",
        find: "else holdFor(state, one);",
        replace: "else void holdFor;",
      },
      { file: "test/sim/idle.ts", find: "checkHolders(state);\n  if", replace: "if" },
    ],
  },
  {
    name: "make again what the person's branch has",
    breaks: "S2",
    seed: 171,
    edits: [
      {
        file: "test/sim/landing.ts",
        find: "commit.task !== null && !isAncestor(commit, target)",
        replace: "commit.task !== null",
      },
      { file: "test/sim/landing.ts", find: "if (tree !== onto.tree)\n", replace: "\n" },
    ],
  },
  {
    name: "skip the fence check",
    edits: [
      {
        file: "daemon/core/adoption.ts",
        find: "life.fence === key.fence &&\n    life.worker === worker &&\n    currentAttempt(task)?.number === key.attempt",
        replace: "life.worker === worker",
      },
    ],
  },
  {
    name: "acknowledge before sync",
    edits: [
      { file: "daemon/loop.ts", find: answering, replace: "" },
      { file: "daemon/loop.ts", find: committing, replace: `${answering} ${committing}` },
    ],
  },
  {
    name: "evolve without pending on recovery",
    edits: [
      {
        file: "daemon/core/react.ts",
        find: "return [...locks, ...holds, ...cancellations, ...steps];",
        replace: "return [];",
      },
    ],
  },
  {
    name: "release claims before landing",
    edits: [
      {
        file: "daemon/core/life.ts",
        find: 'else if (life.status !== "landing") release(',
        replace: "else release(",
      },
      { file: "daemon/core/attemptEvents.ts", find: "    holdTouched(state, task);", replace: "" },
      {
        file: "daemon/core/state.ts",
        find: 'life.status === "running" || life.status === "landing";',
        replace: 'life.status === "running";',
      },
    ],
  },
  {
    name: "allocate an id twice",
    edits: [
      {
        file: "daemon/core/attemptEvents.ts",
        find: "(currentAttempt(task)?.number ?? 0) + 1",
        replace: 'task.attempts.filter(({ result }) => result !== "lost").length + 1',
      },
    ],
  },
  {
    name: "retry without saving",
    edits: [
      {
        file: "test/sim/worker.ts",
        find: "const saved = this.#save();\n      for",
        replace: "const saved = null;\n      for",
      },
    ],
  },
  {
    name: "blame for a setup that nobody tried without the change",
    breaks: "S8",
    edits: [
      {
        file: "daemon/core/unavailable.ts",
        find: '  if (setup === undefined) return apply({ type: "SetupSuspected", task: task.id, red });\n',
        replace: "",
      },
    ],
  },
  {
    name: "blame on a red base",
    seed: 30,
    edits: [
      {
        file: "daemon/core/chain.ts",
        find: "ownCommand || isSetup || isBaseGreen(state, task)",
        replace: "true || ownCommand",
      },
    ],
  },
  {
    name: "test the last of a chain by its own checks only",
    breaks: "S8",
    seed: 62,
    edits: [
      {
        file: "daemon/core/chain.ts",
        find: "of chainUpTo(state, task.id))\n    for",
        replace: "of chainUpTo(state, task.id).slice(-1))\n    for",
      },
    ],
  },
  {
    name: "blame the last of a red chain",
    breaks: "S8",
    seed: 18,
    edits: [
      {
        file: "daemon/core/chain.ts",
        find: "const firstRed = members.findIndex(",
        replace:
          "const lastRed = members.findLast((one) => redOf(state, one) !== null); " +
          'if (lastRed) return { kind: "guilty", task: lastRed, red: redOf(state, lastRed)! }; ' +
          "const firstRed = members.findIndex(",
      },
    ],
  },
  {
    name: "land a whole chain when a part of it is green",
    breaks: "S2",
    seed: 35,
    edits: [
      {
        file: "daemon/core/landing.ts",
        find: "for (const member of chainUpTo(state, task.id)) {",
        replace: "for (const member of chainUpTo(state, state.landing.chain.at(-1) ?? task.id)) {",
      },
    ],
  },
  {
    name: "keep those behind one that leaves the chain",
    seed: 181,
    edits: [
      {
        file: "daemon/core/chainEnds.ts",
        find: "if (place !== -1) putBackFrom(",
        replace: "if (place === -2) putBackFrom(",
      },
    ],
  },
  {
    name: "follow after a reset",
    seed: 34,
    edits: [
      {
        file: "test/sim/landing.ts",
        find: "if (!isAncestor(followed, target))",
        replace: "if (false)",
      },
    ],
  },
  {
    name: "wake only on holders",
    seed: 299,
    edits: [
      {
        file: "daemon/core/claimWaits.ts",
        find: "if (bunch !== null) checkBunch(",
        replace: "if (!holds) return; if (bunch !== null) checkBunch(",
      },
    ],
  },
  {
    name: "drop a batch on ENOSPC",
    seed: 23,
    edits: [
      {
        file: "daemon/loop.ts",
        find: "if (result.ok) break;",
        replace: 'if (result.ok || result.problem.kind === "full") break;',
      },
    ],
  },
];

/** One for each rule: whoever removes a check from the simulator by mistake misses one of these. */
export const controlBugs: readonly Bug[] = [
  {
    name: "an id may be taken by another task",
    breaks: "S2",
    edits: [
      {
        file: "daemon/core/submit.ts",
        find: "if (digest !== null && digest !== submission.digest)",
        replace: "if (false)",
      },
    ],
  },
  {
    name: "what has landed lands again after a crash",
    breaks: "S2",
    edits: [
      {
        file: "test/sim/landing.ts",
        find: 'if ([...firstParents(tip)].includes(candidate)) return { kind: "already" };',
        replace: "",
      },
    ],
  },
  {
    name: "a snapshot forgets that everything is paused",
    breaks: "S5",
    edits: [
      { file: "daemon/core/snapshot.ts", find: "    paused,\n", replace: "    paused: false,\n" },
    ],
  },
  {
    name: "checksums cover nothing",
    breaks: "S6",
    seed: 12,
    edits: [{ file: "daemon/journal/chain.ts", find: "\\n${rowText}`", replace: "\\n`" }],
  },
  {
    name: "a lock file outlives its task",
    breaks: "S10",
    edits: [
      {
        file: "daemon/core/react.ts",
        find: '{ kind: "removeLock", holder: event.task },\n    ...endOpenGate',
        replace: "...endOpenGate",
      },
    ],
  },
  {
    name: "a resolution that was not taken stays pinned",
    breaks: "S10",
    seed: 717_977_602_244,
    edits: [
      {
        file: "daemon/resolving.ts",
        find: "if (!decision.ok) await this.#unpin({ request, task: id, commit });",
        replace: "",
      },
    ],
  },
  {
    name: "a task is tried once too often",
    breaks: "S11",
    edits: [
      {
        file: "daemon/core/chainEnds.ts",
        find: "setbacks.failure >= max",
        replace: "setbacks.failure > max",
      },
    ],
  },
  {
    name: "a secret is logged",
    breaks: "S12",
    edits: [
      {
        file: "daemon/dispatching.ts",
        find: "secrets[name] = value;",
        replace: 'secrets[name] = value; this.#ports.log.info("given", { name, value });',
      },
    ],
  },
  {
    name: "one start a batch",
    breaks: "L2",
    edits: [
      {
        file: "daemon/core/schedule.ts",
        find: "startOrBlock(state, task, worker, at, apply);\n  }",
        replace: "return startOrBlock(state, task, worker, at, apply);\n  }",
      },
    ],
  },
];

/** Edits that put back what the simulator found in the product. Rare: each has its seed in regressions/. */
export const foundBugs: readonly Bug[] = [
  {
    name: "a gate run under other commands counts",
    edits: [
      {
        file: "daemon/core/gate.ts",
        find: "if (sameChecks(before, settings) && sameGeneration(before, settings) && !isNowEach) return;",
        replace: "if (before) return;",
      },
    ],
  },
  {
    name: "a backoff lasts years when the clock is set back",
    edits: [
      {
        file: "daemon/core/queue.ts",
        find: "return hasLength && at < life.since;",
        replace: "return false && hasLength;",
      },
    ],
  },
  {
    name: "a task that is retried during a snapshot leaves the memory",
    edits: [
      { file: "daemon/loop.ts", find: notingChange, replace: "" },
      {
        file: "daemon/loop.ts",
        find: committed,
        replace: `${committed} for (const { event } of batch) ${notingChange}`,
      },
    ],
  },
  {
    name: "a retry sent again counts again after another retry",
    edits: [
      {
        file: "daemon/core/changes.ts",
        find: "retriesOf(task).includes(command.request)",
        replace: "task.lastRetry === command.request",
      },
    ],
  },
  {
    name: "an assignment decided for a dead worker reaches its successor, and is then given up",
    edits: [
      {
        file: "test/sim/pool.ts",
        find: "if (this.#slots.get(worker)?.connection?.isKnown !== true) return;",
        replace: "",
      },
    ],
  },
  {
    name: "an attempt runs again when its lock file comes late",
    edits: [
      { file: "daemon/dispatching.ts", find: "if (this.#isOpen(effect)) this", replace: "this" },
      {
        file: "daemon/dispatching.ts",
        find: "lock ?? this.#dispatching.get(effect.task)",
        replace: "lock",
      },
    ],
  },
  {
    name: "a gate's worker that outlived its supervisor outlives the next one, too",
    edits: [
      {
        file: "test/sim/pool.ts",
        find: "new Set([...needed, ...left])",
        replace: "new Set(needed)",
      },
    ],
  },
];
