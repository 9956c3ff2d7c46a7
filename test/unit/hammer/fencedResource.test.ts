import { expect } from "chai";
import { FencedResource } from "../../hammer/fencedResource.ts";
import { overlap } from "../../hammer/barrier.ts";

const writer = { writes: ["a"], reads: [] };
const reader = { writes: [], reads: ["a"] };

describe("the fenced resource of the hammer", () => {
  it("takes holders that follow each other, and readers beside each other", () => {
    const resource = new FencedResource();
    for (const op of ["begin", "touch", "end"] as const)
      expect(resource.access({ op, fence: 1, ...writer })).to.equal(true);
    expect(resource.access({ op: "begin", fence: 3, ...reader })).to.equal(true);
    expect(resource.access({ op: "begin", fence: 2, ...reader })).to.equal(true);
    expect(resource.access({ op: "end", fence: 3, ...reader })).to.equal(true);
    expect(resource.access({ op: "end", fence: 2, ...reader })).to.equal(true);
    expect(resource.overlaps()).to.deep.equal([]);
  });

  it("takes the next one after a holder that died in the middle", () => {
    const resource = new FencedResource();
    resource.access({ op: "begin", fence: 1, ...writer });
    expect(resource.access({ op: "begin", fence: 2, ...writer })).to.equal(true);
    expect(resource.overlaps()).to.deep.equal([]);
  });

  for (const [name, first, second] of [
    ["a writer after a writer", writer, writer],
    ["a writer after a reader", writer, reader],
    ["a reader after a writer", reader, writer],
  ] as const)
    it(`refuses ${name} with a higher fence, and tells of two that overlap`, () => {
      const resource = new FencedResource();
      resource.access({ op: "begin", fence: 1, ...first });
      resource.access({ op: "begin", fence: 2, ...second });
      expect(resource.access({ op: "touch", fence: 1, ...first })).to.equal(false);
      expect(resource.refused).to.equal(1);
      expect(resource.overlaps()).to.deep.equal(["fences 1 and 2 were both inside a"]);
    });
});

describe("the overlap of spans", () => {
  it("is how many share a moment", () => {
    expect(overlap([])).to.equal(0);
    expect(
      overlap([
        { start: 0, end: 2 },
        { start: 2, end: 3 },
      ]),
    ).to.equal(1);
    expect(
      overlap([
        { start: 0, end: 9 },
        { start: 1, end: 2 },
        { start: 3, end: 4 },
      ]),
    ).to.equal(2);
  });
});
