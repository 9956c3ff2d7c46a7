import { basename, dirname, join } from "node:path";

/**
 * Thirty tasks as people give them, on the tracked sources of this project: sed, prettier and short
 * node scripts. Most edits do not commute, so a tree that several made together tells their order:
 *
 *     shared       12  declare claims that overlap: a folder, a glob, a list, one file, reads
 *     dependent     5  use `after`, and read or edit what those before them wrote
 *     undeclared    5  declare no claims; two append to one file, which git cannot merge
 *     apart         8  declare claims that nobody else touches; these can run at the same time
 *
 * What a task reads it also claims, or is written only by tasks that it comes after: only then can
 * its result be the same as in some serial order.
 */
export type RealTask = {
  readonly id: string;
  readonly run: readonly [string, ...string[]] | { readonly shell: string };
  readonly claims?: readonly string[] | { readonly writes: string[]; readonly reads: string[] };
  readonly after?: readonly string[];
  readonly priority?: number;
};

const prettier = join(import.meta.dirname, "../../node_modules/prettier/bin/prettier.cjs");

/** Puts a line on top of the first file that tells how all of them looked before. */
const stampScript = `
  const { createHash } = require("node:crypto");
  const { readFileSync, readdirSync, statSync, writeFileSync } = require("node:fs");
  const [target, ...sources] = process.argv.slice(1);
  const files = [target, ...sources].flatMap((path) =>
    statSync(path).isDirectory() ? readdirSync(path).sort().map((name) => path + "/" + name) : [path],
  );
  const hash = createHash("sha256");
  for (const file of files.filter((path) => statSync(path).isFile())) hash.update(readFileSync(file));
  const stamp = "// " + hash.digest("hex") + "\\n";
  writeFileSync(target, stamp + readFileSync(target, "utf8"));
`;

const keywordScript = `
  const { readFileSync, writeFileSync } = require("node:fs");
  const manifest = JSON.parse(readFileSync("package.json", "utf8"));
  const keywords = manifest.keywords ?? [];
  manifest.keywords = [...keywords, process.argv[1] + "-" + keywords.length];
  writeFileSync("package.json", JSON.stringify(manifest, null, 2) + "\\n");
`;

function stamp(target: string, ...sources: string[]): [string, ...string[]] {
  return [process.execPath, "-e", stampScript, target, ...sources];
}

function keyword(word: string): [string, ...string[]] {
  return [process.execPath, "-e", keywordScript, word];
}

function format(tabWidth: number, ...files: string[]): [string, ...string[]] {
  return [process.execPath, prettier, `--tab-width=${tabWidth}`, "--write", ...files];
}

function sed(script: string, file: string): [string, ...string[]] {
  return ["sed", "-i", "-e", script, file];
}

/** Three spaces for each two. */
function widen(file: string): [string, ...string[]] {
  return sed("s/  /   /g", file);
}

/** Runs it when `meeting` has a file of each of so many, or after 20 s: all of them run at the same time. */
function together(
  id: string,
  { folder, tasks }: Meeting,
  command: readonly string[],
): RealTask["run"] {
  const all = `[ "$(ls '${folder}' | wc -l)" -ge ${tasks} ]`;
  const words = command.map((word) => `'${word}'`).join(" ");
  return {
    shell: `: > '${folder}/${id}'; for i in $(seq 400); do ${all} && break; sleep 0.05; done; ${words}`,
  };
}

/** `folder`: outside of the repository, empty. */
export type Meeting = { readonly folder: string; readonly tasks: 4 };

/** @param tracked every tracked path of the repository; `meeting`: of those that run at the same time */
export function realTasks(tracked: readonly string[], meeting: Meeting): readonly RealTask[] {
  const cli = sourcesIn(tracked, "cli/render");
  return [
    ...shared(sourcesIn(tracked, "ipc"), sourcesIn(tracked, "system")),
    ...dependent(sourcesIn(tracked, "daemon/landing"), cli),
    ...undeclared(sourcesIn(tracked, "worker/workspace"), cli),
    ...apart(cli, meeting),
  ];
}

type Sources = readonly [string, string, string, string, string, string, string, string];

/** The first eight sources that stand directly in `folder`. */
function sourcesIn(tracked: readonly string[], folder: string): Sources {
  const [a, b, c, d, e, f, g, h] = tracked
    .filter((path) => dirname(path) === folder && path.endsWith(".ts"))
    .toSorted();
  if (a && b && c && d && e && f && g && h) return [a, b, c, d, e, f, g, h];
  throw new Error(`${folder} has too few sources for these tasks; name another folder`);
}

function shared([one, two, three]: Sources, [four, five, six]: Sources): RealTask[] {
  const fourOrFive = `system/{${basename(four)},${basename(five)}}`;
  return [
    { id: "shared-1", claims: ["ipc/"], run: format(3, one, two, three) },
    { id: "shared-2", claims: [one], run: sed("1i // two", one) },
    { id: "shared-3", claims: ["ipc/*.ts"], run: stamp(one, "ipc") },
    { id: "shared-4", claims: { writes: [two], reads: [one] }, run: stamp(two, one) },
    { id: "shared-5", claims: ["system/**"], run: { shell: "sed -i -e '$a // five' system/*.ts" } },
    { id: "shared-6", claims: [four], run: stamp(four) },
    { id: "shared-7", claims: [fourOrFive], run: stamp(five, four) },
    { id: "shared-8", claims: { writes: [six], reads: ["system/"] }, run: stamp(six, "system") },
    { id: "shared-9", claims: ["package.json"], run: keyword("nine") },
    { id: "shared-10", claims: ["*.json"], run: keyword("ten") },
    { id: "shared-11", claims: ["package.json"], run: keyword("eleven") },
    { id: "shared-12", claims: ["package*"], run: widen("package.json") },
  ];
}

function dependent([a, b, c]: Sources, [one, two]: Sources): RealTask[] {
  return [
    { id: "dependent-1", after: ["apart-1"], claims: [one], run: stamp(one) },
    { id: "dependent-2", after: ["dependent-1"], claims: [one], run: widen(one) },
    {
      id: "dependent-3",
      after: ["dependent-2", "apart-2"],
      claims: [a],
      run: stamp(a, one, two),
    },
    { id: "dependent-4", after: ["undeclared-1"], claims: [b], run: sed("s/^export //", b) },
    { id: "dependent-5", after: ["dependent-3", "dependent-4"], claims: [c], run: stamp(c, a, b) },
  ];
}

function undeclared([a, b, c]: Sources, sources: Sources): RealTask[] {
  return [
    { id: "undeclared-1", run: { shell: `echo '// one' >> ${a}` } },
    { id: "undeclared-2", run: { shell: `echo '// two' >> ${a}` } },
    { id: "undeclared-3", run: format(3, b) },
    { id: "undeclared-4", run: sed("s/;$/ ;/", c) },
    { id: "undeclared-5", run: sed("1i // on top", sources[7]) },
  ];
}

/** The first four come first and wait for each other, so that four workers are busy at the same time. */
function apart([a, b, c, d, e, f, g, h]: Sources, meeting: Meeting): RealTask[] {
  const first = [a, b, c, d].map((file, at): RealTask => {
    const id = `apart-${at + 1}`;
    return { id, priority: 9, claims: [file], run: together(id, meeting, widen(file)) };
  });
  return [
    ...first,
    { id: "apart-5", claims: [e], run: stamp(e) },
    { id: "apart-6", claims: [f], run: sed("/^import /d", f) },
    { id: "apart-7", claims: [g], run: sed("s/const /let /", g) },
    // undeclared-5 edits the same file, so far away that git can merge the two.
    { id: "apart-8", claims: [h], run: sed("$a // at the end", h) },
  ];
}
