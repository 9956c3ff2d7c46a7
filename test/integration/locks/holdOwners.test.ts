import { spawn } from "node:child_process";
import { expect } from "chai";
import { HoldOwners } from "../../../daemon/locks/holdOwners.ts";
import { identityOf } from "../../../system/processIdentity.ts";
import { until } from "../../helpers/until.ts";
import type { HoldId } from "../../../ipc/ids.ts";

describe("the owner of a hold", () => {
  it("that could not be swept once, for whatever reason, is swept at the next look", async () => {
    const problems: string[] = [];
    const ended: string[] = [];
    let asked = 0;
    const owners = new HoldOwners({
      // A marker that no environment can hold: looking for it throws.
      get repositoryId() {
        asked += 1;
        return asked === 1 ? "\0" : "a-repository";
      },
      staleAfterMs: () => 60_000,
      graceMs: () => 0,
      onEnded: (hold, because) => void ended.push(`${hold} ${because}`),
      onProblem: (_hold, message) => void problems.push(message),
    });
    using sleeper = spawn("sleep", ["600"], { stdio: "ignore" });
    const owner = identityOf(sleeper.pid ?? 0);
    if (owner === undefined) throw new Error("no sleeper");
    owners.watch("lock:a" as HoldId, owner);
    sleeper.kill("SIGKILL");
    await until(() => problems.length === 1, { what: "the first try to fail" });
    await until(() => ended.length > 0, { what: "the hold to end" });
    expect(ended).to.deep.equal(["lock:a owner_gone"]);
    owners.close();
  });
});
