import { writeFile } from "node:fs/promises";
import { layoutOf } from "../../system/paths.ts";

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
