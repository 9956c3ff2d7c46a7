import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "chai";
import { checkJournal } from "../../../daemon/journal/check.ts";
import { openJournal } from "../../../daemon/journal/journal.ts";
import { putImage, takeImage, withBytes, flip } from "./image.ts";
import type { Journal } from "../../../daemon/journal/journal.ts";
import type { Image } from "./image.ts";

const quick = { deep: false, live: false, tasks: [] };
const deep = { ...quick, deep: true };

async function open(path: string): Promise<Journal> {
  const opened = await openJournal(path, { epoch: 1 });
  if (!opened.ok) throw new Error(JSON.stringify(opened.problem));
  await opened.value.recover();
  return opened.value;
}

async function write(journal: Journal, first: number, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, index) => ({
    seq: first + index,
    at: 1.7e12 + first + index,
    type: "TaskSubmitted",
    version: 1,
    task: `t${(first + index) % 5}`,
    body: JSON.stringify({ filler: "x".repeat(300), seq: first + index }),
  }));
  expect((await journal.append(rows)).ok).to.equal(true);
}

async function snapshot(journal: Journal, seq: number): Promise<void> {
  const task = (id: string) => ({
    id,
    status: "succeeded",
    digest: "d",
    commit: null,
    final: true,
    body: JSON.stringify({
      id,
      spec: { title: "", labels: [] },
      life: { status: "cancelled", since: 0 },
      attempts: [],
      submittedAt: 0,
      text: "y".repeat(100),
    }),
  });
  const tasks = ["t0", "t1"].map(task);
  expect((await journal.snapshot({ seq, state: "{}", tasks: [tasks] })).ok).to.equal(true);
}

describe("the check of a journal from outside", function () {
  this.timeout(60_000);
  let path = "";
  let killed: Image = new Map();
  let closed: Image = new Map();

  before(async () => {
    path = join(mkdtempSync(join(tmpdir(), "check-")), "orchd", "journal.db");
    const journal = await open(path);
    await write(journal, 1, 40);
    await snapshot(journal, 40);
    await write(journal, 41, 10);
    // Asking for the history moves all that the snapshot has into its rows.
    const any = { statuses: [], labels: [], since: null, until: null, before: null, limit: 9 };
    expect(await journal.readHistory(any, [])).to.have.nested.property("value.rows.length", 2);
    killed = takeImage(path);
    await journal.close();
    closed = takeImage(path);
  });

  after(() => rmSync(join(dirname(path), ".."), { recursive: true }));

  const stamps = () =>
    readdirSync(dirname(path)).map((name) => {
      const { size, mtimeMs } = statSync(join(dirname(path), name));
      return `${name} ${size} ${mtimeMs}`;
    });

  it("finds a whole one good and touches nothing, with a log, with its index, and without either", () => {
    for (const [image, withIndex] of [
      [closed, false],
      [killed, false],
      [killed, true],
    ] as const) {
      putImage(path, image);
      if (withIndex) new DatabaseSync(path, { readOnly: true }).prepare("SELECT 1 FROM meta").get();
      const before = stamps();
      expect(checkJournal(path, quick).verdict).to.deep.equal({
        kind: "good",
        events: 50,
        tasks: 2,
        proven: 10,
      });
      expect(checkJournal(path, deep).verdict).to.include({ kind: "good", proven: 50 });
      expect(stamps()).to.deep.equal(before);
    }
  });

  it("knows tasks from the snapshot and from the events behind it", () => {
    putImage(path, killed);
    const tasks = ["t0", "t4", "nobody"];
    expect(checkJournal(path, { ...quick, tasks }).unknown).to.deep.equal(["nobody"]);
  });

  it("finds with deep what a start does not read: an old event, and a finished task's body", () => {
    for (const text of ['"seq":3}', '{"id":"t1"']) {
      const image = withBytes(closed, "journal.db", (bytes) => {
        // SQLite leaves old copies in the free room of pages; all of them are flipped.
        expect(bytes.indexOf(text)).to.be.greaterThan(0);
        for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1))
          flip(bytes, at + 3, 0);
        return bytes;
      });
      putImage(path, image);
      expect(checkJournal(path, quick).verdict.kind).to.equal("good");
      expect(checkJournal(path, deep).verdict.kind).to.equal("damaged");
    }
  });

  it("finds damage in the log, a missing file, and nothing where nothing is", () => {
    putImage(
      path,
      withBytes(killed, "journal.db-wal", (bytes) => flip(bytes, 200, 0)),
    );
    expect(checkJournal(path, quick).verdict).to.include({ kind: "damaged", where: "wal" });
    putImage(path, new Map([...closed].filter(([name]) => name !== "journal.db")));
    expect(checkJournal(path, quick).verdict).to.include({ kind: "damaged", where: "file" });
    putImage(path, new Map());
    expect(checkJournal(path, quick).verdict).to.deep.equal({ kind: "absent" });
  });

  it("reads one moment of a journal that is being written", async () => {
    putImage(path, closed);
    const journal = await open(path);
    const bytes = readFileSync(path).length;
    for (let first = 51; first < 1_051; first += 100) {
      const writing = write(journal, first, 100).then(() => snapshot(journal, first + 99));
      const { verdict } = checkJournal(path, { ...deep, live: true });
      expect(verdict.kind).to.equal("good");
      await writing;
    }
    const { verdict } = checkJournal(path, { ...deep, live: true });
    expect(verdict).to.deep.include({ kind: "good", events: 1_050, proven: 1_050 });
    await journal.close();
    expect(readFileSync(path).length).to.be.greaterThan(bytes);
  });
});
