import { gcFoldersMax } from "../ipc/gcView.ts";
import { leftMs } from "./core/folders.ts";
import type { Ages } from "./core/ages.ts";
import type { FolderPolicy, LeftFolder } from "./core/folders.ts";
import type { GcView } from "../ipc/gcView.ts";

/** What lies on disk beside the journal and git, and its removal (pool/leftFolders.ts). */
export type FolderPorts = {
  readonly list: () => Promise<readonly LeftFolder[]>;
  /** Workers that there are, and those of which there is a workspace. */
  readonly workers: () => Promise<ReadonlySet<string>>;
  readonly makeExaminer: () => (folder: LeftFolder) => Promise<LeftFolder | null>;
  /** `stays`: it is used again; `fenced`: another supervisor has taken over. */
  readonly remove: (folder: LeftFolder) => Promise<"removed" | "stays" | "fenced">;
  readonly bytes: (path: string) => Promise<number | null>;
  readonly policy: () => FolderPolicy;
  /** What was never saved is removed now. */
  readonly onUnsavedGone: (path: string) => void;
};

export type FoldersCollected = Pick<GcView, "folders" | "unsaved" | "problem">;

export type FoldersHow = {
  readonly dryRun: boolean;
  /** How large it all is takes a look at every file. */
  readonly measure: boolean;
  /** Nothing more is removed once this is aborted: the next supervisor's workers may be there. */
  readonly stop: AbortSignal;
};

export const fencedWords = "another supervisor has taken over this repository";

export async function collectFolders(
  ports: FolderPorts,
  { folders, ages }: { readonly folders: readonly LeftFolder[]; readonly ages: Ages },
  { dryRun, measure, stop }: FoldersHow,
): Promise<FoldersCollected> {
  const policy = ports.policy();
  const bytes = async (path: string): Promise<number | null> =>
    measure ? await ports.bytes(path) : null;
  const gone: GcView["folders"] = [];
  for (const folder of (await expired(ports, folders, ages, policy)).slice(0, gcFoldersMax)) {
    const one = { path: folder.path, kind: folder.kind, bytes: await bytes(folder.path) };
    if (stop.aborted) return { folders: gone, unsaved: [], problem: "the supervisor ends" };
    try {
      const removal = dryRun ? "removed" : await ports.remove(folder);
      if (removal === "fenced") return { folders: gone, unsaved: [], problem: fencedWords };
      if (removal === "stays") continue;
    } catch (error) {
      return { folders: gone, unsaved: [], problem: String(error) };
    }
    if (!dryRun && folder.kind === "unsaved") ports.onUnsavedGone(folder.path);
    gone.push(one);
  }
  const unsaved: GcView["unsaved"] = [];
  for (const folder of folders.filter(({ kind }) => kind === "unsaved")) {
    const left = leftMs(folder, ages, policy);
    if (left < 0 || unsaved.length === gcFoldersMax) continue;
    unsaved.push({ path: folder.path, bytes: await bytes(folder.path), left_ms: left });
  }
  return { folders: gone, unsaved, problem: null };
}

async function expired(
  ports: FolderPorts,
  folders: readonly LeftFolder[],
  ages: Ages,
  policy: FolderPolicy,
): Promise<LeftFolder[]> {
  const examine = ports.makeExaminer();
  const over: LeftFolder[] = [];
  for (const folder of folders) {
    if (leftMs(folder, ages, policy) >= 0) continue;
    const examined = await examine(folder);
    if (examined !== null && leftMs(examined, ages, policy) < 0) over.push(examined);
  }
  return over;
}
