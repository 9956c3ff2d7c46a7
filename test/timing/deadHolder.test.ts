import { expect } from "chai";
import { lockCommand } from "../helpers/lockCommand.ts";
import { isGone } from "../helpers/processes.ts";
import { makeSupervised } from "../helpers/supervised.ts";

const times = 5;

describe("a lock whose process is killed", () => {
  it("is free within 100 ms in the median, and its command is gone by then", async function () {
    this.timeout(30_000);
    await using supervised = await makeSupervised();
    const client = await supervised.client();
    let ended = Promise.withResolvers<unknown>();
    await client.subscribe(null, ({ name, detail }) => {
      if (name === "lock:ended") ended.resolve(detail["because"]);
    });
    const took: number[] = [];
    while (took.length < times) {
      ended = Promise.withResolvers();
      const held = lockCommand(supervised, ["src/"], "setsid sleep 600 & sleep 600");
      const command = await held.command();
      const from = performance.now();
      held.signal("SIGKILL");
      expect(await ended.promise).to.equal("owner_gone");
      took.push(performance.now() - from);
      expect(isGone(command)).to.equal(true);
    }
    expect(took.toSorted((a, b) => a - b)[Math.floor(times / 2)]).to.be.below(100);
  });
});
