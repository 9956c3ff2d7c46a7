import { expect } from "chai";
import fc from "fast-check";
import { heapPeek, heapPop, heapPush, makeHeap } from "../../../../daemon/core/heap.ts";
import type { Entry } from "../../../../daemon/core/heap.ts";

const seed = Number(process.env["ORCHD_TEST_SEED"] ?? 20_260_726);

describe("the heap", () => {
  it(`gives back the smallest by rank, then order, after any pushes and pops (seed ${seed})`, () => {
    const operation = fc.option(fc.nat({ max: 5 }), { freq: 3 });
    const property = fc.property(fc.array(operation, { size: "max", maxLength: 100 }), (steps) => {
      const heap = makeHeap<string>();
      let sorted: Entry<string>[] = [];
      for (const [order, rank] of steps.entries()) {
        if (rank === null) {
          const [first, ...rest] = sorted;
          expect(heapPeek(heap)).to.equal(first);
          expect(heapPop(heap)).to.equal(first);
          sorted = rest;
          continue;
        }
        const entry = { rank, order, key: `k${order}` };
        heapPush(heap, entry);
        sorted = [...sorted, entry].toSorted((a, b) => a.rank - b.rank || a.order - b.order);
      }
      for (const entry of sorted) expect(heapPop(heap)).to.equal(entry);
      expect(heapPop(heap)).to.equal(undefined);
    });
    fc.assert(property, { seed, numRuns: 200 });
  });
});
