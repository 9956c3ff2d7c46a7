import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { layoutOf } from "../../system/paths.ts";

const excluded = "/.aibrain/";

/** Returns the path written; `null` when there was a file and `replace` is false. */
export async function writeConfig(
  repository: { readonly commonDir: string; readonly workTree: string },
  text: string,
  replace: boolean,
): Promise<string | null> {
  const { configFile } = layoutOf(repository);
  try {
    await writeFile(configFile, text, { flag: replace ? "w" : "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return null;
    throw error;
  }
  return configFile;
}

/** In the repository's own exclude file, which is shared by all its working trees and never committed. */
export async function excludeBrain(commonDir: string): Promise<void> {
  const file = join(commonDir, "info", "exclude");
  const text = await readFile(file, "utf8").catch(() => "");
  if (text.split(/\r?\n/).includes(excluded)) return;
  await mkdir(join(commonDir, "info"), { recursive: true });
  const separator = text === "" || text.endsWith("\n") ? "" : "\n";
  await writeFile(file, `${text}${separator}${excluded}\n`);
}
