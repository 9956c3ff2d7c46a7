import { expect } from "chai";
import fc from "fast-check";
import { ageOf, agesRow, looked, noted, offMsMax, readAges } from "../../../../daemon/core/ages.ts";
import type { Ages, Look } from "../../../../daemon/core/ages.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const first: Look = { bootId: "a", uptimeMs: 5 * hourMs, wallMs: 1_700_000_000_000 };

function after(looks: readonly Look[]): Ages {
  const [begin = first, ...more] = looks;
  return more.reduce((ages, look) => looked(ages, look), noted(looked(null, begin), ["x"]));
}

function age(...looks: readonly Look[]): number {
  return ageOf(after([first, ...looks]), "x");
}

describe("the age of what is over", () => {
  it("is the time since boot that went by, whatever the wall clock does", () => {
    const later = { ...first, uptimeMs: first.uptimeMs + hourMs };
    for (const years of [0, 10, -10])
      expect(age({ ...later, wallMs: first.wallMs + years * 365 * dayMs })).to.equal(hourMs);
  });

  it("goes on after a boot, with the time that the machine was off by the clock", () => {
    const boot = { bootId: "b", uptimeMs: 2 * hourMs, wallMs: first.wallMs + 5 * hourMs };
    expect(age(boot)).to.equal(5 * hourMs);
  });

  it("grows by a day at most while the machine is off, and never backwards", () => {
    const ahead = { bootId: "b", uptimeMs: hourMs, wallMs: first.wallMs + 3_650 * dayMs };
    expect(age(ahead)).to.equal(offMsMax + hourMs);
    expect(age({ ...ahead, wallMs: 0 })).to.equal(0);
    // A clock that begins in 1970 at every boot and is right soon after.
    const unset = (bootId: string, wallMs: number) => ({ bootId, uptimeMs: hourMs, wallMs });
    const right = { ...ahead, bootId: "b", uptimeMs: 2 * hourMs };
    expect(age(unset("b", 0), right, unset("c", 0))).to.equal(hourMs);
  });

  it("is not that of a machine to which the repository was moved, or which shares its disk", () => {
    const there = { bootId: "b", uptimeMs: 400 * dayMs, wallMs: first.wallMs + hourMs };
    expect(age(there)).to.equal(hourMs);
    const back = {
      ...first,
      uptimeMs: first.uptimeMs + 2 * hourMs,
      wallMs: first.wallMs + 2 * hourMs,
    };
    expect(
      age(there, back, { ...there, uptimeMs: 401 * dayMs, wallMs: first.wallMs + dayMs }),
    ).to.equal(dayMs);
  });

  it("begins when it was noted, ends when it is not over any more, and begins anew", () => {
    const at = (hours: number): Look => ({ ...first, uptimeMs: first.uptimeMs + hours * hourMs });
    let ages = noted(looked(null, at(0)), ["x", "y"]);
    ages = noted(looked(ages, at(10)), ["y", "z"]);
    ages = noted(looked(ages, at(30)), ["x", "y", "z"]);
    expect(["x", "y", "z"].map((name) => ageOf(ages, name) / hourMs)).to.deep.equal([0, 30, 20]);
    expect(ageOf(ages, "unheard of")).to.equal(0);
  });

  it("is never more than what went by, and only grows, for any looks", () => {
    const look = fc.record({
      bootId: fc.constantFrom("a", "b", "c"),
      uptimeMs: fc.integer({ min: 0, max: 400 * dayMs }),
      wallMs: fc.integer({ min: -1e13, max: 1e13 }),
    });
    fc.assert(
      fc.property(fc.array(look, { minLength: 1, maxLength: 20 }), (looks) => {
        let ages: Ages | null = null;
        let bound = 0;
        for (const one of looks) {
          const before: Ages | null = ages;
          ages = noted(looked(before, one), ["x"]);
          if (before !== null) bound += one.uptimeMs + offMsMax;
          expect(ageOf(ages, "x")).to.be.within(before === null ? 0 : ageOf(before, "x"), bound);
          expect(readAges(JSON.parse(JSON.stringify(agesRow(ages))))).to.deep.equal(ages);
        }
      }),
    );
  });
});

describe("the record of ages", () => {
  it("is none when it is anything else", () => {
    const row = agesRow(after([first]));
    expect(readAges(row)).not.to.equal(null);
    for (const broken of [
      null,
      7,
      [],
      {},
      { ...row, version: 2 },
      { ...row, passed_ms: -1 },
      { ...row, passed_ms: Number.NaN },
      { ...row, since: [["x", []]] },
      { ...row, since: [[0, "x"]] },
    ])
      expect(readAges(broken), JSON.stringify(broken)).to.equal(null);
  });

  it("has nothing from the future", () => {
    const row = { ...agesRow(after([first])), since: [[9e15, ["x"]]], collected_ms: 9e15 };
    const ages = readAges(row);
    expect(ages?.since.get("x")).to.equal(0);
    expect(ages?.collectedMs).to.equal(0);
  });
});
