import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { makeSupervised } from "../helpers/supervised.ts";
import type { Supervised } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";

const writes = (name: string) => ({
  id: name,
  run: { shell: `echo ${name} > ${name}.txt` },
  title: name,
});

async function untilFollowed({ repository: { git } }: Supervised): Promise<void> {
  await until(
    async () => (await git("rev-parse", "main")) === (await git("rev-parse", "orchd/main")),
    {
      what: "the target to follow",
    },
  );
}

describe("a person who resets their branch under a supervisor", () => {
  it("is told what they can say, and gets back what landed when they ask for it", async function () {
    this.timeout(60_000);
    await using one = await makeSupervised();
    const { git, dir, write, commit } = one.repository;
    const begin = await git("rev-parse", "main");
    await one.wait(await one.submit(writes("first"), writes("second")));
    await untilFollowed(one);
    await git("reset", "--quiet", "--hard", begin);
    await write("mine.txt", "mine\n");
    await commit("Mine");
    // Nothing lands meanwhile that could meet it.
    const { stdout } = await one.orchd("status");
    expect(stdout).to.include("main was reset, amended or rebased");
    expect(stdout).to.include("2 landed on orchd/main; main does not follow yet");
    const held = await one.orchd("land");
    expect(held.code, held.stdout).to.equal(5);
    expect(held.stdout).to.match(/--accept-rewind or --reapply/);
    expect(existsSync(join(dir, "first.txt"))).to.equal(false);

    const again = await one.orchd("land", "--reapply");
    expect(again.code, again.stdout + again.stderr).to.equal(0);
    await untilFollowed(one);
    for (const name of ["first", "second", "mine"])
      expect(existsSync(join(dir, `${name}.txt`)), name).to.equal(true);
    await one.wait(await one.submit(writes("third")));
    await untilFollowed(one);
    expect(await git("status", "--porcelain")).to.equal("");
  });
});

describe("a person who removes orchd's branch while nobody supervises", () => {
  it("finds in the log what had landed there, and how to bring it back", async function () {
    this.timeout(60_000);
    await using one = await makeSupervised({ files: { "orchd.yaml": "follow: manual\n" } });
    const { git, dir } = one.repository;
    await one.wait(await one.submit(writes("first")));
    const landed = await git("rev-parse", "orchd/main");
    await one.orchd("stop");
    await git("branch", "--quiet", "-D", "orchd/main");
    await one.start();
    const log = join(dir, ".aibrain/logs/orchd.log");
    await until(() => readFileSync(log, "utf8").includes(`git merge ${landed}`), {
      what: "the log to name what had landed",
    });
    await git("merge", "--quiet", landed);
    await one.orchd("land");
    expect(existsSync(join(dir, "first.txt"))).to.equal(true);
    expect(await git("rev-parse", "orchd/main")).to.equal(landed);
  });
});
