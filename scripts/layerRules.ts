/**
 * The layers and the homes of packages, as data: what is not written here is refused. Paths are
 * relative to the project and name a file, a folder with everything below it, or (`a/*.ts`) the
 * files of a folder without those below.
 *
 *     ipc ◄── system ◄── daemon/<folder> ◄── daemon/*.ts (main, loop, effects, …)
 *      ▲         ▲
 *      │         ├── worker
 *      │         └── cli ──► daemon/core/plan
 *      └ types only ── daemon/core
 */
export type Layer = {
  readonly at: string;
  /** What it may import besides itself. */
  readonly imports: readonly string[];
  /** What it may import with `import type` only. */
  readonly types?: readonly string[];
  /** Shown when the rule is broken. */
  readonly advice: string;
};

const siblings =
  "folders of daemon do not know each other: pass a value or a function from a file of daemon itself";

/** The most specific `at` counts. */
export const layers: readonly Layer[] = [
  { at: "ipc", imports: [], advice: "ipc imports nothing of ours: move what both need into ipc" },
  {
    at: "system",
    imports: ["ipc"],
    advice: "system may import ipc only: pass what it needs as an argument",
  },
  {
    at: "daemon/core",
    imports: [],
    types: ["ipc"],
    advice:
      "the core takes values and returns values: write `import type`, or move the code to an adapter",
  },
  { at: "daemon", imports: ["daemon/core", "ipc", "system"], advice: siblings },
  { at: "daemon/*.ts", imports: ["daemon", "ipc", "system"], advice: siblings },
  {
    at: "worker",
    imports: ["ipc", "system"],
    advice: "a worker knows the supervisor through messages only: put the message into ipc",
  },
  {
    at: "cli",
    // A plan is pure, and needs the rules of claims as they are (D-0011).
    imports: ["ipc", "system", "daemon/core/plan"],
    advice:
      "the command line knows the supervisor through the client only: put the message into ipc",
  },
];

/** May start the supervisor in their own process, by a dynamic import of its entry. */
export const supervisorEntry = "daemon/main.ts";
export const supervisorStarters: readonly string[] = [
  "cli/commands/start.ts",
  "cli/orchd.ts",
  "cli/supervisor.ts",
];

/** npm packages, and modules of Node that count as one, with the places that may import them. */
export const packageHomes: Readonly<Record<string, readonly string[]>> = {
  chokidar: ["daemon/locks", "daemon/inbox"],
  execa: ["worker/child.ts", "daemon/pool", "cli/supervisor.ts", "cli/underLock.ts"],
  koffi: ["system/native.ts", "system/sdNotify.ts"],
  lockfile: ["daemon/locks"],
  msgpackr: ["ipc/frames.ts"],
  "node:sqlite": ["daemon/journal", "daemon/lease"],
  winston: ["daemon/observe"],
  yaml: ["ipc"],
  yargs: ["cli"],
  zod: ["ipc"],
};

/** Must not be named in `daemon/core`: time, chance and the outside world arrive as values. */
export const impureNames: ReadonlySet<string> = new Set([
  "Date",
  "Promise",
  "console",
  "crypto",
  "fetch",
  "globalThis",
  "performance",
  "process",
  "queueMicrotask",
  "setImmediate",
  "setInterval",
  "setTimeout",
]);
