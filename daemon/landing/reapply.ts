import { git, gitLine } from "../../system/git.ts";
import { isOid, isTaskId } from "../../ipc/ids.ts";
import type { Oid } from "../../ipc/ids.ts";
import { held } from "./branch.ts";
import type { Commit, Held, Writer } from "./branch.ts";
import { mergeTreeOnBase } from "./mergeTree.ts";
import { writeLanded } from "./signedCommit.ts";

/**
 * What tasks landed and a rewound branch no longer has, made again on top of it:
 *
 *     orchd/main   B ── t1 ── P ── t2 ── t3          P: the person's own, which they have amended to P'
 *     main         B ── t1 ── P'                     t2, t3: missing
 *     afterwards   B ── t1 ── P' ── t2' ── t3'       P stays what they made of it
 *
 * Each landed commit is applied as its own change, one after the other, so nothing of the person's
 * history comes along: neither what they reset nor what they replaced. One whose task they have on
 * their branch in another form (rebased, amended) is theirs now and is left as it is, and one that is a
 * copy of what they still have (they picked it anew, and reset that) is one of theirs. All or none:
 * the first conflict stops it before anything moved. The same input gives the same object names, where
 * nothing is signed.
 */
export type Reapplied =
  { readonly kind: "reapplied"; readonly tip: Oid; readonly commits: number } | Held;

type Landed = {
  readonly commit: Oid;
  readonly parent: Oid;
  readonly task: string;
  /** Seconds; picking and rebasing keep it. */
  readonly authoredAt: string;
  readonly author: { readonly name: string; readonly email: string };
  readonly atMs: number;
  readonly message: string;
};

/** `from`: orchd's branch as it was; `onto`: the person's. Throws a `GitError`. */
export async function reapply(writer: Writer, from: Oid, onto: Commit): Promise<Reapplied> {
  const theirs = new Set(await tasksIn(writer, [onto.oid, `^${from}`]));
  const lacking = (await landedIn(writer, from, onto.oid)).filter(({ task }) => !theirs.has(task));
  const there = lacking.length === 0 ? new Set() : await originalsIn(writer, onto.oid);
  const missing = lacking.filter((landed) => !there.has(originalOf(landed)));
  let tip = onto;
  let commits = 0;
  for (const landed of missing) {
    const merged = await mergeTreeOnBase(writer, {
      base: landed.parent,
      ours: tip.oid,
      theirs: landed.commit,
    });
    if (merged.kind === "conflict") return conflicting(writer, landed, merged.paths);
    if (merged.tree === tip.tree) continue;
    const { message, author, atMs } = landed;
    const parents = [tip.oid];
    const oid = await writeLanded(writer, { tree: merged.tree, parents, message, author, atMs });
    tip = { oid, tree: merged.tree };
    commits += 1;
  }
  return { kind: "reapplied", tip: tip.oid, commits };
}

function conflicting(writer: Writer, { task }: Landed, paths: readonly string[]): Held {
  return held(
    "reapply_conflict",
    `what ${task} landed conflicts with ${writer.target} as it is now; accept the rewind and bring back by hand what you want of it`,
    paths,
  );
}

const trailer = "%(trailers:key=Orchd-Task,valueonly,separator=%x2c)";

/** Named on any line: where the person made one commit of several, only the last has them in its trailers. */
async function tasksIn(writer: Writer, range: readonly string[]): Promise<string[]> {
  const args = ["log", "--no-show-signature", "--format=%B", ...range, "--"];
  const { stdout } = await git(writer.place, args);
  return [...stdout.matchAll(/^Orchd-Task: *(\S+)\s*$/gim)].map(([, task = ""]) => task);
}

function originalOf({ task, authoredAt }: Pick<Landed, "task" | "authoredAt">): string {
  return `${authoredAt} ${task}`;
}

/** Of all commits of tasks that a branch has; an id alone may have been given again years later. */
async function originalsIn(writer: Writer, tip: Oid): Promise<Set<string>> {
  const format = `--format=%at ${trailer}`;
  const only = ["--regexp-ignore-case", "--grep=^Orchd-Task:"];
  const args = ["log", "--no-show-signature", ...only, format, tip, "--"];
  return new Set((await git(writer.place, args)).stdout.split("\n"));
}

/** Commits of tasks that the person's branch does not have, oldest first. */
async function landedIn(writer: Writer, from: Oid, onto: Oid): Promise<Landed[]> {
  const format = `--format=%H%x00%P%x00%at%x00${trailer}`;
  const range = ["--first-parent", "--reverse", "--no-show-signature", format, from, `^${onto}`];
  const { stdout } = await git(writer.place, ["log", ...range, "--"]);
  const rows = stdout.split("\n").flatMap((line) => {
    const [commit = "", parent = "", authoredAt = "", task = ""] = line.split("\0");
    const isLanded = isOid(commit) && isOid(parent) && isTaskId(task);
    return isLanded ? [{ commit, parent, authoredAt, task }] : [];
  });
  return await Promise.all(
    rows.map(async (row) => ({ ...row, ...(await authored(writer, row.commit)) })),
  );
}

async function authored(
  writer: Writer,
  commit: Oid,
): Promise<Pick<Landed, "author" | "atMs" | "message">> {
  const args = ["log", "-1", "--no-show-signature", "--format=%an%x00%ae%x00%ct%x00%B", commit];
  const text = await gitLine(writer.place, args);
  const [name = "", email = "", seconds = "0", message = ""] = text.split("\0");
  return { author: { name, email }, atMs: Number(seconds) * 1000, message };
}
