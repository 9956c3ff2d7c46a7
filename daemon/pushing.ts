import { Outbox } from "./outbox.ts";
import { push } from "./push/push.ts";
import { pushWish } from "./core/push.ts";
import { realClock } from "../system/clock.ts";
import type { Effects } from "./effects.ts";
import type { Ground } from "./assembly.ts";
import type { Loop } from "./loop.ts";

/** The outbox of this repository, which pushes for real. */
export function makeOutbox(
  { layout, target, config, die }: Ground,
  loop: Loop,
  effects: () => Effects,
): Outbox {
  const site = { gitDir: layout.commonDir, workTree: layout.workTree, target };
  return new Outbox({
    wish: () => loop.read(pushWish),
    push: ({ place, to, accepted }, signal) => {
      const { timeout_ms: timeoutMs, hook } = config().push;
      return push(site, { place, to, accepted, timeoutMs, hook }, signal);
    },
    takeIn: async () => {
      if (config().follow === "auto") await effects().followNow();
    },
    tell: (command, durable) => loop.tell(command, durable),
    settings: () => ({ quietMs: config().push.quiet_ms, every: config().push.every }),
    setTimer: realClock.setTimer,
    wallMs: realClock.wallMs,
    random: Math.random,
    die,
  });
}
