import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { lineAt, parseModule } from "./imports.ts";

/**
 * Reads from the sources where a crash can come between two things that last:
 * `node scripts/failpoints.ts` prints the name of each failpoint (`system/failpoint.ts`) with its
 * place, and each durable call that is not inside of one, and exits 1 if there is such a call.
 *
 *     durable      a call that writes, syncs, renames, links or removes a file, commits in SQLite, or
 *                  passes git a command that writes (an array beginning with `"update-ref"`, …)
 *     inside       somewhere in the step: failpoint("name", () => here), failpointNow("name", () => here)
 *     carriers     functions that are durable calls themselves: what is in them needs no failpoint of
 *                  its own, since each call of them does
 *     exempt       what a crash may cut off without anything to recover, with the reason
 */
export type DurableCall = {
  readonly file: string;
  readonly line: number;
  /** `rename`, `git update-ref`, `COMMIT`. */
  readonly call: string;
};

export type Failpoints = {
  readonly names: readonly { readonly name: string; readonly file: string }[];
  /** Durable calls with no failpoint around them. */
  readonly bare: readonly DurableCall[];
  /** Failpoints whose name is not a string written out. */
  readonly unnamed: readonly { readonly file: string; readonly line: number }[];
};

type Source = { readonly file: string; readonly text: string };

const roots = ["daemon", "system", "worker"] as const;
const failpointCalls = new Set(["failpoint", "failpointNow"]);

const fileCalls = words(
  "sync datasync fsync fsyncSync fdatasync fdatasyncSync writeFile writeFileSync writeSync",
  "rename renameSync link linkSync symlink symlinkSync unlink unlinkSync rm rmSync rmdir rmdirSync",
  "truncate truncateSync ftruncate ftruncateSync appendFile appendFileSync copyFile copyFileSync",
);

const gitWrites = words(
  "add checkout checkout-index clean clone commit commit-tree fetch gc hash-object index-pack init",
  "merge-tree mktree pack-refs push read-tree repack reset unpack-objects update-index update-ref",
  "worktree write-tree",
);

/** The functions and methods of each file that are durable calls themselves. */
const carriers: Readonly<Record<string, readonly string[]>> = {
  "daemon/journal/mark.ts": ["noteMark", "syncMark"],
  "daemon/journal/open.ts": ["syncPath"],
  "daemon/journal/setAside.ts": ["syncFile"],
  "daemon/journal/store.ts": ["#commitNow"],
  "daemon/landing/branch.ts": ["transact"],
  "daemon/landing/followRehearsal.ts": ["readTreeRefreshed"],
  "daemon/landing/followIntent.ts": ["removeIndexLock"],
  "daemon/landing/privateIndex.ts": ["copyIndex", "readTree", "refresh", "placeIndex", "syncIndex"],
  "daemon/landing/target.ts": ["moveTarget"],
  "daemon/landing/mergeTree.ts": [
    "mergeByAttributes",
    "mergeKept",
    "mergeOnce",
    "commitKept",
    "commitOnce",
    "commitCall",
  ],
  "daemon/landing/keptMerges.ts": ["askMerge"],
  "daemon/landing/signedCommit.ts": ["commitSigned"],
  "daemon/landing/writerGit.ts": ["moveRefs", "hashCommit", "writeText"],
  "system/atomicFile.ts": ["replaceFile", "writeDurably"],
  "system/durableFile.ts": ["writeDurablyNow"],
  "worker/attempt/records.ts": ["writeReadable"],
  "worker/workspace/agentObjects.ts": ["removeOdd"],
  "worker/workspace/continue.ts": ["mergeOnto", "commitTree"],
  "system/removeAll.ts": ["removeAll"],
  "worker/workspace/live.ts": ["moveLive"],
  "worker/workspace/save.ts": ["commitTree"],
  "worker/workspace/updateRef.ts": ["updateRef"],
};

/** `<file> <call>`: what needs no failpoint, and why. */
const exempt: Readonly<Record<string, string>> = {
  "daemon/journal/openUnchanged.ts copyFileSync": "a private copy that only this look reads",
  "daemon/journal/openUnchanged.ts rmSync":
    "removes that copy; the system clears what a crash leaves",
  "daemon/locks/foreignClaims.ts unlink": "what somebody else put there; it is looked at again",
  "daemon/locks/foreignClaims.ts rename": "the same",
  "daemon/landing/writerGit.ts askMerge": "tried on a commit with itself",
  "daemon/landing/writerGit.ts git hash-object": "started there; asked inside of failpoints",
  "daemon/landing/keptMerges.ts git merge-tree": "the same",
  "daemon/landing/attributeFiles.ts rm": "made anew from the tree by whoever merges",
  "daemon/landing/attributeFiles.ts writeFile": "the same",
  "daemon/landing/treeAttributes.ts rm": "the same",
  "daemon/landing/treeAttributes.ts git merge-tree": "the name of what fails without them",
  "daemon/landing/originals.ts appendFile": "a crash in that moment loses it, as is said there",
  "daemon/landing/writerGit.ts git update-ref": "the same",
  "daemon/landing/epochBlob.ts git hash-object": "whoever reads it next does the same",
  "daemon/landing/foresee.ts git merge-tree":
    "what it writes lies in a folder that nobody relies on",
  "daemon/landing/foresee.ts rm": "the same",
  "daemon/readiness.ts writeSync": "a pipe to whoever starts it",
  "daemon/landing/repack.ts git repack": "started there; waited for inside of a failpoint",
  "system/atomicFile.ts rm": "takes back the temporary file of a write that failed",
  "system/durableFile.ts rmSync": "the same",
  "system/failpoint.ts appendFileSync": "written in tests only",
  "system/removeAll.ts rm": "what git cannot keep, on the way to a save that has its own",
};

const carriedCalls = new Set(Object.values(carriers).flat());

export function failpointsOf(sources: readonly Source[]): Failpoints {
  const found = sources.map(readSource);
  return {
    names: found.flatMap(({ names }) => names),
    bare: found.flatMap(({ bare }) => bare),
    unnamed: found.flatMap(({ unnamed }) => unnamed),
  };
}

/** Of the project itself, read from its sources. */
export async function projectFailpoints(): Promise<Failpoints> {
  const root = join(import.meta.dirname, "..");
  const entries = await Promise.all(
    roots.map((one) => readdir(join(root, one), { recursive: true, withFileTypes: true })),
  );
  const files = entries
    .flat()
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .toSorted();
  return failpointsOf(
    files.map((file) => ({ file, text: readFileSync(join(root, file), "utf8") })),
  );
}

type Node = { readonly type: string; readonly start: number; readonly [key: string]: unknown };

function readSource({ file, text }: Source): Failpoints {
  const names: { name: string; file: string }[] = [];
  const bare: DurableCall[] = [];
  const unnamed: { file: string; line: number }[] = [];
  /** `covered`: in the step of a failpoint, or in a function that is a durable call itself. */
  const walk = (node: Node, covered: boolean): void => {
    const name = failpointName(node);
    if (name === null) unnamed.push({ file, line: lineAt(text, node.start) });
    else if (name !== undefined) names.push({ name, file });
    const call = durableCall(node);
    if (call !== null && !covered && exempt[`${file} ${call}`] === undefined)
      bare.push({ file, line: lineAt(text, node.start), call });
    const within = covered || name !== undefined || isCarrier(file, node);
    for (const child of childrenOf(node)) walk(child, within);
  };
  walk(parseModule(file, text).program as unknown as Node, false);
  return { names, bare, unnamed };
}

/** `undefined`: no failpoint; `null`: one whose name cannot be read. */
function failpointName(node: Node): string | null | undefined {
  if (node.type !== "CallExpression" || !failpointCalls.has(calledName(node))) return undefined;
  const [name] = node["arguments"] as readonly Node[];
  return name?.type === "Literal" && typeof name["value"] === "string" ? name["value"] : null;
}

function durableCall(node: Node): string | null {
  if (node.type === "ArrayExpression") return gitCommand(node);
  if (node.type !== "CallExpression") return null;
  const called = calledName(node);
  if (fileCalls.has(called) || carriedCalls.has(called)) return isRehearsal(node) ? null : called;
  const [first] = node["arguments"] as readonly Node[];
  if (called !== "exec" || first?.type !== "Literal") return null;
  return /^(?:COMMIT|PRAGMA wal_checkpoint)/.exec(String(first["value"]))?.[0] ?? null;
}

/** Not a dry run (`-n`), which writes nothing. */
function gitCommand(node: Node): string | null {
  const [verb, ...rest] = (node["elements"] as readonly (Node | null)[]).map(textOf);
  if (verb === undefined || verb === null || !gitWrites.has(verb)) return null;
  return rest.includes("-n") ? null : `git ${verb}`;
}

function isRehearsal(node: Node): boolean {
  return (node["arguments"] as readonly Node[]).some(
    (one) =>
      one.type === "ArrayExpression" &&
      (one["elements"] as readonly (Node | null)[]).some((element) => textOf(element) === "-n"),
  );
}

function isCarrier(file: string, node: Node): boolean {
  const named = carriers[file];
  if (named === undefined) return false;
  if (node.type === "FunctionDeclaration") return named.includes(nameOf(node["id"]));
  return node.type === "MethodDefinition" && named.includes(nameOf(node["key"]));
}

/** The last name of what is called: `rename`, `sync` of `file.sync()`, `#commit` of `this.#commit()`. */
function calledName(node: Node): string {
  const callee = node["callee"] as Node;
  return nameOf(callee.type === "MemberExpression" ? callee["property"] : callee);
}

function nameOf(value: unknown): string {
  if (!isNode(value) || typeof value["name"] !== "string") return "";
  return value.type === "PrivateIdentifier" ? `#${value["name"]}` : value["name"];
}

function textOf(node: Node | null): string | null {
  return node?.type === "Literal" && typeof node["value"] === "string" ? node["value"] : null;
}

function childrenOf(node: Node): Node[] {
  return Object.values(node).flat().filter(isNode);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

function words(...lines: readonly string[]): ReadonlySet<string> {
  return new Set(lines.flatMap((line) => line.split(" ")));
}

async function main(): Promise<void> {
  const { names, bare, unnamed } = await projectFailpoints();
  for (const { name, file } of names) console.log(`${name}  ${file}`);
  for (const { file, line, call } of bare)
    console.log(`${file}:${line} no failpoint around ${call}`);
  for (const { file, line } of unnamed)
    console.log(`${file}:${line} a failpoint without a plain name`);
  console.log(`${names.length} failpoints, ${bare.length + unnamed.length} problems`);
  process.exitCode = bare.length + unnamed.length > 0 ? 1 : 0;
}

if (import.meta.main) await main();
