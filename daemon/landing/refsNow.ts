import { branchRef, followedRef, readRefs, targetRef } from "./branch.ts";
import type { Commit, Refs, Writer } from "./branch.ts";
import { checkoutsOf } from "./checkouts.ts";
import { epochRef } from "./epochBlob.ts";
import type { Oid } from "../../ipc/ids.ts";

/**
 * The refs a step starts from, read from files and from what the writer remembers of its commits;
 * by a git (`readRefs`) where that does not suffice: after a person's commit, for example.
 */
export async function refsNow(writer: Writer): Promise<Refs> {
  const { refs, lineage } = writer.git;
  const names = [branchRef(writer), targetRef(writer), followedRef(writer), epochRef];
  const oids = refs.read(names);
  const at = (name: string): Oid | null => oids?.get(name) ?? null;
  const tip = commitOf(writer, at(branchRef(writer)));
  const target = commitOf(writer, at(targetRef(writer)));
  if (oids === null || tip === "unknown" || target === "unknown") {
    const read = await readRefs(writer);
    for (const commit of [read.tip, read.target])
      if (commit !== null) lineage.learn(commit.oid, commit.tree);
    return read;
  }
  const [checkout] = checkoutsOf(writer, branchRef(writer));
  return {
    tip,
    target,
    followed: at(followedRef(writer)),
    epoch: at(epochRef),
    checkedOutAt: checkout?.workTree ?? null,
  };
}

/** Whether the writer may still write, as the repository says now: another supervisor writes its own epoch. */
export async function hasOurEpoch(writer: Writer): Promise<boolean> {
  const oids = writer.git.refs.read([epochRef]);
  const epoch = oids === null ? (await readRefs(writer)).epoch : oids.get(epochRef);
  return epoch === writer.epochOid;
}

function commitOf(writer: Writer, oid: Oid | null): Commit | null | "unknown" {
  if (oid === null) return null;
  const tree = writer.git.lineage.treeOf(oid);
  return tree === null ? "unknown" : { oid, tree };
}
