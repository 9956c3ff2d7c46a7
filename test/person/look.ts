import { execFile } from "node:child_process";
import { lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestRepository } from "../helpers/repository.ts";
import { blobOf } from "./texts.ts";

/** What a person has at one moment: their branches, the commit they are on, its files, the index, the files on disk. */
export type Look = {
  /** `refs/heads/main`, or a commit when HEAD is detached. */
  readonly head: string;
  /** Branches and the stash, without orchd's. */
  readonly refs: ReadonlyMap<string, string>;
  readonly main: string | null;
  /** Path → mode and blob. */
  readonly tree: ReadonlyMap<string, string>;
  readonly mainTree: ReadonlyMap<string, string>;
  /** Path → modes, blobs and stages. */
  readonly index: ReadonlyMap<string, string>;
  readonly files: ReadonlyMap<string, string>;
  /** `index.lock` of somebody else: inode and content. */
  readonly lock: string | null;
  /** It is orchd's: a follow is half done. */
  readonly halfDone: boolean;
};

const run = promisify(execFile);
/** By blob, and by commit; the same in all repositories. */
const texts = new Map<string, string>();
const trees = new Map<string, ReadonlyMap<string, string>>();

export async function lookAt(repository: Pick<TestRepository, "dir" | "env">): Promise<Look> {
  const gitDir = gitDirOf(repository.dir);
  const read = async (...args: string[]): Promise<string> =>
    (await run("git", args, { cwd: repository.dir, env: repository.env })).stdout;
  const head = readFileSync(join(gitDir, "HEAD"), "utf8").trim().replace("ref: ", "");
  const [refLines, indexLines] = await Promise.all([
    read("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/stash"),
    read("ls-files", "-s", "-z"),
  ]);
  const refs = new Map(
    rows(refLines, "\n", " ").filter(([name]) => !name.startsWith("refs/heads/orchd/")),
  );
  const headOid = refs.get(head) ?? (head.startsWith("refs/") ? null : head);
  const main = refs.get("refs/heads/main") ?? null;
  const treeOf = async (oid: string | null) => {
    if (oid === null) return new Map<string, string>();
    const known = trees.get(oid);
    if (known !== undefined) return known;
    const found = rows(await read("ls-tree", "-r", "-z", oid), "\0", "\t");
    const tree = new Map(found.map(([what, path]) => [path, what.replace(" blob", "")] as const));
    trees.set(oid, tree);
    return tree;
  };
  const tree = await treeOf(headOid);
  const token = inodeOf(join(gitDir, "orchd-follow.token"));
  const lock = inodeOf(join(gitDir, "index.lock"));
  const halfDone = lock !== null && lock === token;
  return {
    head,
    refs,
    main,
    tree,
    mainTree: main === headOid ? tree : await treeOf(main),
    index: indexed(indexLines),
    files: filesBelow(repository.dir),
    lock: lock === null || halfDone ? null : `${lock} ${textOf(join(gitDir, "index.lock"))}`,
    halfDone,
  };
}

/** Of a working tree, also of a linked one. */
export function gitDirOf(dir: string): string {
  const path = join(dir, ".git");
  return lstatSync(path).isDirectory()
    ? path
    : readFileSync(path, "utf8").trim().replace("gitdir: ", "");
}

/** The text of a blob that some look has met in a file, or that git has. */
export async function textOfBlob(repository: TestRepository, entry: string): Promise<string> {
  const oid = entry.split(" ")[1] ?? "";
  const known = texts.get(oid);
  if (known !== undefined) return known;
  const args = ["cat-file", "blob", oid];
  const { stdout } = await run("git", args, { cwd: repository.dir, env: repository.env });
  texts.set(oid, stdout);
  return stdout;
}

export function noteText(text: string): void {
  texts.set(blobOf(Buffer.from(text)), text);
}

function rows(text: string, end: string, between: string): (readonly [string, string])[] {
  return text
    .split(end)
    .filter(Boolean)
    .map((line) => {
      const at = line.indexOf(between);
      return [line.slice(0, at), line.slice(at + 1)] as const;
    });
}

function indexed(text: string): Map<string, string> {
  const index = new Map<string, string>();
  for (const [what, path] of rows(text, "\0", "\t")) {
    const before = index.get(path);
    const entry = what.replace(/ 0$/, "");
    index.set(path, before === undefined ? entry : `${before}, ${entry}`);
  }
  return index;
}

function filesBelow(dir: string): Map<string, string> {
  const files = new Map<string, string>();
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(dir, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (path === ".git" || path === ".aibrain") continue;
      if (entry.isDirectory()) walk(path);
      else files.set(path, fileEntry(join(dir, path)));
    }
  };
  walk("");
  return files;
}

function fileEntry(path: string): string {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) return `120000 ${blobOf(Buffer.from(readlinkSync(path)))}`;
  const bytes = readFileSync(path);
  const oid = blobOf(bytes);
  texts.set(oid, bytes.toString());
  return `${(found.mode & 0o100) === 0 ? "100644" : "100755"} ${oid}`;
}

function inodeOf(path: string): string | null {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found === undefined ? null : `${found.ino}`;
}

function textOf(path: string): string {
  return readFileSync(path, "utf8");
}
