import { killOften } from "../helpers/oftenKilled.ts";

describe("a supervisor that is killed ten times", () => {
  it("finishes every task, with one correct commit for each, with 100 queued and 4 running", async function () {
    this.timeout(300_000);
    await killOften(10, 104);
  });
});
