import { expect } from "chai";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openFiles } from "../../../daemon/journal/open.ts";
import { JournalFault, classify } from "../../../daemon/journal/problems.ts";
import type { AppendRequest, RecoveredPart } from "../../../daemon/journal/protocol.ts";
import type { JournalProblem } from "../../../daemon/journal/records.ts";
import { Store } from "../../../daemon/journal/store.ts";

/**
 * For tests that damage a journal: opens it without its thread, which makes thousands of openings
 * affordable, and keeps the bytes of its files. Files taken while it is open are what a kill leaves.
 */
export type Image = ReadonlyMap<string, Buffer>;

/** What stands for a history in which damage was found when it was read. */
export const unreadable = "unreadable";

/** Where a journal may lie that is written and synced thousands of times: in memory where that is possible. */
export function scratchJournal(prefix: string): string {
  const root = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  return join(mkdtempSync(join(root, prefix)), "orchd", "journal.db");
}

export function takeImage(path: string): Image {
  const folder = dirname(path);
  const names = readdirSync(folder).filter((name) => !name.endsWith("-shm"));
  return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
}

export function putImage(path: string, image: Image): void {
  rmSync(dirname(path), { recursive: true, force: true });
  mkdirSync(dirname(path), { recursive: true });
  for (const [name, bytes] of image) writeFileSync(join(dirname(path), name), bytes);
}

export function withBytes(image: Image, name: string, change: (bytes: Buffer) => Buffer): Image {
  return new Map(image).set(name, change(Buffer.from(bytesOf(image, name))));
}

export function bytesOf(image: Image, name: string): Buffer {
  const bytes = image.get(name);
  if (bytes === undefined) throw new Error(`no ${name} in the image`);
  return bytes;
}

/** Of the first epoch; it tells nobody that it ended. */
export function storeAt(path: string): Store {
  return new Store(
    1,
    openFiles(path, 1, () => undefined),
  );
}

export function flip(bytes: Buffer, offset: number, bit: number): Buffer {
  bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit);
  return bytes;
}

export function batchAt(
  first: number,
  count: number,
  task: (seq: number) => string | null,
): AppendRequest {
  const seqs = Array.from({ length: count }, (_, index) => first + index);
  return {
    op: "append",
    id: 0,
    first,
    at: seqs.map((seq) => 1.7e12 + seq),
    type: seqs.map(() => "TaskSubmitted"),
    version: seqs.map(() => 1),
    task: seqs.map(task),
    body: seqs.map((seq) => JSON.stringify({ seq, text: "é\n".repeat(20) })),
  };
}

/** Everything a start gives, and everything of the history that can be read, as one text. */
export type Outcome =
  | { readonly kind: "state"; readonly state: string; readonly history: string }
  | { readonly kind: "refused"; readonly problem: JournalProblem };

export function openImage(path: string, epoch: number, tasks: readonly string[]): Outcome {
  const parts: RecoveredPart[] = [];
  try {
    const opened = openFiles(path, epoch, (part) => parts.push(part));
    const store = new Store(epoch, opened);
    const state = JSON.stringify([opened.verified.snapshot, parts]);
    const history = readHistory(store, tasks);
    store.close();
    return { kind: "state", state, history };
  } catch (error) {
    if (error instanceof JournalFault) return { kind: "refused", problem: error.problem };
    throw error;
  }
}

/**
 * Opens a changed image: all of it is there, as in `whole`, or it is refused with a report; nothing
 * in between. `what` was changed, in words.
 */
export function outcomeOf(
  path: string,
  image: Image,
  { whole, tasks, what }: { whole: Outcome; tasks: readonly string[]; what: string },
): "whole" | "refused" {
  putImage(path, image);
  const found = openImage(path, 1, tasks);
  if (found.kind === "refused") {
    expect(found.problem.kind, what).to.be.oneOf(["damaged", "format", "fenced"]);
    if (found.problem.kind === "damaged")
      expect(found.problem.report.setAside, `a copy after ${what}`).to.be.a("string");
    return "refused";
  }
  if (whole.kind !== "state") throw new Error("the whole journal was refused");
  // Not a comparison by chai: it would print both.
  expect(found.state === whole.state, `same state after ${what}`).to.equal(true);
  const same = found.history === whole.history || found.history === unreadable;
  expect(same, `same history after ${what}`).to.equal(true);
  return "whole";
}

function readHistory(store: Store, tasks: readonly string[]): string {
  try {
    const ofTasks = tasks.map((task) => [store.bodyOf(task), store.rows.ofTask(task)]);
    return JSON.stringify([store.rows.range(1, 1_000), ofTasks]);
  } catch (error) {
    if (classify(error).kind !== "damage") throw error;
    return unreadable;
  }
}
