import { expect } from "chai";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Failpoint } from "../../../system/failpoint.ts";
import { openJournal } from "../../../daemon/journal/journal.ts";
import { projectFailpoints } from "../../../scripts/failpoints.ts";

const writerFile = fileURLToPath(new URL("writer.ts", import.meta.url));
/** All that a journal passes whose earlier files are sound and whole. */
const points = (await projectFailpoints()).names.flatMap(({ name }) =>
  name.startsWith("journal.") && name !== "journal.clear"
    ? [`${name}:before`, `${name}:after`]
    : [],
);

describe("a journal whose process is killed", function () {
  this.timeout(60_000);
  let folder = "";
  let path = "";

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "crash-"));
    path = join(folder, "orchd", "journal.db");
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs the writer to its end, or kills it at an acknowledgement; returns the last acknowledged seq. */
  async function write(
    epoch: number,
    { failpoint, killAt }: { failpoint?: Failpoint; killAt?: number },
  ): Promise<{ acknowledged: number; signal: string | null }> {
    const more = failpoint === undefined ? [] : [JSON.stringify(failpoint)];
    const child = spawn(process.execPath, [writerFile, path, String(epoch), ...more], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    let acknowledged = 0;
    for await (const line of createInterface(child.stdout)) {
      expect(line).to.match(/^\d+$/);
      acknowledged = Number(line);
      if (killAt !== undefined && acknowledged >= killAt) child.kill("SIGKILL");
    }
    await ended;
    return { acknowledged, signal: child.signalCode };
  }

  /** The last seq, after proving that every event is there and says what was written. */
  async function lastSeq(epoch: number): Promise<number> {
    const opened = await openJournal(path, { epoch });
    if (!opened.ok) throw new Error(JSON.stringify(opened.problem));
    await using journal = opened.value;
    const { snapshot, events } = await journal.recover();
    const last = events.at(-1)?.seq ?? snapshot?.seq ?? 0;
    const all = await journal.readEvents(1, 1_000);
    if (!all.ok) throw new Error(JSON.stringify(all.problem));
    expect(all.value.map((row) => row.body)).to.deep.equal(
      Array.from({ length: last }, (_, index) => JSON.stringify({ seq: index + 1 })),
    );
    return last;
  }

  it("has every acknowledged event, killed again and again", async () => {
    let acknowledged = 0;
    for (let epoch = 1; epoch <= 12; epoch += 2) {
      const written = await write(epoch, { killAt: acknowledged + 3 + 7 * (epoch % 5) });
      acknowledged = Math.max(acknowledged, written.acknowledged);
      const found = await lastSeq(epoch + 1);
      expect(found).to.be.at.least(acknowledged);
      acknowledged = found;
    }
    expect(acknowledged).to.be.greaterThan(50);
  });

  for (const at of points)
    it(`has every acknowledged event, killed at ${at}`, async () => {
      const written = await write(1, { failpoint: { at, action: "kill" } });
      expect(written.signal, "the failpoint was reached").to.equal("SIGKILL");
      const found = await lastSeq(2);
      expect(found).to.be.within(written.acknowledged, written.acknowledged + 3);
    });
});
