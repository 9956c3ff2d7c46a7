import { takeLock } from "../../cli/lockHold.ts";
import { isHoldId } from "../../ipc/ids.ts";
import { FencedResource } from "./fencedResource.ts";
import { startContender } from "./contender.ts";
import type { Client } from "../../ipc/client.ts";
import type { SleeperSaid } from "./sleeper.ts";

/**
 * A holder on another host cannot be killed before its claim is given to the next. It is stopped, a
 * person breaks its lock, another takes it, and then it wakes up: it is told that it holds nothing, its
 * giving back takes nothing from the new holder, and the resource refuses its write by the fence.
 *
 * Returns what did not hold.
 */
export async function wakeTooLate(repo: string, client: Client): Promise<string[]> {
  const file = "late/file";
  const resource = new FencedResource();
  const writes = { writes: [file], reads: [] };
  const program = new URL("sleeper.ts", import.meta.url);
  await using sleeper = await startContender<SleeperSaid>(program, [repo, file]);
  const { hold, fence } = sleeper.first;
  if (!isHoldId(hold)) return [`${hold} is no hold`];
  resource.access({ op: "begin", fence, ...writes });
  sleeper.signal("SIGSTOP");
  await client.call("break_locks", { holders: [hold] });
  const next = await takeLock(client, {
    claims: { ...writes, resources: {} },
    note: "next",
    wait: true,
    timeoutMs: null,
    onWaiting: () => {},
    onPlaceLost: () => {},
  });
  resource.access({ op: "begin", fence: next.fence, ...writes });
  sleeper.signal("SIGCONT");
  const woken = await sleeper.ask("wake");
  const wrong = woken.held ? ["a holder that slept too long is told that it holds its claim"] : [];
  if (resource.access({ op: "touch", fence, ...writes }))
    wrong.push("the resource took a write of a holder that slept too long");
  const { held } = await client.call("keep", { hold: next.hold });
  if (!held) wrong.push("a holder that slept too long took the claim from the next one");
  await next.release();
  return wrong;
}
