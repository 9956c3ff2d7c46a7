import { plainSpec } from "../../test/helpers/plainSpec.ts";
import { emptyState } from "../../daemon/core/emptyState.ts";
import type { State, Task } from "../../daemon/core/state.ts";
import type { ClaimSet } from "../../ipc/taskSpec.ts";
import type { TaskId } from "../../ipc/ids.ts";

export function pickFrom<Item>(random: () => number, items: readonly Item[]): Item {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

/** A repository of 54,000 folders, with 16 files in each. */
export type Tree = { readonly folders: readonly string[] };

const packages = 700;
const foldersInPackage = 77;
const filesInFolder = 16;
const endings = [".ts", ".ts", ".ts", ".ts", ".tsx", ".md", ".json", ".css", ".py", ".test.ts"];
const folderNames = ["src", "lib", "test", "docs", "api", "core", "ui", "gen", "util", "model"];

export function makeTree(random: () => number): Tree {
  const folders: string[] = [];
  for (let top = 0; top < packages; top += 1) {
    const root = `packages/p${top}`;
    const own = [root];
    while (own.length < foldersInPackage) {
      const above = pickFrom(random, own);
      const depth = above.split("/").length;
      own.push(`${depth > 6 ? root : above}/${pickFrom(random, folderNames)}${own.length}`);
    }
    folders.push(...own);
  }
  return { folders };
}

export function someFile(random: () => number, folder: string): string {
  const file = Math.floor(random() * filesInFolder);
  return `${folder}/file${file}${endings[file % endings.length] ?? ""}`;
}

/** One claim of the usual mix: eight files for one folder with all below it, and one glob in it. */
export function someClaim(random: () => number, folder: string): string {
  const kind = random();
  if (kind < 0.8) return someFile(random, folder);
  return kind < 0.9 ? `${folder}/**` : `${folder}/**/*${pickFrom(random, endings)}`;
}

export function emptyCore(): State {
  const state = emptyState();
  const forLong = { fairnessWindowMs: 3_600_000, tasksOpenMax: 1_000_000 };
  state.settings = { ...state.settings, ...forLong };
  return state;
}

/** A queued task, not known to the state. */
export function makeTask(order: number, claims: Partial<ClaimSet>): Task {
  const id = `t${order}` as TaskId;
  return {
    id,
    spec: plainSpec(id, { claims: { writes: [], reads: [], resources: {}, ...claims } }),
    digest: id,
    order,
    submittedAt: order,
    life: { status: "queued", since: order, notBefore: null, backoff: false },
    paused: false,
    cancelRequested: false,
    attempts: [],
    setbacks: { failure: 0, lost: 0, conflict: 0 },
    touched: [],
    lastRetry: null,
  };
}
