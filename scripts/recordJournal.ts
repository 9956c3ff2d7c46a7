import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { eventVersion } from "../daemon/core/upcast.ts";
import { formatVersion } from "../daemon/journal/schema.ts";
import { openFiles } from "../daemon/journal/open.ts";
import { packRows, taskText } from "../daemon/journal/protocol.ts";
import { recoverState } from "../daemon/recovery.ts";
import { rowOf } from "../daemon/loop.ts";
import { shapeOf, snapshotAt, tellStory } from "../test/helpers/journalStory.ts";
import { essence } from "../test/helpers/core.ts";
import { Store } from "../daemon/journal/store.ts";
import { openJournal } from "../daemon/journal/journal.ts";

/**
 * `node scripts/recordJournal.ts`: records the story of test/helpers/journalStory.ts as a journal of
 * the present format, with what it must always load as, in test/fixtures/journals/v<format>.<events>.
 * To be run when the format or the version of events goes up. A folder that was released stays as it
 * is; with `--again` one that was not is recorded anew. The journal ends as a kill leaves it: a part in the file, a part in the log, two snapshots, two epochs.
 */
const folder = join(
  import.meta.dirname,
  "../test/fixtures/journals",
  `v${formatVersion}.${eventVersion}`,
);
const [firstSnapshot, firstEnd, secondSnapshot] = [24, 30, 52];

const scratch = mkdtempSync(join(tmpdir(), "orchd-record-"));
try {
  const path = join(scratch, "orchd", "journal.db");
  const story = tellStory();
  writeFirst(path, story);
  writeSecond(path, story);
  if (process.argv.includes("--again")) rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const name of readdirSync(dirname(path)))
    if (!name.endsWith("-shm")) copyFileSync(join(dirname(path), name), join(folder, name));
  const expected = { shape: shapeOf(story), ...(await load(path)) };
  writeFileSync(join(folder, "expected.json"), `${JSON.stringify(expected, null, 1)}\n`);
  process.stdout.write(`${folder}\n`);
} finally {
  rmSync(scratch, { recursive: true });
}

type Story = ReturnType<typeof tellStory>;

function writeFirst(path: string, story: Story): void {
  const store = storeAt(path, 1);
  append(store, story.slice(0, firstEnd));
  snapshot(store, story, firstSnapshot, 0);
  while (store.foldOne());
  store.close();
}

function writeSecond(path: string, story: Story): void {
  const store = storeAt(path, 2);
  append(store, story.slice(firstEnd, secondSnapshot));
  snapshot(store, story, secondSnapshot, firstSnapshot);
  append(store, story.slice(secondSnapshot));
}

function storeAt(path: string, epoch: number): Store {
  return new Store(
    epoch,
    openFiles(path, epoch, () => undefined),
  );
}

function append(store: Store, story: Story): void {
  store.append([packRows(0, story.map(rowOf))]);
}

/** A task a chunk: of the second snapshot all are left to be folded. */
function snapshot(store: Store, story: Story, seq: number, after: number): void {
  const { state, tasks } = snapshotAt(story, seq, after);
  for (const task of [...tasks].flat())
    store.stage(seq, { texts: [taskText(task)], bodies: [task.body] });
  store.seal(seq, seq, state);
}

async function load(path: string): Promise<{ state: unknown; events: unknown }> {
  const opened = await openJournal(path, { epoch: 3 });
  if (!opened.ok) throw new Error(JSON.stringify(opened.problem));
  await using journal = opened.value;
  const { state } = recoverState(await journal.recover(), 0);
  const events = await journal.readEvents(1, 1_000);
  return { state: essence(state), events: events.ok ? events.value : [] };
}
