import { join } from "node:path";
import { uptime } from "node:os";
import { failpoint } from "../system/failpoint.ts";
import { ownIdentity } from "../system/processIdentity.ts";
import { readJsonFile, writeDurably } from "../system/atomicFile.ts";
import { bytesOnDisk, leftFolders, makeExaminer, workersWithFolder } from "./pool/leftFolders.ts";
import { removeLeft } from "./pool/removeLeft.ts";
import { workspaceRoot } from "../system/paths.ts";
import { Outbox } from "./outbox.ts";
import { push } from "./push/push.ts";
import { pushWish } from "./core/push.ts";
import { realClock } from "../system/clock.ts";
import { Upkeep } from "./upkeep.ts";
import type { Effects } from "./effects.ts";
import type { Ground } from "./assembly.ts";
import type { FolderPorts } from "./folderUpkeep.ts";
import type { Loop } from "./loop.ts";
import type { Pool } from "./pool/pool.ts";
import type { WorkerId } from "../ipc/ids.ts";

/** The outbox of this repository, which pushes for real. */
export function makeOutbox(
  { layout, target, config, die }: Ground,
  loop: Loop,
  effects: () => Effects,
): Outbox {
  const site = { gitDir: layout.commonDir, workTree: layout.workTree, target };
  return new Outbox({
    wish: () => loop.read(pushWish),
    push: ({ place, to, accepted }, signal) => {
      const { timeout_ms: timeoutMs, hook } = config().push;
      return push(site, { place, to, accepted, timeoutMs, hook }, signal);
    },
    takeIn: async () => {
      if (config().follow === "auto") await effects().followNow();
    },
    tell: (command, durable) => loop.tell(command, durable),
    settings: () => ({ quietMs: config().push.quiet_ms, every: config().push.every }),
    setTimer: realClock.setTimer,
    wallMs: realClock.wallMs,
    random: Math.random,
    die,
  });
}

/** The upkeep of this repository. */
export function makeUpkeep(ground: Ground, loop: Loop, pool: Pool): Upkeep {
  const { layout, landing, config, log, die } = ground;
  const agesFile = join(layout.stateDir, "ages.json");
  return new Upkeep({
    keeping: landing.keeping,
    read: (look) => loop.read(look),
    isLanding: () => {
      const { current, waiting } = loop.state.landing;
      return current !== null || waiting.size > 0;
    },
    policy: () => {
      const { landed_ms, unlanded_ms, saved } = config().retention;
      return { landedMs: landed_ms, unlandedMs: unlanded_ms, savedMax: saved };
    },
    isOff: () => config().maintenance === "off",
    setTimer: realClock.setTimer,
    time: () => {
      const { bootId } = ownIdentity();
      return { bootId, uptimeMs: Math.round(uptime() * 1000), wallMs: realClock.wallMs() };
    },
    ages: {
      load: () => readJsonFile(agesFile, agesBytesMax),
      save: (row) => failpoint("gc.ages", () => writeDurably(agesFile, JSON.stringify(row))),
    },
    folders: folderPorts(ground, pool),
    log,
    die,
  });
}

function folderPorts({ layout, landing, config, log }: Ground, pool: Pool): FolderPorts {
  const site = () => ({
    root: workspaceRoot(layout, config().workspace.root, process.env),
    brain: layout.brainDir,
    stateDir: layout.stateDir,
    gitDir: layout.commonDir,
    isThere: (worker: WorkerId) => pool.slot(worker) !== undefined,
    isOurs: () => landing.keeping.isOurs(),
  });
  return {
    list: () => leftFolders(site()),
    workers: async () => {
      const present = pool.slots().map(({ worker }) => worker);
      return new Set([...present, ...(await workersWithFolder(site().root))]);
    },
    makeExaminer,
    remove: (folder) => removeLeft(site(), folder),
    bytes: bytesOnDisk,
    policy: () => {
      const { age_ms, unsaved_ms } = config().retention;
      return { ageMs: age_ms, unsavedMs: unsaved_ms };
    },
    onUnsavedGone: (folder) => log.warn("what could not be saved is kept no longer", { folder }),
  };
}

/** Names of refs: a hundred thousand and more. */
const agesBytesMax = 64 * 1024 * 1024;
