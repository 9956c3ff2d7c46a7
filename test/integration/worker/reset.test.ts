import { existsSync } from "node:fs";
import { mkdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import type { WorkerId } from "../../../ipc/ids.ts";
import { onFailpoint } from "../../../system/failpoint.ts";
import { findPlace, linkWorkspace } from "../../../worker/workspace/place.ts";
import { makeRepository } from "../../helpers/repository.ts";
import type { TestRepository } from "../../helpers/repository.ts";
import { makeWorkspaceRig, testSettings } from "./workspaceRig.ts";

const files = { "a.txt": "a\n", "dir/c.txt": "c\n", ".gitignore": "node_modules/\n" };

describe("resetting a workspace", () => {
  it("gives the agent a clone on branch work, without remotes, with the person's identity", async () => {
    await using rig = await makeWorkspaceRig({ files }, (person) =>
      person.git("config", "user.email", "person@example.com"),
    );
    expect(await rig.agentGit("rev-parse", "HEAD")).to.equal(rig.base().commit);
    expect(await rig.agentGit("branch", "--show-current")).to.equal("work");
    expect(await rig.agentGit("remote")).to.equal("");
    expect(await rig.agentGit("status", "--porcelain")).to.equal("");
    expect(await rig.agentGit("config", "user.email")).to.equal("person@example.com");
  });

  it("brings back every file and removes what was added, but not what is ignored", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await rig.edit("a.txt", "changed\n");
    await rig.edit("new/file", "new\n");
    await rig.edit("node_modules/pkg", "installed\n");
    await rm(join(rig.place.workTree, "dir"), { recursive: true });
    await symlink("/tmp", join(rig.place.workTree, "dir"));
    await rig.agentGit("init", "-q", "nested");
    await rig.agentGit("checkout", "-qb", "elsewhere");
    expect(await rig.reset()).to.deep.equal({ fresh: false });
    expect(await readFile(join(rig.place.workTree, "a.txt"), "utf8")).to.equal("a\n");
    expect(await readFile(join(rig.place.workTree, "dir/c.txt"), "utf8")).to.equal("c\n");
    expect(await rig.agentGit("status", "--porcelain")).to.equal("");
    expect(await rig.agentGit("branch", "--format=%(refname:short)")).to.equal("work");
    expect(existsSync(join(rig.place.workTree, "nested"))).to.equal(false);
    expect(existsSync(join(rig.place.workTree, "node_modules/pkg"))).to.equal(true);
    await rig.reset("all");
    expect(existsSync(join(rig.place.workTree, "node_modules"))).to.equal(false);
  });

  it("follows the tip of the landing branch", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await rig.person.write("b.txt", "b\n");
    const tip = await rig.person.commit("More");
    await rig.reset();
    expect(await rig.agentGit("rev-parse", "HEAD")).to.equal(tip);
    expect(existsSync(join(rig.place.workTree, "b.txt"))).to.equal(true);
  });

  it("keeps a base that the person dropped, also from git gc --prune=now", async () => {
    await using rig = await makeWorkspaceRig({ files });
    const { person } = rig;
    await person.write("b.txt", "b\n");
    const dropped = await person.commit("To be dropped");
    await rig.reset();
    await rig.edit("b.txt", "changed\n");
    await person.git("reset", "-q", "--hard", "HEAD~1");
    await person.git("update-ref", "-d", "ORIG_HEAD");
    await person.git("reflog", "expire", "--expire=now", "--all");
    await person.git("gc", "-q", "--prune=now");
    expect(await rig.agentGit("status", "--porcelain")).to.equal(" M b.txt");
    expect(await rig.save()).to.deep.include({ base: dropped, touched: ["b.txt"] });
    await rig.reset();
    expect(await person.git("for-each-ref", "--format=%(objectname)", "refs/orchd/bases")).to.equal(
      await person.git("rev-parse", "main"),
    );
  });

  it("makes a damaged workspace anew", async () => {
    await using rig = await makeWorkspaceRig({ files });
    await writeFile(join(rig.place.ownGit, "index"), "not an index");
    expect(await rig.reset()).to.deep.equal({ fresh: true });
    await rm(rig.place.ownGit, { recursive: true });
    expect(await rig.reset()).to.deep.equal({ fresh: true });
    await rm(rig.place.workTree, { recursive: true });
    expect(await rig.reset()).to.deep.equal({ fresh: true });
    expect(await rig.agentGit("status", "--porcelain")).to.equal("");
  });

  it("refuses a root inside the repository, also through a link", async () => {
    await using person = await makeRepository({ files });
    await mkdir(join(person.dir, "inside"));
    const link = join(person.dir, "..", "link");
    await symlink(join(person.dir, "inside"), link);
    for (const root of [join(person.dir, "w"), join(link, "w")]) {
      const settings = await testSettings(person, { workspace: { root } });
      const problem = await findPlace("worker-1" as WorkerId, settings).catch(String);
      expect(problem).to.contain("lies inside the repository");
      expect(existsSync(root)).to.equal(false);
    }
  });
});

describe("the folder of workspaces", () => {
  it("is not used for those of a second repository", async () => {
    await using one = await makeRepository({ files });
    await using other = await makeRepository({ files });
    const root = join(one.dir, "../shared");
    const place = async (person: TestRepository) =>
      await findPlace(
        "worker-1" as WorkerId,
        await testSettings(person, { workspace: { root } }),
      ).catch(String);
    expect(await place(one)).to.have.property("folder", join(root, "worker-1"));
    expect(await place(other)).to.include(`is that of ${join(one.dir, ".git")}`);
    expect(await place(one)).to.have.property("folder");
  });
});

describe("the link to a workspace", () => {
  it("is made although the folder that it stands in is removed in that moment", async () => {
    await using rig = await makeWorkspaceRig({ files });
    const folder = join(rig.person.dir, ".aibrain/worker-1");
    let removals = 0;
    using _ = onFailpoint(async (point) => {
      if (point !== "place.link:before" || removals > 0) return;
      removals += 1;
      await rm(folder, { recursive: true });
    });
    await linkWorkspace(folder, rig.place);
    expect(removals).to.equal(1);
    expect(await readlink(join(folder, "workspace"))).to.equal(rig.place.workTree);
  });
});
