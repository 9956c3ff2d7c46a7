import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { takeLock } from "../../cli/lockHold.ts";
import { connect } from "../../ipc/client.ts";
import { FailureError } from "../../ipc/errors.ts";
import { until } from "../helpers/until.ts";
import { Random } from "../sim/random.ts";
import { arrive, nowMs } from "./barrier.ts";
import { drawClaims } from "./universe.ts";
import type { Lock, LockWish } from "../../cli/lockHold.ts";
import type { Access } from "./fencedResource.ts";
import type { Drawn } from "./universe.ts";

/**
 * `node claimant.ts REPO SEED COUNT`, then `claim MOMENT` on standard input: takes COUNT locks as
 * `orchd lock` does, one after the other, and while it holds one it writes what it claimed. Each line it
 * says is a `ClaimantSaid` and waits for a line that answers it: `ok`, or `refused` by the fence. So
 * the order of what happened is the order in which the harness heard of it.
 */
export type ClaimantSaid =
  | { readonly ready: true }
  | (Access & {
      readonly hold: string;
      /** When it was asked for, and when it was granted. */
      readonly askedAt: number;
      readonly grantedAt: number;
    })
  /** Not free (in time), for those that do not wait for ever. */
  | { readonly op: "busy" }
  | { readonly op: "lost"; readonly hold: string }
  | { readonly op: "failed"; readonly message: string }
  | { readonly op: "done" };

const [repo = "", seed = "0", count = "0"] = process.argv.slice(2);
const reconnectMs = 60_000;
const random = new Random(Number(seed));
// There may be no supervisor just now: one was killed, and the next is about to start.
const client = await until(() => connect({ repo, reconnect: { timeoutMs: reconnectMs } }), {
  timeoutMs: reconnectMs,
});
const answers = createInterface(process.stdin)[Symbol.asyncIterator]();

process.stdout.write(`${JSON.stringify({ ready: true } satisfies ClaimantSaid)}\n`);
const { value: order } = await answers.next();
arrive(Number(String(order).split(" ")[1]));
for (let left = Number(count); left > 0; left -= 1) await claim(drawClaims(random));
await say({ op: "done" });
await client.close();
process.exit(0);

async function claim(drawn: Drawn): Promise<void> {
  const askedAt = nowMs();
  const lock = await taken({ claims: drawn.claims, note: "hammer", ...drawPatience() });
  if (lock === null) return;
  void lock.lost.then(() => say({ op: "lost", hold: lock.hold }));
  const { hold, fence } = lock;
  const { writes, reads } = drawn;
  const access = { hold, fence, writes, reads, askedAt, grantedAt: nowMs() };
  await say({ op: "begin", ...access });
  if (random.chance(0.2)) {
    await pause(random.int(0, 5));
    await say({ op: "touch", ...access });
  }
  await say({ op: "end", ...access });
  await lock.release();
}

/** `null`: it is not free, and need not become so. */
async function taken(wish: LockWish): Promise<Lock | null> {
  try {
    return await takeLock(client, wish);
  } catch (error) {
    if (error instanceof FailureError && error.failure.code === "busy") await say({ op: "busy" });
    else await say({ op: "failed", message: String(error) });
    return null;
  }
}

/** Most wait for as long as it takes, some not at all, some a moment. */
function drawPatience(): Pick<LockWish, "wait" | "timeoutMs" | "onWaiting" | "onPlaceLost"> {
  const dice = random.fraction();
  const timeoutMs = dice < 0.05 ? random.int(1, 30) : null;
  return { wait: dice < 0.95, timeoutMs, onWaiting: () => {}, onPlaceLost: () => {} };
}

async function say(what: ClaimantSaid): Promise<void> {
  process.stdout.write(`${JSON.stringify(what)}\n`);
  await answers.next();
}
