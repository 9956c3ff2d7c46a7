import { createInterface } from "node:readline";
import { announce, takeSupervisorLock } from "../../../daemon/lease/supervisorLock.ts";
import type { SupervisorLock } from "../../../daemon/lease/supervisorLock.ts";

/**
 * A process of the tests of the lock: `node holder.ts <stateDir>`. It says `ready`, and answers each
 * line on its standard input by one line of JSON. It ends with its input.
 */
const [stateDir = ""] = process.argv.slice(2);
let lock: SupervisorLock | null = null;

say({ ready: true });
for await (const line of createInterface(process.stdin)) say(await obey(line));

async function obey(line: string): Promise<object> {
  switch (line) {
    case "take":
      return take();
    case "announce":
      if (lock !== null) await announce(lock, { socket: "/none", version: "0.0.0", startedAt: 0 });
      return {};
    case "release":
      lock?.release();
      return {};
    default:
      return { failure: `no such order: ${line}` };
  }
}

function take(): object {
  const taken = takeSupervisorLock(stateDir);
  if (!taken.ok) return { failure: taken.failure.code, message: taken.failure.message };
  lock = taken.value;
  return { epoch: lock.epoch };
}

function say(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
