import { FailureError, failure, unreachable } from "../ipc/errors.ts";
import type { Effects } from "./effects.ts";
import type { Landing } from "./landing/landing.ts";
import type { Loop } from "./loop.ts";
import type { Oid } from "../ipc/ids.ts";
import type { Outbox } from "./outbox.ts";
import type { Rewind } from "./landing/rewind.ts";

/** What `orchd land` needs. */
export type ReleasePorts = {
  readonly landing: Pick<Landing, "settleRewind">;
  readonly loop: Pick<Loop, "ask">;
  readonly effects: Pick<Effects, "followNow">;
  readonly outbox: Pick<Outbox, "tryNow">;
  /** The target follows; `false` where the configuration says that it never does. */
  readonly follows: () => boolean;
  readonly die: (reason: unknown) => void;
};

/** Landing that is held goes on, after the target's rewind is settled as the person says. */
export async function releaseLanding(rewind: Rewind | null, ports: ReleasePorts): Promise<void> {
  const settled = rewind === null ? null : await settleRewind(rewind, ports);
  const { tip, target: followed } = settled ?? { tip: null, target: null };
  await ports.loop.ask({ type: "landingReleased", tip, followed });
  if (ports.follows()) await ports.effects.followNow();
  ports.outbox.tryNow();
}

/** `null`: there was nothing to settle. */
async function settleRewind(
  how: Rewind,
  { landing, die }: ReleasePorts,
): Promise<{ readonly tip: Oid; readonly target: Oid } | null> {
  const result = await landing.settleRewind(how);
  switch (result.kind) {
    case "accepted":
      return result;
    case "nothing":
      return null;
    case "held":
    case "problem":
      throw new FailureError(failure("refused", result.message));
    case "fenced":
      die(new Error("another supervisor has taken over"));
      return null;
    default:
      return unreachable(result);
  }
}
