import { join } from "node:path";
import { Arrivals } from "./server/arrivals.ts";
import { completeClaims } from "./settings.ts";
import { ForeignClaims } from "./locks/foreignClaims.ts";
import { holdMarker } from "../system/marker.ts";
import { HoldOwners } from "./locks/holdOwners.ts";
import { spellClaims } from "../system/claimSpelling.ts";
import type { Clock } from "../system/clock.ts";
import type { Config } from "../ipc/configSpec.ts";
import type { Hold } from "./core/state.ts";
import type { HoldPorts } from "./server/context.ts";
import type { Layout } from "../system/paths.ts";
import type { LockFiles } from "./locks/lockFiles.ts";
import type { Log } from "./observe/log.ts";
import type { Loop } from "./loop.ts";
import type { Spelling } from "../system/claimSpelling.ts";

/** What others than tasks hold: their processes and files on one side, the core on the other. */
export type HoldsOptions = {
  readonly layout: Layout;
  readonly spelling: Spelling;
  readonly loop: Pick<Loop, "ask" | "tell" | "read">;
  readonly locks: Pick<LockFiles, "touch">;
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: Log;
};

export class Holds {
  readonly #options: HoldsOptions;
  readonly #owners: HoldOwners;
  readonly #foreign: ForeignClaims;
  readonly ports: HoldPorts;

  constructor(options: HoldsOptions) {
    const { layout, spelling, loop, locks, config, clock, log } = options;
    const staleAfterMs = () => config().limits.stale_after_ms;
    this.#options = options;
    this.#owners = new HoldOwners({
      repositoryId: layout.repositoryId,
      staleAfterMs,
      graceMs: () => config().limits.grace_ms,
      clock,
      giveUpWaiting: async (hold) => {
        const decision = await loop.ask({ type: "giveUpWaiting", hold });
        return decision.ok && decision.answer.of === "givenUp" && decision.answer.goesOn;
      },
      onEnded: (hold, because) => loop.tell({ type: "unlock", hold, because }),
      onProblem: (hold, message) => log.warn("lock", { hold, message }),
    });
    this.#foreign = new ForeignClaims({
      folder: join(layout.locksDir, "foreign"),
      staleAfterMs,
      clock,
      spell: (globs) => spellClaims(globs, spelling),
      onClaim: ({ hold, writes, owner, file }) => {
        const claims = { writes, reads: [], resources: {} };
        loop.tell({ type: "foreignClaim", hold, claims, owner, note: file });
      },
      onGone: (hold, stale) => {
        if (stale) log.warn("a foreign claim is stale and has been set aside", { hold });
        loop.tell({ type: "unlock", hold, because: stale ? "owner_gone" : "withdrawn" });
      },
      onProblem: (file, message) => log.warn("foreign claim", { file, message }),
    });
    const arrivals = new Arrivals();
    this.ports = {
      arrive: (hold, request) => arrivals.arrive(hold, request),
      arrived: (hold) => arrivals.arrived(hold),
      forget: (hold) => this.#owners.forget(hold),
      watch: (hold, owner) => this.#owners.watch(hold, owner),
      attach: (hold, connection) => this.#owners.attach(hold, connection),
      beat: (hold) => {
        this.#owners.beat(hold);
        locks.touch(hold);
      },
      ageMs: (hold) => this.#owners.ageMs(hold) ?? this.#foreign.ageMs(hold),
      heartbeatMs: () => config().limits.heartbeat_ms,
      marker: (hold) => holdMarker(hold, layout.repositoryId),
      completeClaims: (claims) => completeClaims(claims, spelling),
    };
  }

  /** Takes over what an earlier epoch left, and begins to watch. */
  async open(): Promise<void> {
    const holds = await this.#options.loop.read((state) => [...state.holds.values()]);
    for (const { id, kind, owner } of holds)
      if (kind === "lock" && owner !== null) this.#owners.watch(id, owner);
    const foreign = holds.filter(({ kind }) => kind === "foreign");
    await this.#foreign.open(foreign.map(({ id, owner }) => ({ hold: id, owner })));
  }

  /** A person broke it. */
  break(hold: Hold): void {
    if (hold.kind === "foreign") void this.#foreign.remove(hold.id);
    else this.#owners.break(hold);
  }

  forget(hold: Hold["id"]): void {
    this.#owners.forget(hold);
  }

  /** `.aibrain` was removed under us. */
  rebuild(): Promise<void> {
    return this.#foreign.rebuild();
  }

  async close(): Promise<void> {
    this.#owners.close();
    await this.#foreign.close();
  }
}
