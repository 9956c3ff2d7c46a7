import { expect } from "chai";
import { realClock } from "../../../system/clock.ts";
import { manualClock } from "../../helpers/manualClock.ts";

describe("the real clock", () => {
  it("does not fire a timer of a month at once", async () => {
    let fired = false;
    const month = realClock.setTimer(31 * 24 * 3600 * 1000, () => (fired = true));
    await new Promise<void>((resolve) => void realClock.setTimer(5, resolve));
    month.cancel();
    expect(fired).to.equal(false);
  });

  it("calls nothing after cancel", async () => {
    let fired = false;
    const timer = realClock.setTimer(1, () => (fired = true));
    timer.cancel();
    await new Promise<void>((resolve) => void realClock.setTimer(5, resolve));
    expect(fired).to.equal(false);
  });

  it("measures the time it waits", async () => {
    const start = realClock.monotonicMs();
    await new Promise<void>((resolve) => void realClock.setTimer(10, resolve));
    expect(realClock.monotonicMs() - start).to.be.at.least(9);
  });
});

describe("the manual clock", () => {
  it("runs timers in the order they come due, each at its own moment", () => {
    const clock = manualClock();
    const ran: [string, number][] = [];
    const note = (name: string) => (): void => void ran.push([name, clock.monotonicMs()]);
    clock.setTimer(30, note("late"));
    clock.setTimer(10, () => {
      note("early")();
      clock.setTimer(5, note("set by early"));
    });
    clock.setTimer(10, note("early, second"));
    clock.advance(20);
    expect(ran).to.deep.equal([
      ["early", 10],
      ["early, second", 10],
      ["set by early", 15],
    ]);
    expect(clock.pending()).to.equal(1);
    expect(clock.monotonicMs()).to.equal(20);
  });

  it("moves wall time with the monotonic time, and alone when it is corrected", () => {
    const clock = manualClock(1_000);
    clock.advance(5);
    clock.jumpWall(-500);
    expect([clock.wallMs(), clock.monotonicMs()]).to.deep.equal([505, 5]);
  });

  it("forgets a timer that was cancelled", () => {
    const clock = manualClock();
    clock.setTimer(1, () => expect.fail("it ran")).cancel();
    clock.advance(10);
    expect(clock.pending()).to.equal(0);
  });
});
