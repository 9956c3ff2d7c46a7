import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { git } from "../../../system/git.ts";
import { commitContent } from "../../../daemon/landing/commitContent.ts";
import { RefFiles } from "../../../daemon/landing/refFiles.ts";
import { askMerge } from "../../../daemon/landing/keptMerges.ts";
import { openWriterGit } from "../../../daemon/landing/writerGit.ts";
import type { GitVersion } from "../../../daemon/landing/writerGit.ts";
import { makeRepository } from "../../helpers/repository.ts";
import { processesNaming } from "../../helpers/processes.ts";
import { until } from "../../helpers/until.ts";
import { asOid, makeScene, request } from "./scene.ts";
import type { Scene } from "./scene.ts";

const names = ["refs/heads/main", "refs/heads/other", "refs/heads/none"];

async function commitOn({ repository }: Scene): Promise<string> {
  return await repository.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "another");
}

/** What git says about the same names. */
async function asGitReads(scene: Scene): Promise<Record<string, string | null>> {
  const listing = await scene.repository.git("for-each-ref", "--format=%(refname) %(objectname)");
  const rows = new Map(listing.split("\n").map((row) => row.split(" ") as [string, string]));
  return Object.fromEntries(names.map((name) => [name, rows.get(name) ?? null]));
}

function asFilesSay(files: RefFiles): Record<string, string | null> | null {
  const read = files.read(names);
  return read === null ? null : Object.fromEntries(read);
}

describe("what the writer keeps", () => {
  it("reads refs as git does, loose, packed, moved after packing and removed", async () => {
    await using scene = await makeScene();
    const files = new RefFiles(scene.gitDir);
    await scene.repository.git("branch", "other");
    const steps = [
      [],
      ["pack-refs", "--all"],
      ["update-ref", "refs/heads/other", await commitOn(scene)],
      ["pack-refs", "--all", "--prune"],
      ["update-ref", "-d", "refs/heads/other"],
    ];
    for (const step of steps) {
      if (step.length > 0) await scene.repository.git(...step);
      expect(asFilesSay(files), step.join(" ")).to.deep.equal(await asGitReads(scene));
    }
  });

  it("leaves what is not a plain ref to git, and lands all the same", async () => {
    await using scene = await makeScene();
    const files = new RefFiles(scene.gitDir);
    await scene.repository.git("branch", "other");
    await scene.repository.git("symbolic-ref", "refs/heads/main", "refs/heads/other");
    expect(asFilesSay(files)).to.equal(null);
    const landed = await scene.land("t1", { "a.txt": "changed\n" });
    expect(await scene.oid("orchd/main")).to.equal(landed);
  });

  it("does not take a ref of the same ending for one of its own", async () => {
    await using scene = await makeScene();
    const tip = await scene.oid("HEAD");
    await scene.repository.git("update-ref", "refs/heads/refs/heads/none", tip);
    await scene.repository.git("pack-refs", "--all");
    expect(asFilesSay(new RefFiles(scene.gitDir))).to.deep.equal(await asGitReads(scene));
  });

  it("writes the very bytes that commit-tree writes", async () => {
    await using repository = await makeRepository();
    const place = { gitDir: join(repository.dir, ".git") };
    const tree = asOid(await repository.git("rev-parse", "HEAD^{tree}"));
    const parent = asOid(await repository.git("rev-parse", "HEAD"));
    const other = asOid(await repository.commit("another"));
    const author = { name: "Ada Ä. Byron", email: "ada+x@example.com" };
    const committer = { name: "P", email: "p@q" };
    for (const message of ["one\n", "ü \u{1F600}\n\nbody\n\nKey: value\n", "\n", ""])
      for (const parents of [[], [parent], [parent, other]])
        for (const atMs of [0, 1_700_000_000_999]) {
          const date = `@${Math.floor(atMs / 1000)} +0000`;
          const { stdout } = await git(
            place,
            ["commit-tree", ...parents.flatMap((one) => ["-p", one]), "-F", "-", tree],
            {
              input: message,
              env: {
                GIT_AUTHOR_NAME: author.name,
                GIT_AUTHOR_EMAIL: author.email,
                GIT_COMMITTER_NAME: committer.name,
                GIT_COMMITTER_EMAIL: committer.email,
                GIT_AUTHOR_DATE: date,
                GIT_COMMITTER_DATE: date,
              },
            },
          );
          const content = commitContent({ tree, parents, message, author, committer, atMs });
          const written = await git(place, ["cat-file", "commit", stdout.trim()]);
          expect(content).to.equal(written.stdout);
        }
  });

  it("leaves names that git would change to git", async () => {
    await using scene = await makeScene();
    const work = await scene.save({ "a.txt": "changed\n" });
    const author = "'J. R. Jr.' <jr@example.com>";
    const merged = await scene.landing.merge(request("t1", work, { author }));
    if (merged.kind !== "candidate") throw new Error(merged.kind);
    const name = await scene.repository.git("show", "-s", "--format=%an", merged.candidate);
    expect(name).to.match(/^J\. R\. Jr\.?$/);
  });

  it("starts a git where the one it keeps cannot write", async () => {
    await using scene = await makeScene();
    await mkdir(join(scene.gitDir, "orchd", "commit.text"), { recursive: true });
    const work = await scene.save({ "a.txt": "changed\n" });
    const merged = await scene.landing.merge(request("t1", work));
    expect(merged.kind).to.equal("candidate");
  });

  it("lands on after the gits it keeps were ended", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "1\n" });
    await scene.landing.close();
    const second = await scene.land("t2", { "b.txt": "2\n" });
    expect(await scene.oid("orchd/main")).to.equal(second);
  });

  it("has a git ready for the next merge when a landing is over, and ends it when it closes", async () => {
    await using scene = await makeScene();
    const merging = () =>
      [...processesNaming(`--git-dir=${scene.gitDir}`).values()].filter((line) =>
        line.includes("merge-tree"),
      );
    await scene.land("t1", { "a.txt": "1\n" });
    await until(() => merging().length === 1, { what: "a git that waits for the next merge" });
    await scene.land("t2", { "b.txt": "2\n" });
    await scene.landing.close();
    expect(merging()).to.deep.equal([]);
  });

  it("merges by the input of a git, of any version that takes it, one after the other", async () => {
    await using scene = await makeScene();
    const { saved: one } = await scene.save({ "a.txt": "one\n" });
    const { saved: other } = await scene.save({ "a.txt": "other\n" });
    const { saved: third } = await scene.save({ "b.txt": "third\n" });
    const place = { gitDir: scene.gitDir };
    for (const version of [[2, 39], gitVersion(await scene.repository.git("version"))] as const) {
      const writer = openWriterGit(place, {}, version, one);
      const merges = await writer.merges.at(place);
      if (merges === null) throw new Error("this git takes no merges from its input");
      const clean = await askMerge(merges, one, third);
      expect(await scene.repository.git("show", `${clean.tree}:a.txt`)).to.equal("one");
      expect(await scene.repository.git("show", `${clean.tree}:b.txt`)).to.equal("third");
      const conflict = await askMerge(merges, one, other);
      expect([clean.clean, conflict.clean, conflict.paths]).to.deep.equal([true, false, ["a.txt"]]);
      await writer.close();
    }
  });
});

function gitVersion(line: string): GitVersion {
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(line)?.slice(1) ?? []).map(Number);
  return [major, minor];
}
