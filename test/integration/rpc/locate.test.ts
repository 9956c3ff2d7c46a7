import { expect } from "chai";
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findRepository, findSupervisor, readSupervisorRecord } from "../../../ipc/locate.ts";
import { makeRepository } from "../../helpers/repository.ts";
import { makeFolder } from "./rig.ts";

describe("finding the repository", () => {
  it("agrees with git in a working tree, below it, in its git directory and through a link", async () => {
    await using repository = await makeRepository({ files: { "a/b/c.txt": "c" } });
    await using folder = await makeFolder();
    symlinkSync(repository.dir, join(folder.path, "link"));
    const commonDir = realpathSync(await repository.git("rev-parse", "--absolute-git-dir"));
    const places = ["", "a/b", ".git", ".git/refs/heads"].map((at) => join(repository.dir, at));
    for (const place of [...places, join(folder.path, "link", "a")]) {
      expect(findRepository(place)).to.deep.equal({
        commonDir,
        stateDir: join(commonDir, "orchd"),
      });
    }
  });

  it("gives every linked worktree the one common directory", async () => {
    await using repository = await makeRepository();
    const linked = join(repository.dir, "..", "linked");
    await repository.git("worktree", "add", "--quiet", linked);
    const main = findRepository(repository.dir);
    mkdirSync(join(linked, "below"));
    expect(findRepository(join(linked, "below"))).to.deep.equal(main);
    expect(main).not.to.equal(null);
  });

  it("keeps a submodule apart from the repository around it", async () => {
    await using inner = await makeRepository();
    await using outer = await makeRepository();
    await outer.git(
      "-c",
      "protocol.file.allow=always",
      "submodule",
      "--quiet",
      "add",
      inner.dir,
      "sub",
    );
    const commonDir = realpathSync(join(outer.dir, ".git", "modules", "sub"));
    expect(findRepository(join(outer.dir, "sub"))?.commonDir).to.equal(commonDir);
  });

  it("finds a bare repository", async () => {
    await using repository = await makeRepository();
    const bare = join(repository.dir, "..", "bare.git");
    await repository.git("clone", "--quiet", "--bare", repository.dir, bare);
    expect(findRepository(bare)?.commonDir).to.equal(realpathSync(bare));
  });

  it("finds none where there is none, and none behind a broken .git file in another repository", async () => {
    await using folder = await makeFolder();
    expect(findRepository(folder.path)).to.equal(null);
    await using repository = await makeRepository({ files: { "sub/x": "", "other/x": "" } });
    writeFileSync(join(repository.dir, "sub", ".git"), "gitdir: /nowhere/at/all\n");
    expect(findRepository(join(repository.dir, "sub"))).to.equal(null);
    mkdirSync(join(repository.dir, "other", ".git"));
    expect(findRepository(join(repository.dir, "other"))).to.deep.equal(
      findRepository(repository.dir),
    );
  });
});

describe("the supervisor's record", () => {
  it("that cannot be read is not taken for one that is not there", async () => {
    await using folder = await makeFolder();
    const repository = { commonDir: "/r", stateDir: folder.path };
    const codeNow = () => {
      const found = findSupervisor(repository);
      return found.ok ? "found" : found.failure;
    };
    expect(codeNow()).to.include({ code: "no_supervisor", message: "No supervisor runs for /r." });
    // EISDIR stands for every error that is not absence; root may read all files.
    mkdirSync(join(folder.path, "supervisor.json"));
    expect(codeNow()).to.include({ code: "refused" });
    expect(JSON.stringify(codeNow())).to.contain("supervisor.json cannot be read (EISDIR");
  });

  it("is read when it is whole and is null otherwise", async () => {
    await using folder = await makeFolder();
    const record = { pid: 1, epoch: 2, socket: "/s", version: "1", started_at: 3 };
    expect(readSupervisorRecord(folder.path)).to.equal(null);
    for (const [text, expected] of [
      [JSON.stringify(record), record],
      [JSON.stringify(record).slice(0, 20), null],
      [JSON.stringify({ ...record, socket: null }), null],
      ["[]", null],
    ] as const) {
      writeFileSync(join(folder.path, "supervisor.json"), text);
      expect(readSupervisorRecord(folder.path)).to.deep.equal(expected);
    }
  });
});
