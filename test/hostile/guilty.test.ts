import { makeGated, noBadFile, oneGuilty } from "../helpers/gated.ts";

describe("ten tasks that wait together to land, one of them guilty", () => {
  it("at each place in turn: nine land, with at most six gate runs", async function () {
    this.timeout(300_000);
    await using gated = await makeGated(noBadFile);
    for (let place = 1; place <= 10; place += 1) await oneGuilty(gated, place);
  });
});
