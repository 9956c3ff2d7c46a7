import { createInterface } from "node:readline";
import { connect } from "../../ipc/client.ts";
import { mintHoldId } from "../../ipc/ids.ts";
import { ownIdentity } from "../../system/processIdentity.ts";

/**
 * `node sleeper.ts REPO FILE`: takes a lock for a process that the supervisor cannot judge or kill (it
 * says that it is on another host), and tells its hold and fence. At the next line on its standard
 * input it asks whether it still holds it, as it does when it wakes up, and says what it was told.
 */
export type SleeperSaid = { readonly hold: string; readonly fence: number; readonly held: boolean };

const [repo = "", file = ""] = process.argv.slice(2);
const client = await connect({ repo });
const id = mintHoldId();
const owner = { ...ownIdentity(), host: "elsewhere", bootId: "another" };
const { fence } = await client.call("lock", {
  id,
  claims: { writes: [file], reads: [], resources: {} },
  owner,
  note: "sleeps",
  wait: true,
});
say({ hold: id, fence, held: true });
for await (const _ of createInterface(process.stdin)) {
  const { held } = await client.call("keep", { hold: id });
  await client.call("unlock", { hold: id, owner });
  say({ hold: id, fence, held });
}

function say(what: SleeperSaid): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
