import type { Clock } from "../system/clock.ts";
import type { CommitConfig } from "../ipc/configSpec.ts";
import type { Holds } from "./holds.ts";
import type { Landing } from "./landing/landing.ts";
import type { LockFiles } from "./locks/lockFiles.ts";
import type { Log } from "./observe/log.ts";
import type { Loop } from "./loop.ts";
import type { Outbox } from "./outbox.ts";
import type { Pool } from "./pool/pool.ts";
import type { ProcessIdentity } from "../system/processIdentity.ts";
import type { WorkerId } from "../ipc/ids.ts";

/** The adapters that carry effects out, and the core that hears what came of it. */
export type EffectPorts = {
  readonly loop: () => Pick<Loop, "tell" | "read" | "state">;
  readonly pool: Pick<Pool, "assign" | "cancel" | "ensure">;
  readonly locks: Pick<LockFiles, "place" | "remove">;
  readonly holds: Pick<Holds, "break" | "forget">;
  readonly landing: Pick<Landing, "merge" | "move" | "follow" | "look">;
  readonly outbox: Pick<Outbox, "want">;
  readonly epoch: number;
  readonly ttlMs: () => number;
  readonly commit: () => CommitConfig;
  readonly secret: (name: string) => string | undefined;
  readonly ownerOf: (worker: WorkerId) => ProcessIdentity | null;
  readonly log: Log;
  readonly setTimer: Clock["setTimer"];
  /** Another supervisor has taken over, or a bug showed: this process has to end. */
  readonly die: (reason: unknown) => void;
};
