import { expect } from "chai";
import { tmpdir, userInfo } from "node:os";
import { workerId } from "../../../ipc/ids.ts";
import type { TaskId } from "../../../ipc/ids.ts";
import {
  attemptLayout,
  layoutOf,
  socketPathBytesMax,
  socketPathFor,
  workerLayout,
  workspaceLayout,
  workspaceRoot,
} from "../../../system/paths.ts";

const layout = layoutOf({ commonDir: "/home/ada/engine/.git", workTree: "/home/ada/engine" });

describe("the layout of a repository", () => {
  it("keeps the truth in the common directory and the rest in .aibrain", () => {
    expect(layout.journal).to.equal("/home/ada/engine/.git/orchd/journal.db");
    expect(layout.supervisorDatabase).to.equal("/home/ada/engine/.git/orchd/supervisor.db");
    expect(layout.locksDir).to.equal("/home/ada/engine/.aibrain/locks");
    expect(layout.rejectedDir).to.equal("/home/ada/engine/.aibrain/inbox/rejected");
    expect(layout.configFile).to.equal("/home/ada/engine/orchd.yaml");
  });

  it("gives each worker and each attempt its own folder", () => {
    const worker = workerLayout(layout, workerId("worker", 2));
    expect(worker.record).to.equal("/home/ada/engine/.aibrain/worker-2/worker.json");
    const attempt = attemptLayout(worker, { task: "fix.it" as TaskId, attempt: 3 });
    expect(attempt.outcome).to.equal(
      "/home/ada/engine/.aibrain/worker-2/attempts/fix.it.3/outcome.json",
    );
  });

  it("names a repository after its folder, and apart from every other of that name", () => {
    const other = layoutOf({ commonDir: "/srv/engine/.git", workTree: "/srv/engine" });
    expect(layout.repositoryId).to.match(/^engine-[0-9a-f]{12}$/);
    expect(other.repositoryId).to.match(/^engine-[0-9a-f]{12}$/);
    expect(other.repositoryId).to.not.equal(layout.repositoryId);
  });

  it("makes a folder name out of any name", () => {
    const idOf = (name: string): string =>
      layoutOf({ commonDir: `/x/${name}/.git`, workTree: `/x/${name}` }).repositoryId;
    expect(idOf("mein Projekt (2)")).to.match(/^mein-Projekt-2--[0-9a-f]{12}$/);
    expect(idOf(".hidden")).to.match(/^hidden-[0-9a-f]{12}$/);
    expect(idOf("日本")).to.match(/^repository-[0-9a-f]{12}$/);
    expect(idOf("x".repeat(200))).to.match(/^x{32}-[0-9a-f]{12}$/);
  });
});

describe("the root of the workspaces", () => {
  const id = layout.repositoryId;

  it("is what was configured", () => {
    expect(workspaceRoot(layout, "/fast/disk", { XDG_STATE_HOME: "/state" })).to.equal(
      "/fast/disk",
    );
  });

  it("follows the XDG base directories", () => {
    expect(workspaceRoot(layout, null, { XDG_STATE_HOME: "/state", HOME: "/home/ada" })).to.equal(
      `/state/orchd/${id}`,
    );
    for (const XDG_STATE_HOME of ["", "relative", undefined])
      expect(workspaceRoot(layout, null, { XDG_STATE_HOME, HOME: "/home/ada" })).to.equal(
        `/home/ada/.local/state/orchd/${id}`,
      );
  });

  it("holds the clone and the worker's own git directory side by side", () => {
    expect(workspaceLayout("/state/orchd/x", workerId("gate", 1))).to.deep.equal({
      dir: "/state/orchd/x/gate-1",
      workspace: "/state/orchd/x/gate-1/workspace",
      ownGit: "/state/orchd/x/gate-1/own.git",
    });
  });
});

describe("the path of the socket", () => {
  const workTreeOfSocketLength = (bytes: number, filler = "x"): string =>
    `/${filler.repeat((bytes - "/.aibrain/orchd.sock".length - 1) / Buffer.byteLength(filler))}`;
  const at = (workTree: string, env = {}): string =>
    socketPathFor(layoutOf({ commonDir: `${workTree}/.git`, workTree }), env);

  it("lies in .aibrain up to the last byte that fits", () => {
    const fits = workTreeOfSocketLength(socketPathBytesMax);
    expect(at(fits)).to.equal(`${fits}/.aibrain/orchd.sock`);
    expect(Buffer.byteLength(at(fits))).to.equal(socketPathBytesMax);
  });

  it("is short and the person's own where that is too long", () => {
    const long = workTreeOfSocketLength(socketPathBytesMax + 1);
    const { uid } = userInfo();
    expect(at(long, { XDG_RUNTIME_DIR: "/run/user/7" })).to.match(
      new RegExp(`^/run/user/7/orchd-${uid}/[0-9a-f]{12}\\.sock$`),
    );
    expect(at(long)).to.match(new RegExp(`^${tmpdir()}/orchd-${uid}/[0-9a-f]{12}\\.sock$`));
  });

  it("counts bytes, not letters", () => {
    expect(at(workTreeOfSocketLength(149, "é"), { XDG_RUNTIME_DIR: "/r" })).to.match(
      /^\/r\/orchd-/,
    );
  });
});
