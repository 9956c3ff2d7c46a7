import type { TaskId } from "./ids.ts";

export type EventView = {
  seq: number;
  at: number;
  /** `task:started`, `queue:updated`, …; the list is in docs/reference/events.md. */
  name: string;
  task: TaskId | null;
  detail: Record<string, unknown>;
};
