import type { Command } from "./command.ts";

export type Verb = {
  readonly name: string;
  readonly group: "Supervisor" | "Tasks" | "Looking" | "Reference";
  readonly summary: string;
  readonly load: () => Promise<Command>;
};

/**
 * The commands by group, in the order of `orchd --help`. A command's file is loaded when it is called
 * for, so that `orchd status` does not pay for `orchd init`.
 */
export const verbs: readonly Verb[] = [
  {
    name: "init",
    group: "Supervisor",
    summary: "Propose and write orchd.yaml for this repository",
    load: async () => (await import("./commands/init.ts")).command,
  },
  {
    name: "start",
    group: "Supervisor",
    summary: "Start the supervisor of this repository",
    load: async () => (await import("./commands/start.ts")).command,
  },
  {
    name: "stop",
    group: "Supervisor",
    summary: "End the supervisor and what it runs",
    load: async () => (await import("./commands/stop.ts")).command,
  },
  {
    name: "restart",
    group: "Supervisor",
    summary: "End the supervisor and start it again",
    load: async () => (await import("./commands/restart.ts")).command,
  },
  {
    name: "gc",
    group: "Supervisor",
    summary: "Remove what is kept no longer, pack git's objects",
    load: async () => (await import("./commands/gc.ts")).command,
  },
  {
    name: "plan",
    group: "Tasks",
    summary: "Show waves and conflicts of task files; run nothing",
    load: async () => (await import("./commands/plan.ts")).command,
  },
  {
    name: "submit",
    group: "Tasks",
    summary: "Submit the tasks of one or more files",
    load: async () => (await import("./commands/submit.ts")).command,
  },
  {
    name: "run",
    group: "Tasks",
    summary: "Submit one command as a task and wait for it",
    load: async () => (await import("./commands/run.ts")).command,
  },
  {
    name: "lock",
    group: "Tasks",
    summary: "Run a command while holding claims, as a task would",
    load: async () => (await import("./commands/lock.ts")).command,
  },
  {
    name: "wait",
    group: "Tasks",
    summary: "Wait until tasks have ended",
    load: async () => (await import("./commands/wait.ts")).command,
  },
  {
    name: "cancel",
    group: "Tasks",
    summary: "End tasks, or take them out of the queue",
    load: async () => (await import("./commands/cancel.ts")).command,
  },
  {
    name: "retry",
    group: "Tasks",
    summary: "Queue failed or cancelled tasks again",
    load: async () => (await import("./commands/retry.ts")).command,
  },
  {
    name: "pause",
    group: "Tasks",
    summary: "Keep queued tasks, or all, from starting",
    load: async () => (await import("./commands/pause.ts")).command,
  },
  {
    name: "resume",
    group: "Tasks",
    summary: "Let paused tasks, or all, start again",
    load: async () => (await import("./commands/resume.ts")).command,
  },
  {
    name: "land",
    group: "Tasks",
    summary: "Bring your branch up to what has landed",
    load: async () => (await import("./commands/land.ts")).command,
  },
  {
    name: "status",
    group: "Looking",
    summary: "Show tasks, workers and landing at a glance",
    load: async () => (await import("./commands/status.ts")).command,
  },
  {
    name: "show",
    group: "Looking",
    summary: "Show all that is known of one task",
    load: async () => (await import("./commands/show.ts")).command,
  },
  {
    name: "logs",
    group: "Looking",
    summary: "Print what a task printed",
    load: async () => (await import("./commands/logs.ts")).command,
  },
  {
    name: "history",
    group: "Looking",
    summary: "List finished tasks, newest first",
    load: async () => (await import("./commands/history.ts")).command,
  },
  {
    name: "trace",
    group: "Looking",
    summary: "Tell the whole life of one task",
    load: async () => (await import("./commands/trace.ts")).command,
  },
  {
    name: "workers",
    group: "Looking",
    summary: "List the workers and what they run",
    load: async () => (await import("./commands/workers.ts")).command,
  },
  {
    name: "locks",
    group: "Looking",
    summary: "List the paths that are held, and by whom; break a lock",
    load: async () => (await import("./commands/locks.ts")).command,
  },
  {
    name: "events",
    group: "Looking",
    summary: "Print what happened, or what happens",
    load: async () => (await import("./commands/events.ts")).command,
  },
  {
    name: "doctor",
    group: "Looking",
    summary: "Find out what is wrong, and what can be done",
    load: async () => (await import("./commands/doctor.ts")).command,
  },
  {
    name: "config",
    group: "Reference",
    summary: "Show the settings in force, or check orchd.yaml",
    load: async () => (await import("./commands/config.ts")).command,
  },
  {
    name: "schema",
    group: "Reference",
    summary: "Print the JSON Schema of task files or orchd.yaml",
    load: async () => (await import("./commands/schema.ts")).command,
  },
  {
    name: "completion",
    group: "Reference",
    summary: "Print a completion script for your shell",
    load: async () => (await import("./commands/completion.ts")).command,
  },
];

export function findVerb(name: string): Verb | undefined {
  return verbs.find((verb) => verb.name === name);
}
