import type { DatabaseSync } from "node:sqlite";

import { chainChecksum, noChecksum, parseRowText } from "./chain.ts";
import { Damage } from "./problems.ts";
import { rowText, taskText } from "./schema.ts";
import { columns, prepared, provenBody } from "./verify.ts";

/**
 * Proves what a start leaves out for the sake of time: the chain from the first event on, the link
 * from each event of a task to the one before, and the bodies of finished tasks.
 *
 * Returns how many events there are. @throws Damage
 */
export function proveHistory(db: DatabaseSync): number {
  const heads = new Map<string, number>();
  let [seq, chain] = [0, noChecksum];
  const rows = prepared(
    db,
    `SELECT ${rowText}, lower(hex(checksum)), seq FROM events ORDER BY seq`,
  ).iterate();
  for (const row of rows) {
    const [text, stored, found] = columns(row);
    chain = chainChecksum(chain, String(text));
    if (found !== seq + 1) throw new Damage("events", `event ${seq + 1} is missing`, seq);
    if (chain !== stored)
      throw new Damage("events", `event ${seq + 1} does not fit its checksum`, seq);
    const { task, previous } = parseRowText(String(text));
    if (task !== null) {
      if (previous !== (heads.get(task) ?? 0))
        throw new Damage("events", `event ${seq + 1} does not follow the one of its task`, seq);
      heads.set(task, seq + 1);
    }
    seq += 1;
  }
  proveBodies(db);
  return seq;
}

function proveBodies(db: DatabaseSync): void {
  const rows = prepared(
    db,
    `SELECT ${taskText}, body FROM tasks LEFT JOIN bodies USING (row) ORDER BY row`,
  ).iterate();
  for (const row of rows) {
    const [text, body] = columns(row);
    provenBody(String(text), body);
  }
}
