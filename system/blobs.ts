import type { Oid } from "../ipc/ids.ts";
import { git } from "./git.ts";
import type { GitPlace } from "./git.ts";

/**
 * What is in those blobs that are there and no larger than `bytesMax`, the first of them as far as they are
 * within `totalMax` together; one character a byte. Throws a `GitError`.
 */
export async function blobsOf(
  place: GitPlace,
  oids: ReadonlySet<Oid>,
  { bytesMax, totalMax }: { readonly bytesMax: number; readonly totalMax: number },
): Promise<Map<string, string>> {
  if (oids.size === 0) return new Map();
  const input = (names: Iterable<string>): string => [...names].map((name) => `${name}\n`).join("");
  const looked = await git(place, ["cat-file", "--batch-check"], { input: input(oids) });
  let room = totalMax;
  const small = looked.stdout.split("\n").flatMap((line) => {
    const [oid = "", type, size] = line.split(" ");
    if (type !== "blob" || Number(size) > Math.min(bytesMax, room)) return [];
    room -= Number(size);
    return [oid];
  });
  const read = await git(place, ["cat-file", "--batch"], { input: input(small), bytes: true });
  return contentsIn(read.stdout);
}

/** `<oid> blob <size> LF <content> LF`, one after the other. */
function contentsIn(text: string): Map<string, string> {
  const contents = new Map<string, string>();
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\n", at);
    const [oid = "", , size = ""] = text.slice(at, end).split(" ");
    const begin = end + 1;
    at = begin + Number(size) + 1;
    if (end < 0 || !Number.isInteger(at)) break;
    contents.set(oid, text.slice(begin, at - 1));
  }
  return contents;
}
