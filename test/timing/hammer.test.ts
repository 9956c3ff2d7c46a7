import { expect } from "chai";
import { hammerChurn } from "../hammer/churn.ts";
import { hammerClaims } from "../hammer/claims.ts";
import { hammerControl } from "../hammer/control.ts";
import { hammerRealStarts } from "../hammer/realStarts.ts";
import { hammerStarts } from "../hammer/starts.ts";
import type { HammerReport } from "../hammer/report.ts";

/** A slice of `npm run hammer`, a few seconds long; CONTRIBUTING.md says how to run all of it. */
describe("the hammer", function () {
  this.timeout(120_000);

  it("sees two owners where the package lockfile lets them in by `stale`", async () => {
    const { figures } = held(await hammerControl({ trials: 400, untilSeen: true }));
    expect(figures["doubles"]).to.equal(1);
  });

  it("lets one of four supervisors take the lock, each time four meet", async () => {
    const { figures } = held(await hammerStarts({ trials: 15, seed: 1 }));
    expect(figures["met"]).to.equal(15);
  });

  it("lets one of four `orchd start` begin", async () => {
    held(await hammerRealStarts({ trials: 1 }));
  });

  it("never has two holders while they come, go and die", async () => {
    const { figures } = held(await hammerChurn({ seconds: 2, seed: 1 }));
    expect(figures["holds"]).to.be.greaterThan(20);
  });

  it("never lets two clients into one path, whoever is killed, hangs or wakes up too late", async () => {
    const faults = { kill: 5, hang: 1, wake: 0, nap: 2, crash: 0 };
    const { figures } = held(await hammerClaims({ claims: 15, seed: 1, faults, jumps: true }));
    expect(figures["met"]).to.be.greaterThan(20);
    expect(figures).to.include({ kills: 5, hangs: 1, naps: 2 });
  });
});

function held(report: HammerReport): HammerReport {
  expect(report.violations, JSON.stringify(report.figures)).to.deep.equal([]);
  return report;
}
