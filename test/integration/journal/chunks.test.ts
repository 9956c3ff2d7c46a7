import { expect } from "chai";
import fc from "fast-check";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseRowText } from "../../../daemon/journal/chain.ts";
import { openFiles } from "../../../daemon/journal/open.ts";
import { parseFinalTexts, parseTaskText } from "../../../daemon/journal/protocol.ts";
import type { RecoveredPart } from "../../../daemon/journal/protocol.ts";
import { Store } from "../../../daemon/journal/store.ts";
import { batchAt, putImage, takeImage } from "./image.ts";

/**
 * Snapshots in chunks against a model that knows no chunks: after every single transaction the files
 * are copied, as a kill would leave them, and what a start reads from the copy is compared.
 */
type Act =
  | { readonly do: "append"; readonly task: number; readonly count: number }
  | { readonly do: "stage"; readonly tasks: readonly number[]; readonly final: boolean }
  | { readonly do: "begin" | "seal" | "fold" | "reopen" };

type Row = { readonly final: boolean; readonly status: string; readonly body: string };

const taskCount = 5;
const task = fc.nat({ max: taskCount - 1 });
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("append"),
      task,
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("stage"),
      tasks: fc.uniqueArray(task, { minLength: 1, maxLength: 3 }),
      final: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("seal", "fold") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("begin", "reopen") }) },
) as fc.Arbitrary<Act>;

/** A task that is in the rows, and in a later chunk without a new event. */
const writtenAgain: Act[] = [
  { do: "append", task: 1, count: 1 },
  { do: "stage", tasks: [1], final: false },
  { do: "seal" },
  { do: "fold" },
  { do: "stage", tasks: [1], final: true },
  { do: "seal" },
  { do: "reopen" },
];

class Model {
  readonly events: string[] = [];
  snapshot: { readonly seq: number; readonly state: string } | null = null;
  readonly tasks = new Map<string, Row>();
  /** Of the snapshot that is being written. */
  staged = new Map<string, Row>();

  seal(state: string): void {
    this.snapshot = { seq: this.events.length, state };
    for (const [id, row] of this.staged) this.tasks.set(id, row);
    this.staged = new Map();
  }
}

describe("a snapshot in chunks", function () {
  this.timeout(120_000);
  let folder = "";

  beforeEach(() => {
    // A kill leaves what was written, synced or not: memory will do, and is much faster.
    const place = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
    folder = mkdtempSync(join(place, "chunks-"));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  function storeAt(path: string, epoch: number): Store {
    const opened = openFiles(path, epoch, () => undefined);
    return new Store(epoch, opened);
  }

  /** What a start would find now, if the process were killed now. */
  function expectKilled(path: string, copy: string, model: Model): void {
    putImage(copy, takeImage(path));
    const parts: RecoveredPart[] = [];
    const opened = openFiles(copy, 99, (part) => parts.push(part));
    const store = new Store(99, opened);
    expect(opened.verified.snapshot).to.deep.equal(model.snapshot);
    const found = rowsIn(parts);
    const expected = [...model.tasks].map(([id, { final, status, body }]) =>
      final ? [id, status, null] : [id, status, body],
    );
    expect(found).to.have.deep.members(expected);
    const events = parts.filter(({ table }) => table === "events").flatMap(({ texts }) => texts);
    expect(events.map((text) => parseRowText(text).seq)).to.deep.equal(
      model.events.map((_, at) => at + 1).slice(model.snapshot?.seq ?? 0),
    );
    for (let number = 0; number < taskCount; number += 1) {
      const id = `t${number}`;
      const seqs = store.rows.ofTask(id).map((text) => parseRowText(text).seq);
      const all = model.events.flatMap((of, at) => (of === id ? [at + 1] : []));
      expect(seqs, `events of ${id}`).to.deep.equal(all);
      expect(store.bodyOf(id)).to.equal(model.tasks.get(id)?.body ?? null);
    }
    store.close();
  }

  it("shows the old one or the new one, whichever transaction was the last before a kill", () => {
    let run = 0;
    fc.assert(
      fc.property(fc.array(act, { minLength: 5, maxLength: 25 }), (acts) => {
        run += 1;
        const path = join(folder, `${run}`, "orchd", "journal.db");
        const copy = join(folder, "copy", "orchd", "journal.db");
        const model = new Model();
        let epoch = 1;
        let store = storeAt(path, epoch);
        let of = 1;
        for (const [at, one] of acts.entries()) {
          switch (one.do) {
            case "append": {
              const id = `t${one.task}`;
              store.append([batchAt(model.events.length + 1, one.count, () => id)]);
              for (let count = 0; count < one.count; count += 1) model.events.push(id);
              break;
            }
            case "stage": {
              const status = one.final ? "failed" : "queued";
              const ids = one.tasks.map((number) => `t${number}`);
              const bodies = ids.map((id) => `{"of":"${id} at ${at}"}`);
              const texts = ids.map((id) => `${id}\n${one.final ? 1 : 0}\n${status}\nd\n`);
              store.stage(of, { texts, bodies });
              ids.forEach((id, index) =>
                model.staged.set(id, { final: one.final, status, body: bodies[index] ?? "" }),
              );
              break;
            }
            case "begin":
              model.staged.clear();
              of += 1;
              break;
            case "seal":
              if (model.events.length === 0) break;
              store.seal(of, model.events.length, `{"at":${at}}`);
              model.seal(`{"at":${at}}`);
              of += 1;
              break;
            case "fold":
              store.foldOne();
              break;
            case "reopen":
              store.close();
              model.staged.clear();
              epoch += 1;
              of += 1;
              store = storeAt(path, epoch);
              break;
          }
          expectKilled(path, copy, model);
        }
        store.close();
        rmSync(join(folder, `${run}`), { recursive: true });
      }),
      { numRuns: 100, examples: [[writtenAgain]] },
    );
  });
});

function rowsIn(parts: readonly RecoveredPart[]): (readonly (string | null)[])[] {
  return parts.flatMap(({ table, texts, bodies }) => {
    if (table === "final")
      return texts.flatMap(parseFinalTexts).map(({ id, status }) => [id, status, null]);
    if (table === "events") return [];
    return texts.map(parseTaskText).map(({ id, status }, at) => [id, status, bodies[at] ?? null]);
  });
}
