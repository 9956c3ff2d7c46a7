import {
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { claimRoot } from "../../../system/rootOwner.ts";

describe("the owner of a folder of workspaces", () => {
  let top = "";
  let root = "";
  beforeEach(async () => {
    top = await realpath(await mkdtemp(join(tmpdir(), "owner-")));
    root = join(top, "a/root");
  });
  afterEach(() => rm(top, { recursive: true, force: true }));

  const repository = async (name: string): Promise<string> => {
    const gitDir = join(top, name);
    await mkdir(join(gitDir, "objects"), { recursive: true });
    return gitDir;
  };
  const several = (): Promise<string[]> =>
    Promise.all(Array.from({ length: 12 }, (_, at) => repository(`r${at}`)));
  const winners = async (gitDirs: readonly string[]): Promise<string[]> => {
    const claims = await Promise.all(gitDirs.map((gitDir) => claimRoot(root, gitDir)));
    return gitDirs.filter((_, at) => claims[at]?.kind === "ours");
  };

  it("is who came first, also after it came again; everybody else hears who that is", async () => {
    const [one, other] = [await repository("one"), await repository("other")];
    for (let times = 0; times < 2; times += 1)
      expect(await claimRoot(root, one)).to.deep.equal({ kind: "ours" });
    const file = join(root, "owner.1");
    expect(await claimRoot(root, other)).to.deep.equal({ kind: "taken", owner: one, file });
    expect(await readdir(root)).to.deep.equal(["owner.1"]);
  });

  it("is nobody else once the numbers are used up, which is said instead of trying for ever", async () => {
    const file = join(root, "owner.999999999");
    await mkdir(root, { recursive: true });
    await symlink(join(top, "gone"), file);
    const claim = await claimRoot(root, await repository("one"));
    expect(claim).to.deep.equal({ kind: "taken", owner: join(top, "gone"), file });
    expect(await readdir(root)).to.deep.equal(["owner.999999999"]);
  });

  it("is exactly one of many that come at once", async () => {
    const all = await several();
    const [first, ...others] = await winners(all);
    expect(others).to.deep.equal([]);
    expect(await winners(all)).to.deep.equal([first]);
  });

  it("is one of many that find at once that the repository of the last one is gone", async () => {
    await claimRoot(root, await repository("gone"));
    await rename(join(top, "gone"), join(top, "moved"));
    const all = await several();
    const [first, ...others] = await winners(all);
    expect(others).to.deep.equal([]);
    expect(await readlink(join(root, "owner.2"))).to.equal(first);
    expect(await readdir(root)).to.have.members(["owner.1", "owner.2"]);
    await rename(join(top, "moved"), join(top, "gone"));
    expect(await claimRoot(root, join(top, "gone"))).to.have.property("owner", first);
  });

  it("is not said by a file that only has the name", async () => {
    await mkdir(root, { recursive: true });
    await writeFile(join(root, "owner.3"), "/somewhere/.git");
    expect(await claimRoot(root, await repository("one"))).to.deep.equal({ kind: "ours" });
    expect(await readdir(root)).to.have.members(["owner.3", "owner.4"]);
  });
});
