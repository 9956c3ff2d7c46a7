import { git } from "../../system/git.ts";
import { failpoint } from "../../system/failpoint.ts";
import { isOid } from "../../ipc/ids.ts";
import type { Oid } from "../../ipc/ids.ts";
import type { Writer } from "./branch.ts";
import { commitContent } from "./commitContent.ts";
import type { NewCommit } from "./commitContent.ts";
import { commitCall, writeCommit } from "./mergeTree.ts";

/**
 * A commit that stays on orchd's branch: signed, if that is wanted. It is signed before it is pinned
 * and tested, so what is tested is what lands. A signature has a time or a random number in it, so
 * signing again would make another object: one that an earlier try has signed and pinned under
 * `pinnedAs`, and that says the same, is taken instead. Throws a `GitError` or a `SignatureError`.
 */
export async function writeLanded(
  writer: Writer,
  commit: NewCommit,
  pinnedAs: string | null = null,
): Promise<Oid> {
  if (!(await writer.signer.isWanted())) return await writeCommit(writer, commit);
  const earlier = pinnedAs === null ? null : await signedBefore(writer, commit, pinnedAs);
  return earlier ?? (await failpoint("merge.sign", () => commitSigned(writer, commit)));
}

async function commitSigned(writer: Writer, commit: NewCommit): Promise<Oid> {
  const { args, options } = commitCall(writer, commit, ["-S"]);
  return await writer.signer.run(args, options);
}

/** `name SP type SP size LF content LF`, or that there is none. */
async function signedBefore(writer: Writer, commit: NewCommit, ref: string): Promise<Oid | null> {
  const content = commitContent({ ...commit, committer: writer.identity });
  const input = `${ref}\n`;
  const { stdout } = await git(writer.place, ["cat-file", "--batch"], { input, bytes: true });
  const end = stdout.indexOf("\n");
  const [name = "", type] = stdout.slice(0, end).split(" ");
  const there = unsigned(stdout.slice(end + 1, -1));
  const isSame = there !== null && content !== null && there === bytesOf(content);
  return isSame && type === "commit" && isOid(name) ? name : null;
}

/** One character a byte. */
function bytesOf(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** The content of a signed commit without its signature; `null`: it has none. */
function unsigned(content: string): string | null {
  const end = content.indexOf("\n\n");
  const header = content.slice(0, end);
  const without = header.replace(/\ngpgsig(?:-sha256)? [^\n]*(?:\n [^\n]*)*/, "");
  return end === -1 || without === header ? null : without + content.slice(end);
}
