import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import type { TaskId } from "../../../ipc/ids.ts";
import { makeScene, request } from "./scene.ts";
import type { Scene } from "./scene.ts";

const locks = ["refs/orchd/epoch.lock", "refs/orchd/candidates/t1.lock"];

/** Puts a git first in the path; the first that moves refs takes their locks and is killed. */
async function withDyingGit(scene: Scene): Promise<AsyncDisposable> {
  const before = process.env["PATH"] ?? "";
  const git = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  const bin = join(scene.repository.dir, "../bin");
  await mkdir(bin);
  const taken = locks.map((name) => `: >'${join(scene.gitDir, name)}'`).join("; ");
  const script = `#!/bin/sh
case " $* " in
*" update-ref "*" --stdin "*)
  if mkdir '${bin}/struck' 2>/dev/null; then
    mkdir -p '${scene.gitDir}/refs/orchd/candidates'; ${taken}; kill -9 $$
  fi ;;
esac
exec '${git}' "$@"
`;
  await writeFile(join(bin, "git"), script);
  await chmod(join(bin, "git"), 0o755);
  process.env["PATH"] = `${bin}:${before}`;
  return {
    [Symbol.asyncDispose]: () => {
      process.env["PATH"] = before;
      return Promise.resolve();
    },
  };
}

describe("a git of the writer that is killed with locks in its hand", () => {
  it("costs one try: the next one finds no lock, and lands", async () => {
    await using scene = await makeScene();
    const work = await scene.save({ "a.txt": "new\n" });
    await using _path = await withDyingGit(scene);
    const landing = scene.restart({ epoch: 2 });
    await landing.prepare();
    expect(await landing.merge(request("t1", work))).to.have.property("kind", "problem");
    expect(locks.filter((name) => existsSync(join(scene.gitDir, name)))).to.deep.equal([]);
    const merged = await landing.merge(request("t1", work));
    if (merged.kind !== "candidate") throw new Error(JSON.stringify(merged));
    const moved = await landing.move({ task: "t1" as TaskId, ...merged });
    expect(moved).to.deep.equal({ kind: "moved" });
  });
});
