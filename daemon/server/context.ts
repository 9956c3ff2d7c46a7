import type { Command, Decision } from "../core/commands.ts";
import type { ConfigView, Methods } from "../../ipc/methods.ts";
import type { EventView } from "../../ipc/eventView.ts";
import type { HistoryQuery, HistoryRow } from "../../ipc/historyViews.ts";
import type { LandingView } from "../../ipc/landingViews.ts";
import type { ForeseenView, ParkedView } from "../../ipc/taskViews.ts";
import type { GcView } from "../../ipc/gcView.ts";
import type { OutboxView } from "../../ipc/pushView.ts";
import type { HoldOwner } from "../../ipc/hold.ts";
import type { Heartbeat } from "../../ipc/workerMessages.ts";
import type { Shortage } from "../../ipc/shortage.ts";
import type { Recorded } from "../core/events.ts";
import type { State, StoredTask } from "../core/state.ts";
import type { HolderId, HoldId, Oid, TaskId, WorkerId } from "../../ipc/ids.ts";
import type { ClaimSet, TaskSpec } from "../../ipc/taskSpec.ts";

/** What the methods need of the rest of the supervisor; `main.ts` fills it in. */
export type ServerContext = {
  readonly pid: number;
  readonly epoch: number;
  readonly version: string;
  readonly startedAt: number;
  readonly wallMs: () => number;
  /** Resolves when the decision is durable. */
  readonly ask: (command: Command) => Promise<Decision>;
  /** Looks at the state when all of it is durable. */
  readonly read: <View>(look: (state: State) => View) => Promise<View>;
  readonly daemonState: () => "running" | "draining" | "stopping";
  readonly journalProblem: () => string | null;
  /** Of space on a disk; `null`: there is enough for an attempt to start. */
  readonly shortage: () => Shortage | null;
  /** A final task that has left the memory, from the journal. */
  readonly readTask: (id: TaskId) => Promise<StoredTask | null>;
  readonly eventsSince: (fromSeq: number, max: number) => Promise<readonly EventView[]>;
  /** The events of one task, oldest first; none for one that never existed. */
  readonly taskEvents: (id: TaskId) => Promise<readonly Written[]>;
  /** A short step back through the finished tasks that the journal's snapshot knows. */
  readonly historyStep: (query: HistoryQuery, ids: readonly TaskId[]) => Promise<HistoryStep>;
  /** Whether a branch at `young` contains the commit `old`; false where git knows one of them no more. */
  readonly isAncestor: (old: Oid, young: Oid) => Promise<boolean>;
  /** False only where git says that there is no such ref. */
  readonly hasRef: (ref: string) => Promise<boolean>;
  readonly hub: EventHub;
  readonly workers: () => readonly WorkerSlotView[];
  readonly lockFile: (id: HolderId) => string | null;
  readonly holds: HoldPorts;
  readonly outbox: () => OutboxView;
  /** Rejects with a `GitError`. */
  readonly collect: (how: { readonly dryRun: boolean }) => Promise<GcView>;
  readonly branches: () => Promise<
    Pick<LandingView, "tip" | "target_tip" | "ahead" | "attributes_left_out"> & {
      /** The target was taken back, and nothing has met that yet. In words. */
      readonly rewound: string | null;
    }
  >;
  /** Absolute folder of an attempt's logs. */
  readonly attemptFolder: (worker: WorkerId, task: TaskId, attempt: number) => string;
  /** Conflicts that running tasks will have. */
  readonly foreseen: () => readonly ForeseenView[];
  /** Absolute: where a person may check out a branch to resolve a conflict of this task. */
  readonly worktreeFor: (task: TaskId) => string;
  /** A branch and a folder where it can be resolved, neither of which is there; `null`: git cannot tell. */
  readonly roomFor: (
    task: TaskId,
  ) => Promise<Pick<ParkedView, "branch" | "worktree" | "earlier"> | null>;
  /** Looks at a person's commit, pins it, and has it land instead of parked work. Resolves to the tasks that changed. */
  readonly resolve: (asked: Methods["resolve"]["params"]) => Promise<readonly TaskId[]>;
  /** Fills in what only the machine knows: a claim on an existing directory means all below it. */
  readonly completeSpec: (spec: TaskSpec) => Promise<TaskSpec>;
  readonly hasSecret: (name: string) => boolean;
  /** Resolves when no following is under way. */
  readonly followTried: () => Promise<void>;
  /** Rejects where a rewind cannot be settled. */
  readonly land: (rewind: "accept" | "reapply" | null) => Promise<void>;
  readonly config: () => ConfigView;
  readonly reload: () => Promise<ConfigView>;
  readonly stop: (mode: Methods["stop"]["params"]["mode"]) => Promise<Methods["stop"]["result"]>;
};

/** An event with the epoch of the supervisor that wrote it down. */
export type Written = Recorded & { readonly epoch: number };

export type HistoryStep = {
  readonly rows: readonly HistoryRow[];
  /** The next step looks before this event; `null` when nothing is left. */
  readonly next: number | null;
  /** For each of the ids asked for, the sequence of its last event. */
  readonly heads: readonly number[];
};

/** The processes behind holds, and the files behind foreign claims. */
export type HoldPorts = {
  /** Whoever gives a hold back waits until the request for it is through. */
  readonly arrive: <Result>(hold: HoldId, request: () => Promise<Result>) => Promise<Result>;
  readonly arrived: (hold: HoldId) => Promise<void>;
  /** False: it is watched already. */
  readonly watch: (hold: HoldId, owner: HoldOwner) => boolean;
  readonly attach: (hold: HoldId, connection: AbortSignal) => void;
  /** There is no such hold. */
  readonly forget: (hold: HoldId) => void;
  readonly beat: (hold: HoldId) => void;
  /** Milliseconds since the last sign of life. */
  readonly ageMs: (hold: HoldId) => number | null;
  /** Between two signs of life of an owner. */
  readonly heartbeatMs: () => number;
  /** `ORCHD_ATTEMPT` of what runs under it. */
  readonly marker: (hold: HoldId) => string;
  /** Claims as the repository spells them. */
  readonly completeClaims: (claims: ClaimSet) => Promise<ClaimSet>;
};

export type WorkerSlotView = {
  readonly worker: WorkerId;
  readonly pid: number | null;
  readonly state: "empty" | "starting" | "connected" | "cut off";
  readonly since: number;
  readonly heartbeat: Heartbeat | null;
  readonly heartbeatAgeMs: number | null;
};

export type EventHub = {
  /** Hears every durable event from now on, until `stop`. */
  readonly listen: (hear: (events: readonly EventView[]) => void) => { stop(): void };
};
