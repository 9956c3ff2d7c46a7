import type { Oid } from "./ids.ts";

/** What the outbox does; `waiting`: until the next try. */
export type OutboxView = {
  readonly state: "idle" | "quiet" | "pushing" | "waiting";
  /** Milliseconds since the epoch; set while `waiting`. */
  readonly nextTryAt: number | null;
};

/** How far the remote has what landed. */
export type PushView = {
  remote: string;
  /** Of the remote, short. */
  branch: string;
  /** What it is known to have been at last; `null`: nothing is known. */
  accepted: Oid | null;
  /** It lacks something. */
  behind: boolean;
  /** Commits of tasks that it lacks. */
  commits: number;
  state: OutboxView["state"];
  /** `held`: a person has to act, `message` says how; `failed`: it is tried again. Of the last try. */
  problem: { kind: "held" | "failed"; message: string } | null;
  next_try_at: number | null;
};
