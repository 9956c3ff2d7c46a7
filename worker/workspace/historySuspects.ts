import type { SavePolicy } from "../../ipc/configSpec.ts";
import type { Oid } from "../../ipc/ids.ts";
import type { KeptBackFile } from "../../ipc/workerMessages.ts";
import { gitOnAgentObjects } from "./ownGit.ts";
import type { Base, Place } from "./place.ts";
import { headBytes, judgeBy, readMax } from "./suspects.ts";

/**
 * What the agent's own commits would bring into the repository and no file of the workspace shows any more:
 * a key that was committed and removed again is still in the history.
 *
 *     rev-list --objects tips, without base and the saved tree ──► blobs, each with a path it had
 *     cat-file --batch-check                                   ──► their sizes; which paths the base has
 *     judged by name and size, then cat-file --batch           ──► judged by content
 *
 * The same rules as for new files (suspects.ts): what has the path of a file that the base has was changed, and
 * is not looked at. Nothing of it is taken into the repository; git reads the agent's objects where they are,
 * and nothing that the agent configured. Throws a `GitError` where the commits are not whole.
 */
export async function suspectsInHistory(
  place: Place,
  base: Base,
  tree: Oid,
  tips: readonly Oid[],
  policy: SavePolicy,
): Promise<readonly KeptBackFile[]> {
  const blobs = await freshBlobs(place, base, tree, tips);
  const judge = judgeBy(policy);
  const unsuspected: Blob[] = [];
  const suspects = blobs.flatMap((blob) => {
    const why = judge.byName(blob.path, blob.bytes);
    if (why === null) unsuspected.push(blob);
    return why === null ? [] : [suspect(blob, why)];
  });
  if (policy.secrets === "allow") return suspects;
  const heads = await headsOf(place, unsuspected);
  const more = [...heads].flatMap(([blob, head]) => {
    const why = judge.byContent(blob.path, head);
    return why === null ? [] : [suspect(blob, why)];
  });
  return [...suspects, ...more].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

type Blob = { readonly oid: string; readonly path: string; readonly bytes: number };

/** Contents are read up to so many bytes in all; what comes after is judged by name and size alone. */
const contentBytesMax = 64 * 1024 * 1024;

function suspect({ path, bytes }: Blob, why: KeptBackFile["why"]): KeptBackFile {
  return { path, why, bytes, committed: true };
}

async function freshBlobs(
  place: Place,
  base: Base,
  tree: Oid,
  tips: readonly Oid[],
): Promise<readonly Blob[]> {
  const revisions = [...tips, `^${base.commit}`, `^${tree}`];
  const listed = await gitOnAgentObjects(
    place,
    ["rev-list", "--objects", "--filter=object:type=blob", "--stdin"],
    { input: `${revisions.join("\n")}\n`, bytes: true },
  );
  const named = listed.stdout.split("\n").flatMap((line) => {
    const at = line.indexOf(" ");
    return at === -1 ? [] : [{ oid: line.slice(0, at), bytesPath: line.slice(at + 1) }];
  });
  if (named.length === 0) return [];
  const asked = named.map(({ oid, bytesPath }) => `${oid}\n${base.commit}:${bytesPath}\n`).join("");
  const answers = await gitOnAgentObjects(place, ["cat-file", "--batch-check", "--buffer"], {
    input: Buffer.from(asked, "latin1"),
    bytes: true,
  });
  const lines = answers.stdout.split("\n");
  return named.flatMap(({ oid, bytesPath }, at) => {
    const [, type, size] = lines[2 * at]?.split(" ") ?? [];
    const isOfBase = lines[2 * at + 1]?.endsWith(" missing") !== true;
    const path = Buffer.from(bytesPath, "latin1").toString("utf8");
    return type !== "blob" || isOfBase ? [] : [{ oid, path, bytes: Number(size) }];
  });
}

/** The beginnings of as many as may be read, small ones first: those are where secrets are. */
async function headsOf(place: Place, blobs: readonly Blob[]): Promise<Map<Blob, string>> {
  const read: Blob[] = [];
  let left = contentBytesMax;
  const smallFirst = blobs.toSorted((one, other) => one.bytes - other.bytes);
  for (const blob of smallFirst.slice(0, readMax)) {
    left -= blob.bytes;
    if (left < 0) break;
    read.push(blob);
  }
  if (read.length === 0) return new Map();
  const input = read.map(({ oid }) => `${oid}\n`).join("");
  const { stdout } = await gitOnAgentObjects(place, ["cat-file", "--batch", "--buffer"], {
    input,
    bytes: true,
  });
  const heads = new Map<Blob, string>();
  let at = 0;
  for (const blob of read) {
    // `<oid> blob <size>`, the content, each with a line break behind it.
    const start = stdout.indexOf("\n", at) + 1;
    heads.set(blob, stdout.slice(start, start + Math.min(blob.bytes, headBytes)));
    at = start + blob.bytes + 1;
  }
  return heads;
}
