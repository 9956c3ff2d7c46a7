import { expect } from "chai";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
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

function spell(repository: TestRepository, foldsCase: boolean, ...globs: readonly string[]) {
  return spellClaims(globs, { workTree: repository.dir, foldsCase });
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
