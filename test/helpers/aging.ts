import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { AgesRow } from "../../daemon/core/ages.ts";
import type { Supervised } from "./supervised.ts";

/** Makes all that has been seen to be over older by so many days: by the record, between two supervisors. */
export async function age(supervised: Supervised, days: number): Promise<void> {
  expect((await supervised.orchd("stop")).code).to.equal(0);
  const file = join(supervised.repository.dir, ".git/orchd/ages.json");
  const row = JSON.parse(readFileSync(file, "utf8")) as AgesRow;
  writeFileSync(file, JSON.stringify({ ...row, passed_ms: row.passed_ms + days * dayMs }));
  await supervised.start();
}

const dayMs = 24 * 60 * 60 * 1000;
