import { expect } from "chai";
import fc from "fast-check";
import { addNamed, itemNamed, listOf, removeNamed } from "../../../../daemon/core/named.ts";
import type { NamedList } from "../../../../daemon/core/named.ts";

type Item = { readonly name: string; at: number; next: Item | null };

/** Few enough names to meet often, and enough of them for buckets. */
const names = Array.from({ length: 60 }, (_, at) => `name${at}`);
const steps = fc.array(fc.nat(names.length - 1), { maxLength: 400 });

describe("a list of named items", () => {
  it("finds what a map would find, however often items come and go", () => {
    const property = fc.property(steps, (numbers) => {
      const list = listOf(make("first"));
      const expected = new Map([["first", list.items[0] as Item]]);
      for (const at of numbers) {
        flip(list, expected, names[at] ?? "");
        check(list, expected);
      }
    });
    fc.assert(property, { seed: 20_260_726, numRuns: 200 });
  });

  it("knows nothing of an item that has left it", () => {
    const items = names.map(make);
    const list: NamedList<Item> = { items: [], buckets: null };
    for (const item of items) addNamed(list, item);
    expect(list.buckets).to.not.equal(null);
    for (const item of items) removeNamed(list, item);
    expect(list).to.deep.equal({ items: [], buckets: null });
    expect(items.filter(({ next }) => next !== null)).to.deep.equal([]);
  });
});

function make(name: string): Item {
  return { name, at: 0, next: null };
}

/** Whoever is there leaves, whoever is not comes. */
function flip(list: NamedList<Item>, expected: Map<string, Item>, name: string): void {
  const known = expected.get(name);
  if (known !== undefined) {
    removeNamed(list, known);
    expected.delete(name);
    return;
  }
  const item = make(name);
  addNamed(list, item);
  expected.set(name, item);
}

function check(list: NamedList<Item>, expected: ReadonlyMap<string, Item>): void {
  for (const name of names) expect(itemNamed(list, name)).to.equal(expected.get(name) ?? null);
  expect(list.items).to.have.members([...expected.values()]);
  expect(list.items.map(({ at }) => at)).to.deep.equal([...list.items.keys()]);
}
