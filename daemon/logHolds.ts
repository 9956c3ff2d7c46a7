import type { Log } from "./observe/log.ts";
import type { Recorded } from "./core/events.ts";

/** What the core itself holds landing for. What a step of landing runs into is logged where it does (landingSteps.ts). */
export function logHolds(batch: readonly Recorded[], log: Pick<Log, "warn">): void {
  for (const { event } of batch) {
    if (event.type === "BaseRed") log.warn("landing is held", { reason: event.message });
    if (event.type === "LandingHeld" && event.reason.kind === "gate_unavailable")
      log.warn("landing is held", { reason: event.reason.message });
  }
}
