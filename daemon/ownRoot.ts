import { realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { claimRoot } from "../system/rootOwner.ts";
import { failure } from "../ipc/errors.ts";
import { foreignWorkspaces } from "./pool/leftFolders.ts";
import { isInside } from "../system/paths.ts";
import { systemFailure } from "../system/systemFailure.ts";
import type { Failure } from "../ipc/errors.ts";
import type { Layout } from "../system/paths.ts";

/**
 * Makes the folder of the workspaces this repository's own (system/rootOwner.ts). The failure says
 * whose it is: each would take the other's workspaces for its own, and reset them. What the disk
 * refuses is left to the workers: they do the same before they make anything there, and tell it.
 */
export async function ownRoot(root: string, layout: Layout): Promise<Failure | null> {
  const { commonDir, workTree } = layout;
  try {
    const foreign = await foreignWorkspaces(root, commonDir);
    if (foreign !== null) return shared(root, dirname(foreign), ownFolder);
    // Workers refuse such a root; until then nothing is left in the person's files.
    if (isInside(await realpath(root).catch(() => root), workTree)) return null;
    const claim = await claimRoot(root, commonDir);
    return claim.kind === "ours" ? null : shared(root, claim.owner, orRemove(claim.file));
  } catch (error) {
    if (systemFailure(error) === null) throw error;
    return null;
  }
}

const ownFolder = "Give each repository a `workspace.root` of its own.";

function orRemove(file: string): string {
  return `${ownFolder} If that one has no workspaces there any more, remove ${file}.`;
}

function shared(root: string, other: string, hint: string): Failure {
  return failure("refused", `the workspaces of ${other} are in ${root}`, { hint });
}
