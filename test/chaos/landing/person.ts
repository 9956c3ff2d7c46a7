import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Site } from "../site.ts";
import { theirsPath } from "../recovered.ts";

/** Somebody with an edit that is staged and one that is not, in a file that no task touches. */
const [staged, edited] = ["staged by a person\n", "edited by a person\n"];

export async function beginEditing({ repository }: Site): Promise<void> {
  await repository.write(theirsPath, staged);
  await repository.git("add", theirsPath);
  await repository.write(theirsPath, edited);
}

/** What is not as they left it. */
export async function lostEdits({ repository }: Site): Promise<string[]> {
  const onDisk = readFileSync(join(repository.dir, theirsPath), "utf8");
  const inIndex = await repository.git("show", `:${theirsPath}`);
  return [
    ...(onDisk === edited ? [] : [`their edit is lost: ${onDisk}`]),
    ...(`${inIndex}\n` === staged ? [] : [`what they staged is lost: ${inIndex}`]),
  ];
}

/** They throw it away, so that the checkout has nothing but what landed. */
export async function endEditing({ repository: { git } }: Site): Promise<void> {
  await git("checkout", "--quiet", "HEAD", "--", theirsPath);
}
