import { expect } from "chai";
import { benchRecovery } from "../../scripts/bench/recovery.ts";

const readyMsMax = 2_000;
const rssMbMax = 250;
const loopDelayMsMax = 50;

/** Of the built program: `npm run test:scale` builds it first. */
describe("a journal of 100,000 finished and 10,000 queued tasks", () => {
  it("is ready in under 2 s and 250 MB, and keeps its event loop free while the 10,000 run", async function () {
    this.timeout(5 * 60_000);
    const figures = await benchRecovery();
    console.log(`      ${JSON.stringify(figures)}`);
    expect(figures).to.include({ finished: 100_000, queued: 10_000 });
    expect(figures["ready_ms"], "until ready, ms").to.be.below(readyMsMax);
    expect(figures["rss_mb"], "memory when ready, MB").to.be.below(rssMbMax);
    expect(figures["rss_after_mb"], "memory in the end, MB").to.be.below(rssMbMax);
    expect(figures["loop_delay_p99_ms"], "delay of the event loop").to.be.below(loopDelayMsMax);
  });
});
