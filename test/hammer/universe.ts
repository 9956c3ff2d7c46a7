import type { ClaimSet } from "../../ipc/taskSpec.ts";
import type { Random } from "../sim/random.ts";

/**
 * Sixteen files, and claims on them that overlap all the time. Which files a claim is about is known
 * by how it was drawn, and not asked of the code that is tested.
 */
export type Drawn = {
  readonly claims: ClaimSet;
  readonly writes: readonly string[];
  readonly reads: readonly string[];
};

const folders = ["a", "b", "c", "d"];
const names = ["0.ts", "1.ts", "2.ts", "3.ts"];
const files = folders.flatMap((folder) => names.map((name) => `${folder}/${name}`));

type Region = { readonly globs: readonly string[]; readonly files: readonly string[] };

export function drawClaims(random: Random): Drawn {
  const first = drawRegion(random);
  const isRead = random.chance(0.2);
  const second = random.chance(0.15) ? drawRegion(random) : { globs: [], files: [] };
  const [write, read] = isRead ? [second, first] : [first, second];
  return {
    claims: { writes: write.globs, reads: read.globs, resources: {} },
    writes: write.files,
    reads: read.files.filter((file) => !write.files.includes(file)),
  };
}

function drawRegion(random: Random): Region {
  const dice = random.fraction();
  if (dice < 0.6) return literally([random.pick(files)]);
  if (dice < 0.75) return literally(random.some(files, 3));
  const folder = random.pick(folders);
  if (dice < 0.9)
    return { globs: [`${folder}/**`], files: files.filter((file) => file.startsWith(folder)) };
  const name = random.pick(names);
  if (dice < 0.98)
    return { globs: [`*/${name}`], files: files.filter((file) => file.endsWith(name)) };
  return { globs: ["**"], files };
}

function literally(chosen: readonly string[]): Region {
  return { globs: chosen, files: chosen };
}
