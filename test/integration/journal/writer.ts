import { flushCompileCache } from "node:module";
import { openJournal } from "../../../daemon/journal/journal.ts";
import type { Journal } from "../../../daemon/journal/journal.ts";
import type { Failpoint } from "../../../system/failpoint.ts";
import type { JournalResult } from "../../../daemon/journal/records.ts";

/**
 * A process of the tests of the journal: `node writer.ts <path> <epoch> [failpoint as JSON]`. It goes
 * on from where the journal ends, batch after batch with a snapshot now and then, and writes each
 * acknowledged seq as a line, until it has written 60 events (then it closes) or is killed.
 */
const [path = "", epoch = "1", failpoint] = process.argv.slice(2);
const eventsMax = 60;
const batchRows = 3;

// For the next one: most are killed, and would compile all of this each time.
flushCompileCache();

const opened = await openJournal(path, {
  epoch: Number(epoch),
  ...(failpoint === undefined ? {} : { failpoint: JSON.parse(failpoint) as Failpoint }),
});
if (!opened.ok) fail(opened);
else await write(opened.value);

async function write(journal: Journal): Promise<void> {
  const { snapshot, events } = await journal.recover();
  let seq = events.at(-1)?.seq ?? snapshot?.seq ?? 0;
  for (let count = 0; count < eventsMax; count += batchRows) {
    const first = seq + 1;
    const rows = Array.from({ length: batchRows }, (_, index) => rowAt(first + index));
    const appended = await journal.append(rows);
    if (!appended.ok) return fail(appended);
    seq += batchRows;
    process.stdout.write(`${seq}\n`);
    if (count % 15 === 12) await snapshotAt(journal, seq);
  }
  const closed = await journal.close();
  if (!closed.ok) fail(closed);
}

async function snapshotAt(journal: Journal, seq: number): Promise<void> {
  const body = JSON.stringify({ at: seq });
  const tasks = [`t${seq % 9}`, `t${(seq + 4) % 9}`].map((id) => ({
    id,
    status: "queued",
    digest: "d",
    commit: null,
    final: false,
    body,
  }));
  const slices = tasks.map((task) => [task]);
  const written = await journal.snapshot({ seq, state: body, tasks: slices });
  if (!written.ok) fail(written);
}

function rowAt(seq: number) {
  const body = JSON.stringify({ seq });
  return { seq, at: 1.7e12 + seq, type: "TaskSubmitted", version: 1, task: `t${seq % 9}`, body };
}

function fail(result: JournalResult<unknown>): void {
  process.stdout.write(`failed ${JSON.stringify(result)}\n`);
  process.exitCode = 1;
}
