import { expect } from "chai";
import { mkdir, mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findRepository } from "../../../system/repository.ts";
import type { Repository } from "../../../system/repository.ts";
import { makeRepository } from "../../helpers/repository.ts";

async function found(dir: string): Promise<Repository> {
  const result = await findRepository(dir);
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}

describe("finding the repository", () => {
  let outside: string;
  before(async () => {
    outside = await realpath(await mkdtemp(join(tmpdir(), "found-")));
  });
  after(async () => {
    await rm(outside, { recursive: true });
  });

  it("works from any folder inside it, and through a symbolic link", async () => {
    await using repository = await makeRepository();
    await mkdir(join(repository.dir, "a", "b"), { recursive: true });
    await symlink(repository.dir, join(outside, "link"));
    const expected: Repository = {
      commonDir: join(repository.dir, ".git"),
      workTree: repository.dir,
      bare: false,
      shallow: false,
      partial: false,
      ignoresCase: false,
      head: {
        ref: "refs/heads/main",
        commit: (await repository.git("rev-parse", "HEAD")) as Repository["head"]["commit"],
      },
    };
    for (const dir of [
      repository.dir,
      join(repository.dir, "a", "b"),
      join(outside, "link", "a"),
      join(repository.dir, ".git", "refs"),
    ])
      expect(await found(dir), dir).to.deep.equal(expected);
  });

  it("leads from a linked working tree to the main one and its HEAD", async () => {
    await using repository = await makeRepository();
    await repository.git("worktree", "add", "-q", "-b", "side", join(outside, "linked"));
    const { commonDir, workTree, head } = await found(join(outside, "linked"));
    expect({ commonDir, workTree }).to.deep.equal({
      commonDir: join(repository.dir, ".git"),
      workTree: repository.dir,
    });
    expect(head.ref).to.equal("refs/heads/main");
  });

  it("tells a repository without a commit, and a detached HEAD", async () => {
    await using repository = await makeRepository();
    await repository.git("init", "-q", "-b", "trunk", join(outside, "empty"));
    expect((await found(join(outside, "empty"))).head).to.deep.equal({
      ref: "refs/heads/trunk",
      commit: null,
    });
    await repository.git("checkout", "-q", "--detach");
    const { head } = await found(repository.dir);
    expect(head.ref).to.equal(null);
    expect(head.commit).to.match(/^[0-9a-f]{40}$/);
  });

  it("tells bare, shallow and partial ones", async () => {
    await using repository = await makeRepository();
    const url = `file://${repository.dir}`;
    await repository.commit("Second");
    await repository.git("config", "uploadpack.allowFilter", "true");
    await repository.git("clone", "-q", "--bare", url, join(outside, "bare.git"));
    await repository.git("clone", "-q", "--depth", "1", url, join(outside, "shallow"));
    await repository.git("clone", "-q", "--filter=blob:none", url, join(outside, "partial"));
    const kinds = await Promise.all(
      ["bare.git", "shallow", "partial"].map(async (name) => {
        const { bare, shallow, partial, workTree } = await found(join(outside, name));
        return { bare, shallow, partial, workTree };
      }),
    );
    const plain = { bare: false, shallow: false, partial: false };
    expect(kinds).to.deep.equal([
      { ...plain, bare: true, workTree: null },
      { ...plain, shallow: true, workTree: join(outside, "shallow") },
      { ...plain, partial: true, workTree: join(outside, "partial") },
    ]);
  });

  it("tells whether git ignores letter case, and does not take that for a partial clone", async () => {
    await using repository = await makeRepository();
    for (const [value, ignoresCase] of [
      ["true", true],
      ["false", false],
    ] as const) {
      await repository.git("config", "core.ignorecase", value);
      expect(await found(repository.dir)).to.include({ ignoresCase, partial: false });
    }
  });

  it("finds the working tree of a separate git directory and of a submodule", async () => {
    await using repository = await makeRepository();
    const apart = join(outside, "apart");
    await repository.git("init", "-q", `--separate-git-dir=${join(outside, "apart.git")}`, apart);
    expect(await found(apart)).to.include({
      commonDir: join(outside, "apart.git"),
      workTree: apart,
    });
    await repository.git(
      "-c",
      "protocol.file.allow=always",
      "submodule",
      "add",
      "-q",
      repository.dir,
      "sub",
    );
    expect(await found(join(repository.dir, "sub"))).to.include({
      commonDir: join(repository.dir, ".git", "modules", "sub"),
      workTree: join(repository.dir, "sub"),
    });
  });

  it("is not led away by the environment", async () => {
    await using repository = await makeRepository();
    process.env["GIT_DIR"] = join(outside, "elsewhere");
    try {
      expect((await found(repository.dir)).workTree).to.equal(repository.dir);
    } finally {
      delete process.env["GIT_DIR"];
    }
  });

  it("says so where there is none, and uses git's words where it is broken", async () => {
    const none = await findRepository("/");
    expect(none.ok ? "found" : none.failure).to.include({
      code: "not_a_repository",
      message: "/ is not inside a git repository",
    });
    expect(await findRepository(join(outside, "no", "such"))).to.have.property("ok", false);
    await using repository = await makeRepository();
    await repository.git("config", "core.repositoryFormatVersion", "99");
    const broken = await findRepository(repository.dir);
    expect(broken.ok ? "found" : broken.failure.code).to.equal("unsuitable_repository");
  });
});
