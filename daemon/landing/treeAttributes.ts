import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { GitError, git } from "../../system/git.ts";
import type { GitPlace } from "../../system/git.ts";
import { KeptGit } from "../../system/keptGit.ts";
import { isOid } from "../../ipc/ids.ts";
import type { Oid } from "../../ipc/ids.ts";
import { writeAttributes } from "./attributeFiles.ts";
import type { AttributeFiles, LeftOutAttributes } from "./attributeFiles.ts";

/**
 * Work merges by the tracked `.gitattributes` of what it is merged onto, as with `git merge` where that is
 * checked out. git reads them from files, so they are written to a folder, which a merging git is told is
 * its work tree (it has no other business there):
 *
 *     the tree that is merged onto ─► which .gitattributes differ from those of the tree before?
 *         none        the same place: nearly always, and known from a git that is kept
 *         some        orchd/attributes/<epoch>/<what they are>, a new place: git reads them once only
 *
 * What is too large to be taken has all files below it conflict (attributeFiles.ts).
 * A tree without any needs no folder. `info/attributes` counts before all of them, as ever.
 */
export class TreeAttributes {
  readonly #bare: GitPlace;
  readonly #root: string;
  readonly #epoch: number;
  readonly #differences: KeptGit;
  /** By folder, those used last at the end. */
  readonly #written = new Map<string, Attributes>();
  #last: Attributes;
  #tree: Oid | null = null;
  /** Has the same ones: most likely the tree of the next merge, which then asks nothing. */
  #alike: Oid | null = null;
  #tell: ((leftOut: LeftOutAttributes) => void) | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(bare: GitPlace, epoch: number) {
    this.#bare = bare;
    this.#root = join(bare.gitDir, "orchd", "attributes");
    this.#epoch = epoch;
    this.#differences = new KeptGit(bare, ["diff-tree", "--stdin", ...flags, ...those]);
    this.#last = { files: new Map(), leftOut: [], place: bare };
  }

  /** From now on `tell` hears which files do not count, or not all of whose lines do; of now, too. */
  tellLeftOut(tell: (leftOut: LeftOutAttributes) => void): void {
    this.#tell = tell;
    if (this.leftOut.length > 0) tell(this.leftOut);
  }

  /** Of the tree that was looked at last. */
  get leftOut(): LeftOutAttributes {
    return this.#last.leftOut;
  }

  /** Of the tree that was looked at last. */
  get place(): GitPlace {
    return this.#last.place;
  }

  /** Where a git merges onto `tree`; the same object while the attributes are the same. Throws a `GitError`. */
  placeOf(tree: Oid): Promise<GitPlace> {
    const place = this.#turn.then(() => this.#placeOf(tree));
    this.#turn = place.catch(() => undefined);
    return place;
  }

  /** Those of two trees; `null`: they are the same, which is known from a git that is kept. Throws a `GitError`. */
  between(from: Oid, to: Oid): Promise<AttributeFilesMet | null> {
    const met = this.#turn.then(() => this.#between(from, to));
    this.#turn = met.catch(() => undefined);
    return met;
  }

  /** What supervisors before have left goes. */
  async clear(): Promise<void> {
    await this.#turn;
    this.#written.clear();
    this.#last = { files: new Map(), leftOut: [], place: this.#bare };
    this.#tree = null;
    this.#alike = null;
    await rm(this.#root, { recursive: true, force: true });
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#differences.close();
  }

  async #placeOf(tree: Oid): Promise<GitPlace> {
    if (tree === this.#alike) this.#tree = tree;
    if (tree !== this.#tree || !isThere(this.#last)) {
      const files = await this.#filesOf(tree);
      this.#last = await this.#attributes(files);
      this.#tree = tree;
      this.#alike = null;
    }
    return this.#last.place;
  }

  async #between(from: Oid, to: Oid): Promise<AttributeFilesMet | null> {
    const raw = await this.#difference(from, to);
    if (raw === "" && from === this.#tree) this.#alike = to;
    if (raw === "") return null;
    const before = await this.#filesOf(from);
    return { before, after: raw === null ? await this.#filesOf(to) : changed(before, raw) };
  }

  /** From what is known of the tree before; where that cannot be asked (it is gone, git died), from nothing. */
  async #filesOf(tree: Oid): Promise<AttributeFiles> {
    if (this.#tree === tree) return this.#last.files;
    const empty = tree.length === emptyTree.length ? emptyTree : emptyTree256;
    const raw = await this.#difference(this.#tree ?? empty, tree);
    if (raw !== null) return changed(this.#last.files, raw);
    const options = { bytes: true };
    const whole = await git(this.#bare, ["diff-tree", ...flags, empty, tree, ...those], options);
    return changed(new Map(), whole.stdout);
  }

  /** As git writes it; `null`: it could not read one of the trees, or died. */
  async #difference(from: string, to: Oid): Promise<string | null> {
    const question = `${from} ${to}`;
    try {
      const answer = await this.#differences.ask(`${question}\n${end}\n`, (text) =>
        text.endsWith(`${end}\n`) ? text.length : null,
      );
      const said = answer.startsWith(`${question}\n`);
      return said ? answer.slice(question.length + 1, -end.length - 1) : null;
    } catch (error) {
      if (error instanceof GitError) return null;
      throw error;
    }
  }

  async #attributes(files: AttributeFiles): Promise<Attributes> {
    if (files.size === 0) return { files, leftOut: [], place: this.#bare };
    const folder = join(this.#root, `${this.#epoch}`, nameOf(files));
    const before = this.#written.get(folder);
    const now = before !== undefined && isThere(before) ? before : await this.#write(folder, files);
    this.#written.delete(folder);
    this.#written.set(folder, now);
    const [oldest] = this.#written.keys();
    if (this.#written.size > foldersMax && oldest !== undefined) await this.#remove(oldest);
    return now;
  }

  async #write(folder: string, files: AttributeFiles): Promise<Attributes> {
    try {
      const leftOut = await writeAttributes(this.#bare, folder, files);
      if (leftOut.length > 0) this.#tell?.(leftOut);
      return { files, leftOut, place: { ...this.#bare, workTree: folder } };
    } catch (error) {
      await this.#remove(folder);
      throw error instanceof GitError ? error : notWritten(error);
    }
  }

  async #remove(folder: string): Promise<void> {
    this.#written.delete(folder);
    await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}

export type AttributeFilesMet = { readonly before: AttributeFiles; readonly after: AttributeFiles };

type Attributes = {
  readonly files: AttributeFiles;
  readonly leftOut: LeftOutAttributes;
  readonly place: GitPlace;
};

/** More of them than a chain of tasks is likely to go back and forth between. */
const foldersMax = 8;

const flags = ["-r", "-z", "--no-renames", "--no-ext-diff"] as const;
const those = ["--", ":(glob)**/.gitattributes"] as const;
/** git repeats a line that names no object, and writes out what it has. */
const end = "that is all";

/** git knows them without having them. */
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const emptyTree256 = "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321";

/** A person may have removed what is in `.git/orchd`. */
function isThere({ place }: Attributes): boolean {
  return place.workTree === undefined || existsSync(place.workTree);
}

/** `:<mode> <mode> <object> <object> <letter> NUL <path> NUL`, again and again. git reads regular files only. */
function changed(before: AttributeFiles, raw: string): AttributeFiles {
  const files = new Map(before);
  const fields = raw.split("\0");
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [, mode = "", , oid = ""] = (fields[at] ?? "").split(" ");
    const path = fields[at + 1] ?? "";
    if (mode.startsWith("100") && isOid(oid)) files.set(path, oid);
    else files.delete(path);
  }
  return files;
}

function nameOf(files: AttributeFiles): string {
  const lines = [...files].map(([path, oid]) => `${oid} ${path}\0`).toSorted();
  return createHash("sha256").update(lines.join(""), "latin1").digest("hex").slice(0, 32);
}

function notWritten(error: unknown): GitError {
  const problem = `its attributes cannot be written (${error instanceof Error ? error.message : String(error)})`;
  const result = { code: null, signal: null, stdout: "", stderr: "", problem };
  return new GitError(["merge-tree"], result);
}
