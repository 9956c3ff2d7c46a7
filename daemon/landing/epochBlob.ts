import { createHash } from "node:crypto";
import { GitError, git } from "../../system/git.ts";
import type { GitPlace } from "../../system/git.ts";

/**
 * What `refs/orchd/epoch` names: a blob, `epoch 7\n`. A `git gc --prune=now` that had looked for what is
 * named before the ref was written takes the blob away after it, and then every git that meets the ref
 * fails: ours, and the person's next gc. So whoever reads it does so in here: the name tells which
 * number was in it, and the blob is written again.
 */
export async function withEpochBlob<Value>(
  place: GitPlace,
  read: () => Promise<Value>,
): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof GitError) || !(await mend(place))) throw error;
    return await read();
  }
}

export const epochRef = "refs/orchd/epoch";

export function epochText(epoch: number): string {
  return `epoch ${epoch}\n`;
}

/** Higher ones are not looked for: as many starts. */
const epochsMax = 200_000;

/** False: it is not that. */
async function mend(place: GitPlace): Promise<boolean> {
  const named = await git(place, ["rev-parse", "--quiet", "--verify", epochRef], answers);
  const name = named.stdout.trim();
  if (name === "" || (await git(place, ["cat-file", "-e", name], answers)).code === 0) return false;
  const text = textOf(name);
  if (text === null) return false;
  const options = { input: text, config: { "core.fsync": "committed" } };
  await git(place, ["hash-object", "-w", "--stdin"], options);
  return true;
}

const answers = { accept: [0, 1, 128] };

function textOf(name: string): string | null {
  const algorithm = name.length === 40 ? "sha1" : "sha256";
  for (let epoch = 0; epoch < epochsMax; epoch += 1) {
    const text = epochText(epoch);
    const hash = createHash(algorithm).update(`blob ${text.length}\0${text}`);
    if (hash.digest("hex") === name) return text;
  }
  return null;
}
