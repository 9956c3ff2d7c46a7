import { expect } from "chai";
import fc from "fast-check";
import { durationMsMax, formatDuration, parseDuration } from "../../../ipc/duration.ts";

describe("duration", () => {
  for (const [text, ms] of [
    ["90s", 90_000],
    ["20m", 1_200_000],
    ["1h30m", 5_400_000],
    ["500ms", 500],
    ["2d", 172_800_000],
    ["1d2h3m4s5ms", 93_784_005],
    ["0s", 0],
    ["30d", durationMsMax],
  ] as const) {
    it(`reads ${text} as ${ms} ms`, () => {
      expect(parseDuration(text)).to.deep.equal({ ok: true, ms });
    });
  }

  for (const [text, reason] of [
    ["90", "has no unit"],
    ["-5s", "is negative"],
    ["1.5h", "has a fraction"],
    ["", "is no duration"],
    ["soon", "is no duration"],
    ["1m1h", "is no duration"],
    ["1h 30m", "is no duration"],
    ["1h1h", "is no duration"],
    ["5S", "is no duration"],
    ["31d", "is longer than 30d"],
    ["30d1ms", "is longer than 30d"],
    ["9".repeat(39) + "d", "is longer than 30d"],
    ["1".repeat(500) + "s", "is no duration"],
    ["٣s", "is no duration"],
  ] as const) {
    it(`refuses "${text.slice(0, 20)}" because it ${reason}`, () => {
      const parsed = parseDuration(text);
      expect(parsed.ok).to.equal(false);
      expect(parsed.ok ? "" : parsed.message).to.include(reason);
    });
  }

  it("reads back what it writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: durationMsMax }), (ms) => {
        expect(parseDuration(formatDuration(ms))).to.deep.equal({ ok: true, ms });
      }),
    );
  });

  it("writes the largest units first and leaves out zeros", () => {
    expect(formatDuration(5_400_000)).to.equal("1h30m");
    expect(formatDuration(86_400_001)).to.equal("1d1ms");
    expect(formatDuration(0)).to.equal("0s");
  });

  it("never throws, whatever the text", () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parseDuration(text).ok === "boolean"));
  });
});
