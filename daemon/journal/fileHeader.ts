import { closeSync, openSync, readSync } from "node:fs";

import { JournalFault, Damage } from "./problems.ts";
import { applicationId, formatVersion, oldestFormat, pageBytes } from "./schema.ts";

/**
 * The first 100 bytes of a SQLite file (https://www.sqlite.org/fileformat2.html#the_database_header)
 * decide how all others are read: a wrong bit there makes SQLite read another format, or write where
 * it must not. Most of them never change in a journal, so they are compared before SQLite sees the file.
 */
const headerBytes = 100;
const constants: readonly (readonly [offset: number, bytes: readonly number[], what: string])[] = [
  [0, [...Buffer.from("SQLite format 3\0")], "it is not a SQLite file"],
  [16, [pageBytes >> 8, pageBytes & 0xff], "the page size changed"],
  [18, [2, 2], "it is not in write-ahead mode"],
  [20, [0, 64, 32, 32], "the layout of pages changed"],
  [44, [0, 0, 0, 4], "the schema format changed"],
  [52, [0, 0, 0, 0], "the vacuum mode changed"],
  [56, [0, 0, 0, 1], "the text encoding changed"],
  [64, [0, 0, 0, 0], "the vacuum mode changed"],
];

export function refuseForeignFile(path: string): void {
  const header = Buffer.alloc(headerBytes);
  const descriptor = openSync(path, "r");
  try {
    if (readSync(descriptor, header, 0, headerBytes, 0) < headerBytes)
      throw new Damage("file", "journal.db is cut off");
  } finally {
    closeSync(descriptor);
  }
  if (header.readUInt32BE(68) !== applicationId)
    throw new Damage("file", "journal.db is not a journal of orchd");
  const found = header.readUInt32BE(60);
  if (found > formatVersion)
    throw new JournalFault({ kind: "format", found, known: formatVersion });
  const wrong = constants.find(
    ([offset, bytes]) => !bytes.every((byte, index) => header[offset + index] === byte),
  );
  if (wrong !== undefined) throw new Damage("file", `journal.db is damaged: ${wrong[2]}`);
  if (found < oldestFormat) throw new Damage("file", `format ${found} never existed`);
}
