import { expect } from "chai";
import { makeSupervised } from "../helpers/supervised.ts";

describe("a label", () => {
  it("is paused and resumed from the command line, across a crash, also for later tasks", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised();
    const { orchd } = supervised;
    const paused = await orchd("pause", "--label", "slow");
    expect(paused.stdout).to.match(/nothing labelled slow starts until/);
    const [slow] = await supervised.submit({ run: ["true"], claims: [], labels: ["slow"] });
    const [other] = await supervised.submit({ run: ["true"], claims: [], labels: ["fast"] });
    if (slow === undefined || other === undefined) throw new Error("two tasks were submitted");
    await supervised.wait([other]);
    expect((await orchd("status")).stdout).to.match(/slow paused[^]*everything labelled slow/);
    await supervised.killSupervisor();
    await supervised.start();
    const shown = JSON.parse((await orchd("show", slow, "--json")).stdout) as { waiting: unknown };
    expect(shown.waiting).to.deep.equal({ on: "paused", all: false, label: "slow" });
    expect((await orchd("pause", slow, "--label", "slow")).code).to.equal(2);
    await orchd("resume", "--label", "slow");
    const [end] = await supervised.wait([slow]);
    expect(end?.status).to.equal("succeeded");
  });
});
