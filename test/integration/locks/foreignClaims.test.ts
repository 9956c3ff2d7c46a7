import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ForeignClaims } from "../../../daemon/locks/foreignClaims.ts";
import { manualClock } from "../../helpers/manualClock.ts";
import { ownIdentity } from "../../../system/processIdentity.ts";
import type { HoldId } from "../../../ipc/ids.ts";
import type { KnownClaim } from "../../../daemon/locks/foreignClaims.ts";

const staleAfterMs = 10_000;

/** A folder of foreign claims on a clock that is moved by hand. */
async function makeRig(
  files: Readonly<Record<string, string>>,
  known: readonly KnownClaim[] = [],
  prepare: (folder: string) => void = () => {},
) {
  const folder = join(mkdtempSync(join(tmpdir(), "orchd-test-")), "foreign");
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  prepare(folder);
  const clock = manualClock();
  const said: string[] = [];
  const claimed: string[] = [];
  const claims = new ForeignClaims({
    folder,
    staleAfterMs: () => staleAfterMs,
    clock,
    spell: async (globs) => [...globs],
    onClaim: ({ hold, owner, writes }) => {
      said.push(`${hold} claims ${owner?.pid ?? "for itself"}`);
      claimed.push(`${hold} ${writes.join(" ")}`);
    },
    onGone: (hold, stale) => said.push(`${hold} ${stale ? "is stale" : "is gone"}`),
    onProblem: (file, message) => said.push(`${file.slice(folder.length + 1)} ${message}`),
  });
  await claims.open(known);
  return {
    folder,
    clock,
    said,
    claimed,
    /** In steps, each with its look at the folder. */
    pass: async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 500) {
        clock.advance(500);
        await claims.look();
      }
    },
    async [Symbol.asyncDispose]() {
      await claims.close();
      rmSync(join(folder, ".."), { recursive: true, force: true });
    },
  };
}

describe("the folder of foreign claims", () => {
  it("sets aside what nobody touches, and nothing because the supervisor itself stood still", async () => {
    await using rig = await makeRig({ mine: "src/**\n" });
    await rig.pass(staleAfterMs / 2);
    for (let night = 0; night < 3; night += 1) {
      rig.clock.standStill(12 * 60 * 60 * 1_000);
      await rig.pass(staleAfterMs - 1_000);
    }
    expect(rig.said).to.deep.equal(["foreign:mine claims for itself"]);
    await rig.pass(2_000);
    expect(rig.said.slice(1)).to.deep.equal(["foreign:mine is stale"]);
    expect(readdirSync(join(rig.folder, "stale"))).to.deep.equal(["mine"]);
  });

  it("says once that a stale file cannot be moved, and looks at it again when it was touched", async () => {
    const files = { dead: `# pid ${2 ** 22 + 1}\nsrc/**\n`, silent: "docs/**\n" };
    // A file stands where the folder should be made.
    await using rig = await makeRig(files, [], (folder) =>
      writeFileSync(join(folder, "stale"), ""),
    );
    await rig.pass(5 * staleAfterMs);
    const [problems, told] = [
      rig.said.filter((line) => line.includes("cannot be moved")),
      rig.said.filter((line) => !line.includes("cannot be moved")),
    ];
    expect(problems.map((line) => line.split(" ")[0])).to.have.members(["dead", "silent"]);
    expect(told.toSorted()).to.deep.equal([
      "foreign:dead is stale",
      "foreign:silent claims for itself",
      "foreign:silent is stale",
    ]);
    const later = new Date(Date.now() + 5_000);
    utimesSync(join(rig.folder, "silent"), later, later);
    await rig.pass(500);
    expect(rig.said.at(-1)).to.equal("foreign:silent claims for itself");
  });

  it("keeps everything for a file that says more than can be compared, rather than some of it", async () => {
    const lines = (count: number, line: string): string =>
      Array.from({ length: count }, (_, at) => `${line}${at}\n`).join("");
    await using rig = await makeRig({
      many: `# pid ${process.pid}\n${lines(257, "src/file-")}`,
      intricate: lines(100, `*${"a".repeat(30)}*`),
      huge: lines(1_000, "x".repeat(100)),
      most: lines(256, "src/"),
      twice: "src/**\n".repeat(300),
    });
    expect(rig.claimed.map((one) => one.slice(0, 30)).toSorted()).to.deep.equal([
      "foreign:huge **",
      "foreign:intricate **",
      "foreign:many **",
      "foreign:most src/0 src/1 src/2",
      "foreign:twice src/**",
    ]);
    expect(rig.said).to.include(`foreign:many claims ${process.pid}`);
    expect(rig.said.find((line) => line.startsWith("huge"))).to.include("counts as `**`");
  });

  it("remembers beyond a restart which process a number meant", async () => {
    const text = `# pid ${process.pid}\nsrc/**\n`;
    const mine = { hold: "foreign:mine" as HoldId, owner: ownIdentity() };
    await using same = await makeRig({ mine: text }, [mine]);
    expect(same.said).to.deep.equal([`foreign:mine claims ${process.pid}`]);
    // The process is gone, and its number was given to another one while no supervisor watched.
    const theirs = { ...mine, owner: { ...ownIdentity(), startTime: 1 } };
    await using reused = await makeRig({ mine: text }, [theirs]);
    expect(reused.said[0]).to.equal("foreign:mine is stale");
    expect(readdirSync(join(reused.folder, "stale"))).to.deep.equal(["mine"]);
  });
});
