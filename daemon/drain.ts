import type { HeldReason } from "./core/landingFacts.ts";
import type { Hub } from "./server/hub.ts";
import type { Loop } from "./loop.ts";
import type { Clock, Timer } from "../system/clock.ts";

/**
 * Draining: nothing new starts, what runs finishes and lands, and then the supervisor ends.
 *
 *     attempts run ──► landings are left ──► none: over
 *                          │ landing is held
 *                          ├─ until a person acts (rewound, red base) ──► over: they cannot land now
 *                          └─ by a problem, or a gate that cannot be run: may pass ──still there after 12 s──► over
 *
 * What is left over stays in the journal as it is, and goes on landing after the next start.
 */
export type DrainPorts = {
  readonly hub: Pick<Hub, "listen">;
  readonly read: Loop["read"];
  readonly setTimer: Clock["setTimer"];
  /** Once. */
  readonly onDrained: (left: Left) => void;
};

/** `held`: why landing is held, when something is left to land. */
export type Left = { readonly landing: number; readonly held: string | null };

/** Long enough for two more tries of a step that could not be carried out (landingSteps.ts). */
const problemMs = 12_000;

export function drain({ hub, read, setTimer, onDrained }: DrainPorts): void {
  let patience: Timer | null = null;
  let isOver = false;
  const listener = hub.listen(() => void check(false));
  const end = (left: Left): void => {
    isOver = true;
    listener.stop();
    patience?.cancel();
    onDrained(left);
  };
  const check = async (isLate: boolean): Promise<void> => {
    const { running, landing, held } = await read(({ counts, landing: { held: why } }) => ({
      running: counts.running,
      landing: counts.landing,
      held: why,
    }));
    if (isOver || running > 0) return;
    if (landing === 0) return end({ landing, held: null });
    if (held === null) {
      patience?.cancel();
      patience = null;
      return;
    }
    if (isLate || !mayPass(held)) return end({ landing, held: held.message });
    patience ??= setTimer(problemMs, () => {
      patience = null;
      void check(true);
    });
  };
  void check(false);
}

/** By itself, and soon. */
function mayPass({ kind }: HeldReason): boolean {
  return kind === "problem" || kind === "gate_unavailable";
}
