import { expect } from "chai";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { quickSpeller } from "../../../system/quickSpelling.ts";
import { spellClaims } from "../../../system/claimSpelling.ts";
import { makeRepository } from "../../helpers/repository.ts";
import type { TestRepository } from "../../helpers/repository.ts";

async function makeLinked(): Promise<TestRepository> {
  const repository = await makeRepository({
    files: { "real/x": "1", "real/deep/y": "2", "other/z": "3", "src/Auth/Login.ts": "4" },
  });
  const link = (target: string, name: string) => symlink(target, join(repository.dir, name));
  await link("real", "link");
  await link("../real/deep", "other/up");
  await link("link/deep", "twice");
  await link(join(repository.dir, "real"), "absolute");
  await link("real/x", "file");
  await link(".", "here");
  await link("/", "outside");
  await link("../..", "other/above");
  await link("round", "round");
  await link("nowhere", "dangling");
  await mkdir(join(repository.dir, "we{i}rd"));
  await link("we{i}rd", "weird");
  await repository.commit("Links");
  return repository;
}

/** Both ways, which must agree. */
async function spell(repository: TestRepository, foldsCase: boolean, ...globs: readonly string[]) {
  const workTree = repository.dir;
  const spelled = await spellClaims(globs, { workTree, foldsCase });
  const quick = quickSpeller(workTree);
  const again = await spellClaims([...globs, ...globs], { workTree, foldsCase, quick });
  expect(again, "quickly").to.deep.equal(spelled);
  return spelled;
}

describe("the spelling of claims", () => {
  it("gives a folder everything below it, and leaves the rest as it is", async () => {
    await using repository = await makeLinked();
    expect(await spell(repository, false, "real", "real/x", "new", "src/**/*.ts")).to.deep.equal([
      "real/**",
      "real/x",
      "new",
      "src/**/*.ts",
    ]);
  });

  it("is quick where no link is on the way, also below what is no folder", async () => {
    await using repository = await makeLinked();
    const quick = quickSpeller(repository.dir);
    for (const [written, expected] of [
      ["real", "real/**"],
      ["real/x", "real/x"],
      ["real/x/below/it", "real/x/below/it"],
      ["src/Auth/*", "src/Auth/*"],
      ["not/there/at/all", "not/there/at/all"],
      ["link*", "link*"],
      ["link", null],
      ["link/x", null],
      ["link/deep/**", null],
      ["other/up/y/z", null],
    ] as const)
      expect(quick(written), written).to.equal(expected);
    const odd = ["real/x/y", "src/Auth/Login.ts/a", "real/**/x"];
    expect(await spell(repository, false, ...odd)).to.deep.equal(odd);
  });

  it("names what is claimed through a link by its real name as well", async () => {
    await using repository = await makeLinked();
    for (const [written, ...expected] of [
      ["link/x", "link/x", "real/x"],
      ["link/new", "link/new", "real/new"],
      ["link", "link/**", "real/**"],
      ["link/**", "link/**", "real/**"],
      ["link/*/y", "link/*/y", "real/*/y"],
      ["link/deep", "link/deep/**", "real/deep/**"],
      ["other/up/y", "other/up/y", "real/deep/y"],
      ["twice/y", "twice/y", "real/deep/y"],
      ["absolute/x", "absolute/x", "real/x"],
      ["file", "file", "real/x"],
      ["here/link/x", "here/link/x", "real/x"],
      ["here", "here/**", "**"],
      ["dangling/x", "dangling/x", "nowhere/x"],
      ["weird/x", "weird/x", "we?i?rd/x"],
    ] as const)
      expect(await spell(repository, false, written), written).to.deep.equal(expected);
  });

  it("follows no link out of the repository, into `.git`, or round and round", async () => {
    await using repository = await makeLinked();
    await symlink(".git", join(repository.dir, "inner"));
    for (const glob of ["outside/etc/passwd", "other/above/x", "round/x", "inner/config"])
      expect(await spell(repository, false, glob), glob).to.deep.equal([glob]);
  });

  it("is in small letters where git ignores letter case", async () => {
    await using repository = await makeLinked();
    expect(await spell(repository, true, "src/Auth", "SRC/{A,B}*.TS", "link/X")).to.deep.equal([
      "src/auth/**",
      "src/{a,b}*.ts",
      "link/x",
      "real/x",
    ]);
  });
});
