import type { Oid } from "../../ipc/ids.ts";
import type { Identity } from "./branch.ts";

export type NewCommit = {
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  /** UTF-8, without NUL. */
  readonly message: string;
  readonly author: Identity;
  /** Both dates; the same input gives the same object name. */
  readonly atMs: number;
};

/**
 * The content of a commit object, byte for byte as `git commit-tree` writes it (a test compares):
 *
 *     tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904
 *     parent 47b87d398d265e4cab9018ee37961a1d6fbb5f9c
 *     author Ada <ada@example.com> 1700000000 +0000
 *     committer Ada <ada@example.com> 1700000000 +0000
 *
 *     Add the parser
 *
 * `null`: git would change a name or address before it writes it, and shall do so itself.
 */
export function commitContent(commit: NewCommit & { readonly committer: Identity }): string | null {
  const { author, committer, tree, parents, message, atMs } = commit;
  if (![author.name, author.email, committer.name, committer.email].every(isPlain)) return null;
  const signed = ({ name, email }: Identity): string =>
    `${name} <${email}> ${Math.floor(atMs / 1000)} +0000`;
  const header = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${signed(author)}`,
    `committer ${signed(committer)}`,
  ];
  return `${header.join("\n")}\n\n${message}`;
}

/** git strips these from both ends of a name, and angle brackets and line ends from all of it (ident.c). */
function isPlain(text: string): boolean {
  return plain.test(text);
}

const plain = /^[^\0-\x20.,:;<>"\\'](?:[^<>\n\0]*[^\0-\x20.,:;<>"\\'])?$/;
