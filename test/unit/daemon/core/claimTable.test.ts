import { expect } from "chai";
import fc from "fast-check";
import { claimConflict, compileHolding } from "../../../../daemon/core/claims.ts";
import { due, held, patient } from "../../../../daemon/core/claimSpot.ts";
import {
  changeStanding,
  dueAgainst,
  givePlacesUp,
  heldAgainst,
  holderOfPath,
  makeClaimTable,
  makeParty,
  passedBy,
  takePlaces,
  whoStops,
} from "../../../../daemon/core/claimTable.ts";
import { removeEmptied } from "../../../../daemon/core/claimTrie.ts";
import { compilePath, globMatches } from "../../../../daemon/core/glob.ts";
import { normaliseGlob } from "../../../../ipc/glob.ts";
import { precedes } from "../../../../daemon/core/rank.ts";
import { id } from "../../../helpers/core.ts";
import type { ClaimTable, Hindrance } from "../../../../daemon/core/claimTable.ts";
import type { Folder } from "../../../../daemon/core/claimTrie.ts";
import type { Party, Standing } from "../../../../daemon/core/claimSpot.ts";

const seed = Number(process.env["ORCHD_TEST_SEED"] ?? 20_260_726);

/** Endings, brothers, shapes in the middle and at the end: whatever the trie sorts apart. */
const name = fc.constantFrom("a", "b", "a.ts", "b.ts", "a.md", "gen");
const wild = fc.constantFrom("*", "?", "*.ts", "a*", "?.md", "g*n", "{a,b}.ts", "*.{ts,md}");
const segment = fc.oneof(
  { weight: 6, arbitrary: name },
  { weight: 2, arbitrary: wild },
  { weight: 2, arbitrary: fc.constant("**") },
);
const glob = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((segments) => normaliseGlob(segments.join("/")))
  .filter((parsed) => parsed.ok)
  .map((parsed) => parsed.glob);
const resources = fc.constantFrom<Record<string, number>>({}, {}, {}, { db: 1 }, { db: 2, gpu: 1 });
const holding = fc
  .record({
    writes: fc.array(glob, { maxLength: 2 }),
    reads: fc.array(glob, { maxLength: 2 }),
    resources,
    optimistic: fc.constantFrom(false, false, false, true),
  })
  .map((one) => (one.optimistic ? { ...one, reads: [], resources: {} } : one));
const entry = fc.record({
  holding,
  rank: fc.nat({ max: 3 }),
  standing: fc.constantFrom<Standing>(held, due, patient),
  /** What happens to it later. */
  fate: fc.constantFrom("stays", "leaves", "due", "held"),
});

describe(`the claim table, against comparing all with all (seed ${seed})`, function () {
  this.timeout(60_000);

  it("finds who stands in the way and who is passed", () => {
    const property = fc.property(
      fc.array(entry, { maxLength: 14 }),
      holding,
      fc.nat({ max: 3 }),
      (entries, asked, rank) => {
        const { table, parties } = tableOf(entries);
        const who = { rank, order: 7 };
        const mine = compileHolding(asked);
        const against = (standing: Standing) =>
          [...parties].filter(([party, its]) => its === standing && meets(mine, party));
        const earlier = (standing: Standing) =>
          against(standing).filter(([party]) => precedes(party, who));

        const holders = against(held).filter(
          ([party]) => claimConflict(mine, party.holding) !== null,
        );
        const lacking = Object.entries(asked.resources).some(([resource, count]) => {
          const amount = amountHeld(parties, resource);
          return amount > 0 && amount + count > (capacities[resource] ?? 1);
        });
        const byHolder = heldAgainst(table, mine);
        expect(byHolder !== null, "held").to.equal(holders.length > 0 || lacking);
        if (byHolder !== null && byHolder.spot.resource === null)
          expectOneOf(byHolder, who, holders);

        const byWaiter = dueAgainst(table, mine, who);
        expect(byWaiter !== null, "due").to.equal(earlier(due).length > 0);

        const passed = passedBy(table, mine, who).map((party) => party.id);
        expect(passed.toSorted()).to.deep.equal(
          earlier(patient)
            .map(([party]) => party.id)
            .toSorted(),
        );
      },
    );
    fc.assert(property, { seed, numRuns: 4_000 });
  });

  it("finds a holder of a path", () => {
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
    const property = fc.property(fc.array(entry, { maxLength: 14 }), path, (entries, text) => {
      const { table, parties } = tableOf(entries);
      const even = ({ order }: Party) => order % 2 === 0;
      const covers = ({ holding: { writes, reads } }: Party) =>
        [...writes, ...reads].some((pattern) => globMatches(pattern, text));
      const expected = [...parties].filter(
        ([party, its]) => its === held && even(party) && covers(party),
      );
      const found = holderOfPath(table, compilePath(text), even);
      expect(found !== null).to.equal(expected.length > 0);
      if (found !== null) expect(expected.map(([party]) => party)).to.include(found);
    });
    fc.assert(property, { seed, numRuns: 1_000 });
  });

  it("is empty again once everybody has left", () => {
    const property = fc.property(fc.array(entry, { maxLength: 20 }), (entries) => {
      const { table, parties } = tableOf(entries);
      for (const party of parties.keys()) givePlacesUp(table, party);
      removeEmptied(table.trie);
      expect(isBare(table.trie.root)).to.equal(true);
      expect(table.trie.foldersByName.items.length).to.equal(0);
      for (const spot of [table.undeclared, table.waiting, ...table.resources.values()])
        expect([spot.amount, ...spot.places.map(({ length }) => length)].some(Boolean)).to.equal(
          false,
        );
    });
    fc.assert(property, { seed, numRuns: 500 });
  });
});

const capacities: Readonly<Record<string, number>> = { db: 3 };

type Entry = typeof entry extends fc.Arbitrary<infer Value> ? Value : never;

function tableOf(entries: readonly Entry[]): {
  readonly table: ClaimTable;
  readonly parties: Map<Party, Standing>;
} {
  const table = makeClaimTable();
  table.capacities = capacities;
  const parties = new Map<Party, Standing>();
  for (const [order, one] of entries.entries()) {
    const compiled = compileHolding(one.holding);
    const party = makeParty(id(`p${order}`), { rank: one.rank, order }, compiled);
    takePlaces(table, party, one.standing);
    parties.set(party, one.standing);
  }
  for (const [party, standing] of parties) {
    const fate = entries[party.order]?.fate;
    if (fate === "leaves") {
      givePlacesUp(table, party);
      parties.delete(party);
    } else if (fate !== "stays" && standing !== held) {
      const next = fate === "due" ? due : held;
      changeStanding(table, party, next);
      parties.set(party, next);
    }
  }
  return { table, parties };
}

function meets(mine: Party["holding"], { holding: theirs }: Party): boolean {
  if (claimConflict(mine, theirs) !== null) return true;
  return [...mine.resources.keys()].some((resource) => theirs.resources.has(resource));
}

function amountHeld(parties: ReadonlyMap<Party, Standing>, resource: string): number {
  let amount = 0;
  for (const [party, standing] of parties)
    if (standing === held) amount += party.holding.resources.get(resource) ?? 0;
  return amount;
}

function expectOneOf(
  hindrance: Hindrance,
  who: { readonly rank: number; readonly order: number },
  expected: readonly (readonly [Party, Standing])[],
): void {
  const named = whoStops(hindrance, who);
  expect(expected.map(([party]) => party)).to.include(named);
}

function isBare({ children, names, shapes, subtree, inside, shaped, subtrees }: Folder): boolean {
  const lists = [children.length, shapes.items.length, names.items.length];
  const counts = [...inside, ...shaped, ...subtrees, ...lists];
  return subtree === null && counts.every((count) => count === 0);
}
