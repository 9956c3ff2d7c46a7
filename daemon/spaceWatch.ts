import { findShortage } from "../system/freeSpace.ts";
import { workspaceRoot } from "../system/paths.ts";
import type { Config } from "../ipc/configSpec.ts";
import type { Layout } from "../system/paths.ts";
import type { Log } from "./observe/log.ts";
import type { Loop } from "./loop.ts";

export type SpaceWatchPorts = {
  readonly layout: Layout;
  readonly config: () => Config;
  readonly loop: Pick<Loop, "shortage">;
  readonly log: Log;
};

/**
 * Looks at the disks that attempts write to (workspaces, objects, logs), and tells the loop when one has
 * less than `limits.min_free_disk`:
 *
 *     enough ──less──► short: no attempt starts ──enough again──► all that could start does
 *
 * What runs goes on and lands meanwhile. Each look is a statfs(2) a disk.
 */
export class SpaceWatch {
  readonly #ports: SpaceWatchPorts;

  constructor(ports: SpaceWatchPorts) {
    this.#ports = ports;
  }

  look(): void {
    const { layout, config, loop, log } = this.#ports;
    const { limits, workspace } = config();
    const root = workspaceRoot(layout, workspace.root, process.env);
    const folders = [root, layout.commonDir, layout.brainDir];
    const before = loop.shortage;
    const shortage = findShortage(folders, limits.min_free_disk_bytes);
    loop.shortage = shortage;
    if (before === null && shortage !== null)
      log.warn("nothing starts: a disk has too little space", shortage);
    if (before !== null && shortage === null) log.info("there is enough space on the disk again");
  }
}
