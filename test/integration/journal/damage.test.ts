import { expect } from "chai";
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  batchAt,
  bytesOf,
  flip,
  openImage,
  outcomeOf,
  putImage,
  scratchJournal,
  storeAt,
  takeImage,
  unreadable,
  withBytes,
} from "./image.ts";
import type { Image, Outcome } from "./image.ts";

const tasks = ["t1", "t2", "t3", "t4"];
const events = 30;
const snapshotAt = 20;
const pageBytes = 4096;
const frameBytes = pageBytes + 24;
/** A prime, so that a coarse sample meets every part of a page in turn. */
const coarse = 211;

describe("a damaged journal", function () {
  this.timeout(120_000);
  let path = "";
  /** As `kill -9` leaves it: the last ten events in the log. */
  let killed: Image = new Map();
  /** As `close` leaves it: everything in the file. */
  let closed: Image = new Map();
  let whole: Outcome = { kind: "state", state: "", history: "" };

  before(() => {
    path = scratchJournal("damage-");
    [killed, closed] = buildImages(path);
    putImage(path, closed);
    whole = openImage(path, 1, tasks);
    expect(whole.kind).to.equal("state");
  });

  after(() => rmSync(join(dirname(path), ".."), { recursive: true }));

  function outcome(image: Image, what: string): "whole" | "refused" {
    return outcomeOf(path, image, { whole, tasks, what });
  }

  function sweep(image: Image, name: string, offsets: readonly number[]): Record<string, number> {
    const counts = { whole: 0, refused: 0 };
    for (const offset of offsets) {
      const changed = withBytes(image, name, (bytes) => flip(bytes, offset, offset % 8));
      counts[outcome(changed, `bit ${offset % 8} of byte ${offset} of ${name}`)] += 1;
    }
    return counts;
  }

  it("is whole when it was only killed, or closed", () => {
    expect(outcome(killed, "killed")).to.equal("whole");
    expect(outcome(closed, "closed")).to.equal("whole");
  });

  it("is refused for a flip in any byte of the last three records in the log", () => {
    const offsets = lastRecords(bytesOf(killed, "journal.db-wal"));
    const counts = sweep(killed, "journal.db-wal", offsets);
    expect(counts["refused"]).to.equal(offsets.length);
  });

  it("loses nothing in silence wherever else in the log a bit flips", () => {
    const counts = sweep(killed, "journal.db-wal", sampled(bytesOf(killed, "journal.db-wal")));
    expect(counts["refused"]).to.be.greaterThan(10);
  });

  it("is refused wherever in its last three records the log is cut off", () => {
    const { length } = bytesOf(killed, "journal.db-wal");
    for (let cut = length - 1; cut >= length - 3 * frameBytes; cut -= 29) {
      const image = withBytes(killed, "journal.db-wal", (bytes) => bytes.subarray(0, cut));
      expect(outcome(image, `cut to ${cut} bytes`)).to.equal("refused");
    }
  });

  it("loses nothing in silence wherever in the file a bit flips", () => {
    const bytes = bytesOf(closed, "journal.db");
    const header = Array.from({ length: 100 }, (_, index) => index);
    const rows = lastRecords(bytes);
    const counts = sweep(closed, "journal.db", [...header, ...rows, ...sampled(bytes)]);
    expect(counts["refused"]).to.be.greaterThan(100);
    expect(counts["whole"]).to.be.greaterThan(100);
  });

  it("loses nothing in silence wherever the file is cut off", () => {
    const { length } = bytesOf(closed, "journal.db");
    for (let cut = 0; cut < length; cut += 1_000) {
      const image = withBytes(closed, "journal.db", (bytes) => bytes.subarray(0, cut));
      expect(outcome(image, `cut to ${cut} bytes`)).to.equal("refused");
    }
  });

  it("starts without reading the events that the snapshot covers, and finds damage in them when they are read", () => {
    for (let seq = 1; seq < snapshotAt; seq += 1) {
      putImage(
        path,
        withBytes(closed, "journal.db", (bytes) => flipEveryCopy(bytes, `{"seq":${seq},`)),
      );
      const found = openImage(path, 1, tasks);
      if (found.kind === "refused" || whole.kind === "refused")
        throw new Error(`refused for event ${seq}`);
      expect(found.state === whole.state, `same state, event ${seq}`).to.equal(true);
      expect(found.history, `event ${seq}`).to.equal(unreadable);
    }
  });

  it("is refused when a page is an older version of itself", () => {
    putImage(path, closed);
    const store = storeAt(path);
    store.append([batchAt(events + 1, 1, () => "t1")]);
    store.stage(2, stagedTasks("t1", "cancelled"));
    store.seal(2, events + 1, "{}");
    while (store.foldOne());
    store.close();
    const newer = takeImage(path);
    const stale = pagesThatDiffer(bytesOf(closed, "journal.db"), bytesOf(newer, "journal.db"));
    for (const page of stale.filter((number) => number > 0)) {
      const old = bytesOf(closed, "journal.db").subarray(page * pageBytes, (page + 1) * pageBytes);
      putImage(
        path,
        withBytes(newer, "journal.db", (bytes) => {
          old.copy(bytes, page * pageBytes);
          return bytes;
        }),
      );
      const found = openImage(path, 1, tasks);
      const lost = found.kind === "state" && found.history !== unreadable;
      expect(lost, `page ${page}`).to.equal(false);
    }
    expect(stale).to.have.length.greaterThan(3);
  });

  it("does not need its mark, and takes a spoilt one for none", () => {
    const mark = bytesOf(killed, "journal.mark");
    const counts = sweep(
      killed,
      "journal.mark",
      [...mark.keys()].filter((at) => at % 7 === 0),
    );
    expect(counts["refused"]).to.equal(0);
    const without = new Map(killed);
    without.delete("journal.mark");
    expect(outcome(without, "no mark")).to.equal("whole");
  });

  it("drops a torn tail that was never acknowledged", () => {
    const before = withBytes(killed, "journal.db-wal", (bytes) =>
      Buffer.concat([bytes, bytes.subarray(bytes.length - frameBytes, bytes.length - 99)]),
    );
    expect(outcome(before, "half a frame more")).to.equal("whole");
  });

  for (const missing of ["journal.db", "journal.db-wal"])
    it(`is refused when ${missing} is gone`, () => {
      const image = new Map(killed);
      image.delete(missing);
      expect(outcome(image, missing)).to.equal("refused");
    });

  it("is copied aside once, with a report, and left as it was", () => {
    const offset = lastRecords(bytesOf(killed, "journal.db-wal"))[5] ?? 0;
    const image = withBytes(killed, "journal.db-wal", (bytes) => flip(bytes, offset, 0));
    putImage(path, image);
    const first = openImage(path, 1, tasks);
    const second = openImage(path, 1, tasks);
    expect(second).to.deep.equal(first);
    if (first.kind !== "refused" || first.problem.kind !== "damaged")
      throw new Error("not damaged");
    const { report } = first.problem;
    const folder = report.setAside ?? "";
    expect(readdirSync(dirname(path)).filter((name) => name.startsWith("damaged-"))).to.have.length(
      1,
    );
    expect(report).to.include({ acknowledgedUntil: events, setAsideProblem: null });
    expect(JSON.parse(readFileSync(join(folder, "report.json"), "utf8"))).to.deep.include(report);
    for (const [name, bytes] of image) {
      expect(readFileSync(join(dirname(path), name)).equals(bytes), name).to.equal(true);
      expect(readFileSync(join(folder, name)).equals(bytes), name).to.equal(true);
    }
  });

  it("is not opened when a newer orchd wrote it", () => {
    putImage(
      path,
      withBytes(closed, "journal.db", (bytes) => {
        bytes.writeUInt32BE(7, 60);
        return bytes;
      }),
    );
    expect(openImage(path, 1, tasks)).to.deep.equal({
      kind: "refused",
      problem: { kind: "format", found: 7, known: 2 },
    });
    expect(existsSync(`${path}-wal`)).to.equal(false);
  });
});

function buildImages(path: string): [Image, Image] {
  const store = storeAt(path);
  store.append([batchAt(1, snapshotAt, (seq) => (seq % 7 === 0 ? null : `t${(seq % 4) + 1}`))]);
  store.stage(1, stagedTasks("t1", "queued"));
  store.stage(1, stagedTasks("t2", "succeeded"));
  store.seal(1, snapshotAt, '{"state":1}');
  // One chunk is in the rows, the other is not yet.
  store.foldOne();
  for (let seq = snapshotAt + 1; seq <= events; seq += 1)
    store.append([batchAt(seq, 1, () => `t${(seq % 4) + 1}`)]);
  const killed = takeImage(path);
  store.close();
  return [killed, takeImage(path)];
}

function stagedTasks(id: string, status: string): { texts: string[]; bodies: string[] } {
  const final = status === "queued" ? 0 : 1;
  return { texts: [`${id}\n${final}\n${status}\ndigest\n`], bodies: ['{"b":3}'] };
}

/** The bytes of the newest copy of each of the last three events, found by what they say. */
function lastRecords(bytes: Buffer): number[] {
  return [events - 2, events - 1, events].flatMap((seq) => {
    const at = bytes.lastIndexOf(`{"seq":${seq},`);
    return Array.from({ length: 130 }, (_, index) => at - 30 + index);
  });
}

/** Pages that were split hold old copies of a row behind their end. */
function flipEveryCopy(bytes: Buffer, text: string): Buffer {
  let changed = bytes;
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + text.length))
    changed = flip(changed, at + text.length + 1, 0);
  return changed;
}

function sampled(bytes: Buffer): number[] {
  return Array.from({ length: Math.floor(bytes.length / coarse) }, (_, index) => index * coarse);
}

function pagesThatDiffer(one: Buffer, other: Buffer): number[] {
  const pages = Math.min(one.length, other.length) / pageBytes;
  return Array.from({ length: pages }, (_, page) => page).filter((page) => {
    const [from, to] = [page * pageBytes, (page + 1) * pageBytes];
    return !one.subarray(from, to).equals(other.subarray(from, to));
  });
}
