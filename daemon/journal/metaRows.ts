import type { DatabaseSync } from "node:sqlite";

import { checksumOf } from "./chain.ts";
import { Damage } from "./problems.ts";
import type { SnapshotMeta } from "./schema.ts";

/** The three rows of `meta`, each with a checksum over name and value. */
type MetaName = "epoch" | "snapshot" | "state";

export function readMeta(db: DatabaseSync, name: MetaName): string | null {
  const row = db
    .prepare("SELECT value, lower(hex(checksum)) AS checksum FROM meta WHERE name = ?")
    .get(name);
  if (row === undefined) return null;
  const value = String(row["value"]);
  if (checksumOf(`${name}\n${value}`) !== row["checksum"])
    throw new Damage("meta", `the row "${name}" does not fit its checksum`);
  return value;
}

export function writeMeta(db: DatabaseSync, name: MetaName, value: string): void {
  db.prepare(
    "INSERT INTO meta VALUES (?, ?, unhex(?)) ON CONFLICT (name) " +
      "DO UPDATE SET value = excluded.value, checksum = excluded.checksum",
  ).run(name, value, checksumOf(`${name}\n${value}`));
}

export function readEpoch(db: DatabaseSync): number {
  const epoch = readMeta(db, "epoch");
  if (epoch === null) throw new Damage("meta", "the epoch is missing");
  return Number(epoch);
}

export function readSnapshotMeta(db: DatabaseSync): SnapshotMeta | null {
  const text = readMeta(db, "snapshot");
  // The checksum fits, so it is what was written.
  return text === null ? null : (JSON.parse(text) as SnapshotMeta);
}
