import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { expect } from "chai";
import { mintHoldId } from "../../../ipc/ids.ts";
import { isGone } from "../../helpers/processes.ts";
import { makeSupervised } from "../../helpers/supervised.ts";
import { until } from "../../helpers/until.ts";
import { identityOf } from "../../../system/processIdentity.ts";
import type { HoldRequest } from "../../../ipc/hold.ts";

const count = 20;
const claims = { writes: ["src/**"], reads: [], resources: {} };

function requestOf({ pid = 0 }: ChildProcess): HoldRequest & { readonly wait: boolean } {
  const owner = identityOf(pid);
  if (owner === undefined) throw new Error(`no process ${pid}`);
  return { id: mintHoldId(), claims, owner, note: "", wait: true };
}

describe("a lock that is given up right after it was asked for", function () {
  this.timeout(30_000);
  const owners: ChildProcess[] = [];

  function owner(): ChildProcess {
    const child = spawn("sleep", ["600"], { stdio: "ignore" });
    owners.push(child);
    return child;
  }

  afterEach(async () => {
    for (const child of owners.splice(0)) {
      const gone = child.exitCode ?? child.signalCode;
      child.kill("SIGKILL");
      if (gone === null) await once(child, "exit");
    }
  });

  it("is held by nobody, and its owner is not taken for hung later on", async () => {
    await using supervised = await makeSupervised({
      config: { limits: { heartbeat: "100ms", stale_after: "300ms" } },
    });
    const client = await supervised.client();
    const innocent = owner();
    for (let at = 0; at < count; at += 1) {
      const request = requestOf(innocent);
      const asked = client.call("lock", request).catch(() => null);
      await client.call("unlock", { hold: request.id, owner: request.owner });
      await asked;
    }
    expect((await client.call("locks", {})).locks).to.deep.equal([]);
    // Whoever is looked after is killed no later than one that is taken up only now.
    const hung = owner();
    await client.call("lock", requestOf(hung));
    await until(() => isGone(hung.pid ?? 0), { what: "the end of the hung owner" });
    expect(isGone(innocent.pid ?? 0)).to.equal(false);
  });
});
