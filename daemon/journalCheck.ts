import { parseArgs } from "node:util";
import { checkJournal } from "./journal/check.ts";

/**
 * A process of its own that looks at a journal for `orchd doctor`: reads task ids from standard
 * input, one a line, and prints one line of JSON (`ipc/journalCheck.ts`).
 *
 *     node daemon/journalCheck.ts --journal …/orchd/journal.db [--deep] [--live]
 */
if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      journal: { type: "string" },
      deep: { type: "boolean", default: false },
      live: { type: "boolean", default: false },
    },
  });
  const tasks = (await readInput()).split("\n").filter(Boolean);
  const { journal = "", deep, live } = values;
  process.stdout.write(`${JSON.stringify(checkJournal(journal, { deep, live, tasks }))}\n`);
}

async function readInput(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin) text += String(chunk);
  return text;
}
