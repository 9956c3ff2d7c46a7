import { existsSync } from "node:fs";
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { expect } from "chai";
import {
  bytesOnDisk,
  leftFolders,
  makeExaminer,
  unsavedWorkers,
  workersWithFolder,
} from "../../../daemon/pool/leftFolders.ts";
import { removeLeft } from "../../../daemon/pool/removeLeft.ts";
import { attemptLogName } from "../../../system/attemptLines.ts";
import { onFailpoint } from "../../../system/failpoint.ts";
import type { FolderSite } from "../../../daemon/pool/leftFolders.ts";

/** Makes files with their folders; a path that ends in `/` is an empty folder. */
async function put(parent: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const full = join(parent, path);
    await mkdir(path.endsWith("/") ? full : dirname(full), { recursive: true });
    if (!path.endsWith("/")) await writeFile(full, text);
  }
}

/** Root ignores modes. `folders`: given to that user. */
async function asOrdinaryUser(
  folders: readonly string[],
  step: () => Promise<void>,
): Promise<void> {
  if (process.geteuid?.() !== 0) return await step();
  const nobody = 65534;
  for (const folder of folders) await chown(folder, nobody, nobody);
  process.seteuid?.(nobody);
  try {
    await step();
  } finally {
    process.seteuid?.(0);
  }
}

describe("what is left in folders", () => {
  let top = "";
  let site: FolderSite;
  const present = new Set(["worker-1"]);
  /** What the next looks at who writes find; then it is us. */
  let looks: boolean[] = [];
  beforeEach(async () => {
    top = await realpath(await mkdtemp(join(tmpdir(), "left-")));
    const [root, brain, gitDir] = [join(top, "root"), join(top, "brain"), join(top, "git")];
    await put(gitDir, { "objects/": "", "orchd/": "" });
    site = {
      root,
      brain,
      gitDir,
      stateDir: join(gitDir, "orchd"),
      isThere: (worker) => present.has(worker),
      isOurs: () => Promise.resolve(looks.shift() ?? true),
    };
    looks = [];
  });
  afterEach(() => rm(top, { recursive: true, force: true }));

  const listed = async (): Promise<string[]> =>
    (await leftFolders(site)).map(({ kind, path }) => `${kind} ${path.slice(top.length + 1)}`);
  const alternates = (gitDir = site.gitDir) => `${join(gitDir, "objects")}\n`;

  it("is told apart: of workers that are there only what was put aside", async () => {
    await put(site.root, {
      "worker-1/workspace/a": "",
      "worker-1/held.json": "{}",
      "worker-1/set-aside/t1.1/1/HEAD": "",
      "worker-1/set-aside/t2.1/1/HEAD": "",
      "worker-1/set-aside/t2.1/kept-back/.env": "",
      "worker-1/set-aside/t3.1/commits.json": "",
      "worker-1/set-aside/t4.1.workspace/": "",
      "worker-2/workspace/a": "",
      "worker-2/own.git/objects/info/alternates": alternates(),
      "worker-3/workspace/a": "",
      "worker-3/held.json": "{}",
      "worker-3/own.git/objects/info/alternates": alternates(),
      ".removed-worker-9-workspace/a": "",
      // The root may be a folder of the person's.
      ".removed-mine/a": "",
      ".mine.0123456789.tmp": "",
    });
    await put(site.brain, {
      "worker-2/attempts/t1.1/outcome.json": "{}",
      "worker-2/.worker.json.0123456789.tmp": "",
      ".board": "",
    });
    await put(site.stateDir, { "damaged-2026/journal.db": "", "journal.db": "" });
    expect(await listed()).to.have.members([
      "histories root/worker-1/set-aside/t1.1",
      "unsaved root/worker-1/set-aside/t2.1",
      "unsaved root/worker-1/set-aside/t3.1",
      "unsaved root/worker-1/set-aside/t4.1.workspace",
      "workspace root/worker-2/workspace",
      "workspace root/worker-2/own.git",
      "unsaved root/worker-3/workspace",
      "unsaved root/worker-3/held.json",
      "unsaved root/worker-3/own.git",
      "temporary root/.removed-worker-9-workspace",
      "attempt brain/worker-2/attempts/t1.1",
      "temporary brain/worker-2/.worker.json.0123456789.tmp",
      "journal git/orchd/damaged-2026",
    ]);
    // Whose workspace it is stands there, so it is the last to go.
    expect((await listed()).indexOf("workspace root/worker-2/own.git")).to.be.greaterThan(
      (await listed()).indexOf("workspace root/worker-2/workspace"),
    );
    expect(await unsavedWorkers(site.root)).to.have.members(["worker-1", "worker-3"]);
    expect(await workersWithFolder(site.root)).to.have.members([
      "worker-1",
      "worker-2",
      "worker-3",
    ]);
  });

  it("is nothing below a link, and no workspace of another repository", async () => {
    await put(top, {
      "mine/attempts/t1.1/a": "",
      "mine/set-aside/t.1/a": "",
      "mine/workspace/a": "",
    });
    await put(join(top, "mine"), { "own.git/objects/info/alternates": alternates() });
    await mkdir(site.root);
    await mkdir(site.brain);
    for (const parent of [site.root, site.brain])
      await symlink(join(top, "mine"), join(parent, "worker-5"));
    await mkdir(join(site.root, "worker-6"));
    await symlink(join(top, "mine/set-aside"), join(site.root, "worker-6/set-aside"));
    await put(site.root, {
      "worker-7/workspace/a": "",
      "worker-7/set-aside/t1.1/kept-back/.env": "",
      "worker-7/own.git/objects/info/alternates": alternates(join(top, "other")),
      "worker-8/workspace/a": "",
    });
    expect(await listed()).to.deep.equal([]);
  });

  it("is none where there is nothing", async () => {
    expect(await listed()).to.deep.equal([]);
    expect(await unsavedWorkers(site.root)).to.deep.equal([]);
  });

  it("goes when it is removed, unless its worker is there again", async () => {
    await put(site.root, {
      "worker-2/workspace/a": "text",
      "worker-2/own.git/objects/info/alternates": alternates(),
    });
    const [workspace] = await leftFolders(site);
    if (workspace === undefined) throw new Error("nothing is left");
    expect(await bytesOnDisk(workspace.path)).to.be.greaterThan(0);
    present.add("worker-2");
    expect(await removeLeft(site, workspace)).to.equal("stays");
    expect(existsSync(workspace.path)).to.equal(true);
    present.delete("worker-2");
    expect(await removeLeft(site, workspace)).to.equal("removed");
    expect(await readdir(site.root)).to.deep.equal(["worker-2"]);
    expect(await readdir(join(site.root, "worker-2"))).to.deep.equal(["own.git"]);
  });

  it("is no failure when somebody else has removed it since it was found", async () => {
    await put(site.root, { "worker-2/set-aside/t-a.1/1/HEAD": "text" });
    const path = join(site.root, "worker-2/set-aside/t-a.1");
    await rm(path, { recursive: true });
    expect(await removeLeft(site, { kind: "histories", path })).to.equal("stays");
  });

  it("goes also where nobody may write to it, as an agent may leave it: it is moved all the same", async () => {
    await put(site.root, { "worker-2/workspace/a": "text" });
    const path = join(site.root, "worker-2/workspace");
    await chmod(path, 0o555);
    // Those of all tests are private; there are two where mocha runs several files at once.
    for (let above = dirname(top); basename(above).startsWith("orchd-"); above = dirname(above))
      await chmod(above, 0o711);
    await asOrdinaryUser([top, site.root, join(site.root, "worker-2"), path], async () => {
      expect(await removeLeft(site, { kind: "workspace", path })).to.equal("removed");
    });
    expect(await readdir(join(site.root, "worker-2"))).to.deep.equal([]);
  });

  it("goes although its worker is there when it is a file that was not written to its end", async () => {
    await put(site.brain, { "worker-1/.worker.json.0123456789.tmp": "" });
    const [file] = await leftFolders(site);
    if (file === undefined) throw new Error("nothing is left");
    await removeLeft(site, file);
    expect(await readdir(join(site.brain, "worker-1"))).to.deep.equal([]);
  });

  const everyKind = {
    "root/worker-2/workspace/a": "text",
    "root/worker-2/own.git/objects/info/alternates": "",
    "root/worker-2/set-aside/t1.1/1/HEAD": "",
    "brain/worker-1/attempts/t1.1/stdout.log": "",
    "git/orchd/damaged-2026/journal.db": "",
    "brain/worker-1/.worker.json.0123456789.tmp": "",
  };
  const makeEveryKind = async (): Promise<void> => {
    await put(top, everyKind);
    await put(top, { "root/worker-2/own.git/objects/info/alternates": alternates() });
  };
  const files = async (): Promise<string[]> =>
    (await readdir(top, { recursive: true })).filter((path) => path in everyKind);

  it("stays as it is when another supervisor has taken over, also between a look and the move", async () => {
    await makeEveryKind();
    const left = await leftFolders(site);
    expect(left).to.have.length(6);
    for (const ours of [0, 1, 2])
      for (const one of left.filter(({ kind }) => ours === 0 || kind !== "temporary")) {
        looks = [...Array.from({ length: ours }, () => true), false];
        expect(await removeLeft(site, one)).to.equal("fenced");
        expect(await files(), one.path).to.have.members(Object.keys(everyKind));
      }
  });

  it("is moved aside before it is removed, and found again when that is cut off", async () => {
    await makeEveryKind();
    const left = await leftFolders(site);
    for (const one of left) {
      const cut = onFailpoint((point) => {
        if (point === "gc.folder:before") throw new Error("cut off");
      });
      expect(await removeLeft(site, one).catch(String)).to.include("cut off");
      cut[Symbol.dispose]();
    }
    expect(await files()).to.deep.equal(["brain/worker-1/.worker.json.0123456789.tmp"]);
    const aside = await leftFolders(site);
    expect(aside.map(({ kind }) => kind)).to.deep.equal(left.map(() => "temporary"));
    for (const one of aside) expect(await removeLeft(site, one)).to.equal("removed");
    expect(await listed()).to.deep.equal([]);
  });

  it("stays while its attempt is open or not acknowledged, and counts as unsaved where saving failed", async () => {
    const ended = (task: string) => ({ task, attempt: 1, fence: 7, outcome: {}, elapsed_ms: 1 });
    const done = JSON.stringify({ outcome: { result: "done", saved: null } });
    const failed = { result: "failed", failure: { kind: "save", message: "full" }, saved: null };
    await put(site.brain, {
      "worker-2/attempts/done.1/outcome.json": done,
      "worker-2/attempts/open.1/stdout.log": "",
      "worker-2/attempts/told.1/outcome.json": done,
      "worker-2/attempts/failed.1/outcome.json": JSON.stringify({ outcome: failed }),
      [`worker-2/${attemptLogName}`]: [
        { begun: { task: "done", attempt: 1, fence: 3 } },
        { ended: { ...ended("done"), fence: 3, outcome: { result: "done", saved: null } } },
        { acknowledged: { task: "done", attempt: 1, fence: 3 } },
        { begun: { task: "open", attempt: 1, fence: 4 } },
        { begun: { task: "told", attempt: 1, fence: 5 } },
      ]
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(""),
    });
    const examine = makeExaminer();
    const verdicts = await Promise.all(
      (await leftFolders(site)).map(async (one) => {
        const kind = (await examine(one))?.kind ?? "stays";
        return `${kind} ${one.path.slice(site.brain.length + 19)}`;
      }),
    );
    expect(verdicts).to.have.members([
      "attempt done.1",
      "stays open.1",
      "stays told.1",
      "unsaved failed.1",
    ]);
  });
});
