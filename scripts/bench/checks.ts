import { compileHolding } from "../../daemon/core/claims.ts";
import { conflictsListedMax } from "../../ipc/claimViews.ts";
import { findNothing, findStopping, findWaiting, partsOf } from "../../daemon/core/claimCheck.ts";
import { percentile } from "./figures.ts";
import { rankOfAsking } from "../../daemon/core/rank.ts";
import type { State } from "../../daemon/core/state.ts";

/** As in `daemon/server/methods/check.ts`: what is looked up before others get their turn. */
const globsPerTurn = 16;

/** How long checks of claims keep the event loop, turn by turn. `sets`: the globs of each check. */
export function benchChecks(
  name: string,
  { schedule: { table } }: State,
  sets: readonly (readonly string[])[],
): Record<string, number> {
  const turns: number[] = [];
  const who = rankOfAsking({ rankClock: { shows: 0, sawAt: null } }, Date.now());
  const timed = (look: () => void): void => {
    const begun = performance.now();
    look();
    turns.push(performance.now() - begun);
  };
  for (const writes of sets) {
    const holding = { writes, reads: [], resources: {}, optimistic: false };
    const parts = partsOf(compileHolding(holding), globsPerTurn);
    const found = findNothing(conflictsListedMax);
    for (const part of parts) timed(() => findStopping(table, part, who, found));
    for (const part of parts) timed(() => findWaiting(table, part, found));
  }
  return {
    [`${name}_turn_p99_ms`]: percentile(turns, 0.99),
    [`${name}_turn_max_ms`]: Math.max(...turns),
  };
}
