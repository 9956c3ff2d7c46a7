import type { DatabaseSync } from "node:sqlite";

import { checksumOf, noChecksum } from "./chain.ts";
import type { Checksum } from "./chain.ts";
import { Damage } from "./problems.ts";
import type { SnapshotMeta } from "./schema.ts";

/** The rows of `meta`, each with a checksum over name and value. */
type MetaName = "epoch" | "snapshot" | "state" | `chunk ${number}`;

export function readMeta(db: DatabaseSync, name: MetaName): string | null {
  return readMetaRow(db, name)?.value ?? null;
}

export function readMetaRow(
  db: DatabaseSync,
  name: MetaName,
): { readonly value: string; readonly checksum: Checksum } | null {
  const row = db
    .prepare("SELECT value, lower(hex(checksum)) AS checksum FROM meta WHERE name = ?")
    .get(name);
  if (row === undefined) return null;
  const value = String(row["value"]);
  const checksum = checksumOf(`${name}\n${value}`);
  if (checksum !== row["checksum"])
    throw new Damage("meta", `the row "${name}" does not fit its checksum`);
  return { value, checksum };
}

/** Returns its checksum. */
export function writeMeta(db: DatabaseSync, name: MetaName, value: string): Checksum {
  const checksum = checksumOf(`${name}\n${value}`);
  db.prepare(
    "INSERT INTO meta VALUES (?, ?, unhex(?)) ON CONFLICT (name) " +
      "DO UPDATE SET value = excluded.value, checksum = excluded.checksum",
  ).run(name, value, checksum);
  return checksum;
}

export function removeMeta(db: DatabaseSync, name: MetaName): void {
  db.prepare("DELETE FROM meta WHERE name = ?").run(name);
}

export function readEpoch(db: DatabaseSync): number {
  const epoch = readMeta(db, "epoch");
  if (epoch === null) throw new Damage("meta", "the epoch is missing");
  return Number(epoch);
}

export const noChunks = { folded: 0, sealed: 0, chunks: noChecksum };

export function readSnapshotMeta(db: DatabaseSync): SnapshotMeta | null {
  const text = readMeta(db, "snapshot");
  // The checksum fits, so it is what was written. Format 1 knew no chunks.
  return text === null ? null : { ...noChunks, ...(JSON.parse(text) as SnapshotMeta) };
}
