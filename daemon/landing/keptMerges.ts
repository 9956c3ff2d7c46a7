import type { Oid } from "../../ipc/ids.ts";
import type { GitPlace } from "../../system/git.ts";
import { KeptGit } from "../../system/keptGit.ts";
import type { KeptOptions } from "../../system/keptGit.ts";

/**
 * The git that is kept to merge. It reads attributes once, so there is one for a place, and another takes
 * over where a merge is to go by others.
 */
export class KeptMerges {
  readonly #options: Promise<KeptOptions | null>;
  #known: KeptOptions | null = null;
  #leaving: Promise<unknown> = Promise.resolve();
  #kept: { readonly place: GitPlace; readonly git: KeptGit } | null = null;

  /** `null`: this git takes no merges from its input. */
  constructor(options: Promise<KeptOptions | null>) {
    this.#options = options;
    void options.then((known) => (this.#known = known));
  }

  /** `null`: there is none. */
  async at(place: GitPlace): Promise<KeptGit | null> {
    const options = await this.#options;
    return options === null ? null : this.#at(place, options);
  }

  /** The next merge, which is likely to go by the attributes at `place`, is not to wait for its git to start. */
  ready(place: GitPlace): void {
    if (this.#known !== null) this.#at(place, this.#known).ready();
  }

  /** Resolves when none runs any more. */
  async close(): Promise<void> {
    await this.#options;
    await this.#leaving;
    await this.#kept?.git.close();
  }

  #at(place: GitPlace, options: KeptOptions): KeptGit {
    if (this.#kept?.place === place) return this.#kept.git;
    this.#leaving = Promise.all([this.#leaving, this.#kept?.git.close()]);
    this.#kept = { place, git: new KeptGit(place, merging, options) };
    return this.#kept.git;
  }
}

export const merging = [
  "merge-tree",
  "--write-tree",
  "--stdin",
  "-z",
  "--name-only",
  "--no-messages",
] as const;

export type Merged = { readonly clean: boolean; readonly tree: string; readonly paths: string[] };

/** Throws a `GitError`. `1 NUL tree NUL NUL` when it is clean, `0 NUL tree NUL path NUL … NUL` otherwise. */
export async function askMerge(merges: KeptGit, ours: Oid, theirs: Oid): Promise<Merged> {
  const answer = await merges.ask(`${ours} ${theirs}\n`, (text) => {
    const end = text.indexOf("\0\0");
    return end < 0 ? null : end + 2;
  });
  const [status, tree = "", ...paths] = answer.split("\0");
  return { clean: status === "1", tree, paths: paths.filter(Boolean) };
}
