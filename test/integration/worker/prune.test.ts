import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { pruneAttempts } from "../../../worker/attempt/prune.ts";

const hourMs = 3_600_000;
const now = 1_700_000_000_000;

describe("old attempts", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "attempts-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** `outcome: null`: it has not ended. */
  async function attempt(
    name: string,
    hoursAgo: number,
    outcome: object | string | null,
    fence = 1_000 - hoursAgo,
  ) {
    const dir = join(folder, name);
    await mkdir(dir);
    await writeFile(join(dir, "stdout.log"), "said");
    if (outcome === null) return;
    const file = join(dir, "outcome.json");
    await writeFile(
      file,
      typeof outcome === "string" ? outcome : JSON.stringify({ fence, outcome }),
    );
    const at = (now - hoursAgo * hourMs) / 1000;
    await utimes(file, at, at);
  }

  const done = { result: "done", saved: null };
  const none: ReadonlySet<string> = new Set();

  it("are kept up to a number, the newest ones", async () => {
    for (const age of [1, 2, 3, 4, 5]) await attempt(`t${age}.1`, age, done);
    const removed = await pruneAttempts(folder, { attempts: 2, open: none });
    expect(removed).to.equal(3);
    expect(await readdir(folder)).to.have.members(["t1.1", "t2.1"]);
  });

  it("are newer when they began later, though the clock was set back meanwhile", async () => {
    for (const [name, fence] of Object.entries({ first: 7, second: 9, third: 12 }))
      await attempt(`${name}.1`, fence, done, fence);
    await pruneAttempts(folder, { attempts: 1, open: none });
    expect(await readdir(folder)).to.deep.equal(["third.1"]);
  });

  it("stay while they run, are not acknowledged, could not be saved, or cannot be read", async () => {
    await attempt("runs.1", 50, null);
    await attempt("told.1", 50, done);
    await attempt("unsaved.1", 50, { result: "failed", failure: { kind: "save" }, saved: null });
    await attempt("torn.1", 50, '{"outcome":');
    await attempt("failed.1", 50, { result: "failed", failure: { kind: "exit" }, saved: null });
    const open = new Set(["told.1"]);
    await attempt("newest.1", 1, done);
    const removed = await pruneAttempts(folder, { attempts: 1, open });
    expect(removed).to.equal(1);
    expect(existsSync(join(folder, "failed.1"))).to.equal(false);
    expect(await readdir(folder)).to.have.members([
      "newest.1",
      "runs.1",
      "told.1",
      "unsaved.1",
      "torn.1",
    ]);
  });

  it("are none where there is no folder", async () => {
    const options = { attempts: 1, open: none };
    expect(await pruneAttempts(join(folder, "nowhere"), options)).to.equal(0);
  });
});
