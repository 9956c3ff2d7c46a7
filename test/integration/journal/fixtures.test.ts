import { expect } from "chai";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { essence } from "../../helpers/core.ts";
import { shapeOf, tellStory } from "../../helpers/journalStory.ts";
import { eventNames } from "../../../daemon/server/views/event.ts";
import { eventVersion } from "../../../daemon/core/upcast.ts";
import { formatVersion } from "../../../daemon/journal/schema.ts";
import { openJournal } from "../../../daemon/journal/journal.ts";
import { recoverState } from "../../../daemon/recovery.ts";

/**
 * Journals recorded by orchd itself, one for each version there ever was (scripts/recordJournal.ts).
 * They always load. State that did not exist when one was recorded is not looked at.
 */
const fixtures = join(import.meta.dirname, "../../fixtures/journals");
const present = `v${formatVersion}.${eventVersion}`;
const record =
  "released: raise the version, add a step to upcast.ts, run `node scripts/recordJournal.ts`; " +
  "not released, or only a new type: tell of it in test/helpers/journalStory.ts, run it with --again";

type Expected = {
  readonly shape: unknown;
  readonly state: { readonly seq: number; readonly tasks: object[]; readonly finals: object[] };
  readonly events: object[];
};

function expectedOf(version: string): Expected {
  return JSON.parse(readFileSync(join(fixtures, version, "expected.json"), "utf8")) as Expected;
}

describe("a recorded journal", () => {
  let folder = "";

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "recorded-"));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  /** Whatever opens a journal writes into it. */
  function copyOf(version: string): string {
    const place = join(folder, "orchd");
    mkdirSync(place);
    for (const name of readdirSync(join(fixtures, version)))
      if (name.startsWith("journal."))
        copyFileSync(join(fixtures, version, name), join(place, name));
    return join(place, "journal.db");
  }

  async function load(path: string, epoch: number) {
    const opened = await openJournal(path, { epoch });
    if (!opened.ok) throw new Error(JSON.stringify(opened.problem));
    await using journal = opened.value;
    const { state } = recoverState(await journal.recover(), 0);
    const events = await journal.readEvents(1, 1_000);
    if (!events.ok) throw new Error(JSON.stringify(events.problem));
    return { state: essence(state) as Expected["state"], events: events.value };
  }

  for (const version of readdirSync(fixtures))
    it(`of version ${version} loads as what it was, twice`, async () => {
      const expected = expectedOf(version);
      const path = copyOf(version);
      for (const epoch of [9, 10]) {
        const { state, events } = await load(path, epoch);
        expect(state).to.containSubset(expected.state);
        expect(state.tasks).to.have.length(expected.state.tasks.length);
        expect(state.finals).to.have.length(expected.state.finals.length);
        expect(events).to.deep.equal(expected.events);
      }
    });

  it("exists of the present version", () => {
    expect(readdirSync(fixtures), `the format changed: ${record}`).to.include(present);
  });

  it("has every type of event, each in the shape that is written now", () => {
    const shape = shapeOf(tellStory());
    expect(Object.keys(shape)).to.have.members(Object.keys(eventNames));
    expect(shape, `events changed their shape: ${record}`).to.deep.equal(expectedOf(present).shape);
  });
});
