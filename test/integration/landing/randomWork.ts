import { createHash } from "node:crypto";
import type { Random } from "../../sim/random.ts";

/**
 * Random work for the landing property test, and a model of what it has to come to. A file is known
 * by a number that stays its own through renames; each task changes parts of files that no other task
 * changes, so every order of landing has one right result, and none may conflict:
 *
 *     text file      three lines, far from each other: each edited by at most one task
 *     its identity   renamed, given another mode, or removed by at most one task each
 *     binary file    replaced by at most one task
 *     new files      text, executable, binary, symbolic link
 *
 * One file of each folder is only edited: were a whole folder renamed, git would hold a file that
 * another task adds there for a conflict.
 */
export type Mode = "100644" | "100755" | "120000";
export type File = { readonly path: string; readonly mode: Mode; readonly content: Buffer };
/** Number of the file → the file. */
export type Tree = ReadonlyMap<number, File>;
/** What one task does; from any tree that has the files, the same change. */
export type Work = readonly ((tree: Map<number, File>) => void)[];

const folders = ["", "src/", "src/deep/er/", "with space/", 'quo"te/', "ümlaut\n/"];
const filesPerFolder = 5;
const linesPerFile = 60;
const editedLines = [5, 30, 55];

export function beginning(): Tree {
  const tree = new Map<number, File>();
  for (const [at, folder] of folders.entries())
    for (let index = 0; index < filesPerFolder; index += 1) {
      const id = at * filesPerFolder + index;
      const content = isBinary(id) ? bytesOf(`${id}`) : textOf(id);
      const mode = index === 3 ? "100755" : "100644";
      tree.set(id, { path: `${folder}-file ${index}`, mode, content });
    }
  return tree;
}

const isBinary = (id: number): boolean => id % filesPerFolder === 4;
const onlyEdited = (id: number): boolean => id % filesPerFolder === 0;

function textOf(id: number): Buffer {
  const lines = Array.from({ length: linesPerFile }, (_, line) => `line ${line} of file ${id}`);
  return Buffer.from(`${lines.join("\n")}\n`);
}

/** Not text, and not like any other. */
function bytesOf(name: string): Buffer {
  const blocks = [0, 1, 2].map((block) => createHash("sha256").update(`${name} ${block}`).digest());
  return Buffer.concat([Buffer.from([0, 255]), ...blocks]);
}

type Change = (tree: Map<number, File>) => void;

/** As many tasks, with all possible changes dealt out among them at random. */
export function randomWorks(random: Random, tasks: number): Work[] {
  const works: Change[][] = Array.from({ length: tasks }, (_, task) => [addFile(random, task)]);
  for (const id of beginning().keys())
    for (const change of changesOf(random, id)) random.pick(works).push(change);
  return works;
}

function changesOf(random: Random, id: number): Change[] {
  if (!onlyEdited(id) && random.chance(0.1)) return [(tree) => tree.delete(id)];
  const edits = isBinary(id)
    ? [change(id, () => ({ content: bytesOf(`new ${id}`) }))].filter(() => random.chance(0.4))
    : editedLines.filter(() => random.chance(0.4)).map((line) => editLine(id, line));
  if (onlyEdited(id)) return edits;
  const folder = random.pick(folders);
  const renames = [change(id, () => ({ path: `${folder}renamed ${id}` }))];
  const modes = [change(id, ({ mode }) => ({ mode: mode === "100644" ? "100755" : "100644" }))];
  // git takes a binary file that is renamed here and replaced there for two files.
  const renamed = random.chance(0.3) && !(isBinary(id) && edits.length > 0) ? renames : [];
  return [...edits, ...renamed, ...(random.chance(0.3) ? modes : [])];
}

function change(id: number, what: (file: File) => Partial<File>): Change {
  return (tree) => {
    const file = tree.get(id);
    if (file === undefined) throw new Error(`there is no file ${id}`);
    tree.set(id, { ...file, ...what(file) });
  };
}

function editLine(id: number, line: number): Change {
  return change(id, ({ content }) => {
    const lines = content.toString().split("\n");
    return { content: Buffer.from(lines.with(line, `line ${line} of ${id}, edited`).join("\n")) };
  });
}

function addFile(random: Random, task: number): Change {
  const folder = random.pick(folders);
  const path = `${folder}added by ${task}`;
  const kind = random.int(0, 2);
  const content = [textOf(1_000 + task), bytesOf(`added ${task}`), Buffer.from(`to ${task}`)][kind];
  const mode = (["100644", "100755", "120000"] as const)[kind];
  if (content === undefined || mode === undefined) throw new Error(`kind ${kind}`);
  return (tree) => tree.set(1_000 + task, { path, mode, content });
}

export function applied(tree: Tree, work: Work): Tree {
  const result = new Map(tree);
  for (const step of work) step(result);
  return result;
}

/** `<mode> <blob>` of each path, as `ls-tree -r` lists them. */
export function listing(tree: Tree): Record<string, string> {
  const rows = [...tree.values()].map(({ path, mode, content }) => {
    const blob = createHash("sha1").update(`blob ${content.length}\0`).update(content);
    return [path, `${mode} ${blob.digest("hex")}`] as const;
  });
  return Object.fromEntries(rows.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** A stream for `git fast-import`: one commit with exactly this tree. */
export function commitStream(ref: string, parent: string | null, tree: Tree): Buffer {
  const parts: Buffer[] = [
    Buffer.from(
      `commit ${ref}\ncommitter Test <t@example.com> 1700000000 +0000\ndata 4\nwork\n` +
        `${parent === null ? "" : `from ${parent}\n`}deleteall\n`,
    ),
  ];
  for (const { path, mode, content } of tree.values())
    parts.push(
      Buffer.from(`M ${mode} inline ${JSON.stringify(path)}\ndata ${content.length}\n`),
      content,
      Buffer.from("\n"),
    );
  return Buffer.concat(parts);
}
