import { existsSync } from "node:fs";
import type { Report } from "../../ipc/workerMessages.ts";
import { findShortage } from "../../system/freeSpace.ts";
import type { Place } from "../workspace/place.ts";
import { workspaceBytes } from "../workspace/size.ts";
import type { Desk } from "./desk.ts";

/**
 * A workspace stays as it is between attempts because making it anew is slow, not because anybody needs it.
 * So it goes when its last attempt outgrew `limits.workspace_size` (what git ignores would outlast the
 * reset, and the next attempt would be over the limit from the start), and when its disk is short of space
 * while nobody works in it: else a workspace could keep the space for which all starts wait.
 *
 * The one in which checks run stays: landing goes on, and would make it anew each time.
 *
 * `last`: the attempt that has just ended, or that an earlier process of this worker left.
 * What is not saved stays, also where the record of it cannot be understood.
 */
export async function makeRoom(desk: Desk, last: Report | null): Promise<void> {
  const place = await desk.place();
  const { config } = desk.settings;
  const { min_free_disk_bytes: needed, workspace_size_bytes: bytesMax } = config.limits;
  const hasOutgrown = last !== null && (await outgrew(last, place, bytesMax));
  const isJudged = hasOutgrown || desk.worker.startsWith("gate-");
  const shortage = isJudged ? null : findShortage([place.folder], needed);
  if (!hasOutgrown && shortage === null) return;
  if (existsSync(place.held)) return;
  const { hasWorkspace, removeWorkspace } = await import("../workspace/reset.ts");
  if (!(await hasWorkspace(place))) return;
  await removeWorkspace(place);
  desk.log("the workspace was removed to make room", { folder: place.workTree, ...shortage });
}

/** Of one whose worker died nobody knows, so it is measured. */
async function outgrew({ outcome }: Report, place: Place, bytesMax: number): Promise<boolean> {
  if (outcome.result === "lost") return ((await workspaceBytes(place)) ?? 0) > bytesMax;
  const failure =
    outcome.result === "failed" || outcome.result === "gate_red" ? outcome.failure : null;
  return failure?.kind === "workspace_size";
}
