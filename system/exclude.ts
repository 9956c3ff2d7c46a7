import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { failpoint } from "./failpoint.ts";

const excluded = "/.aibrain/";

/** In the repository's own exclude file, which is shared by all its working trees and never committed. */
export async function excludeBrain(commonDir: string): Promise<void> {
  const file = join(commonDir, "info", "exclude");
  const text = await readFile(file, "utf8").catch(() => "");
  if (text.split(/\r?\n/).includes(excluded)) return;
  await mkdir(join(commonDir, "info"), { recursive: true });
  const separator = text === "" || text.endsWith("\n") ? "" : "\n";
  await failpoint("exclude.write", () => writeFile(file, `${text}${separator}${excluded}\n`));
}
