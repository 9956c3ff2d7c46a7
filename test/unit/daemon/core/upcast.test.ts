import { expect } from "chai";
import { eventVersion, upcast, upcastBy } from "../../../../daemon/core/upcast.ts";
import type { Step } from "../../../../daemon/core/upcast.ts";

/** Version 2 called `paths` `touched`; version 3 counts them. Other types never changed. */
const steps: readonly Step[] = [
  (type, { paths, ...rest }) => (type === "Saved" ? { ...rest, touched: paths } : rest),
  (type, body) =>
    type === "Saved" ? { ...body, total: (body["touched"] as readonly string[]).length } : body,
];

describe("an event of an older version", () => {
  it("is brought up to date step by step", () => {
    const oldest = upcastBy(steps, "Saved", 1, { task: "a", paths: ["x", "y"] });
    expect(oldest).to.deep.equal({ task: "a", touched: ["x", "y"], total: 2 });
  });

  it("skips the steps that its version has behind it", () => {
    const older = upcastBy(steps, "Saved", 2, { task: "a", touched: ["x"] });
    expect(older).to.deep.equal({ task: "a", touched: ["x"], total: 1 });
    const newest = { task: "a", touched: ["x"], total: 9 };
    expect(upcastBy(steps, "Saved", 3, newest)).to.deep.equal(newest);
  });

  it("stays as it is when its type never changed", () => {
    expect(upcastBy(steps, "Moved", 1, { task: "a" })).to.deep.equal({ task: "a" });
  });

  it("is refused when a newer orchd wrote it", () => {
    expect(() => upcastBy(steps, "Saved", 4, {})).to.throw(/version 4; this orchd knows 3/);
    expect(() => upcast("AllPaused", eventVersion + 1, {})).to.throw(/AllPaused/);
  });

  it("is read as it stands in the present version", () => {
    expect(upcast("AllPaused", eventVersion, {})).to.deep.equal({ type: "AllPaused" });
  });
});
