import { readFileSync } from "node:fs";

let known: string | null = null;

/** The package's version, from the nearest package.json above: one level up in the sources, two in `dist/`. */
export function packageVersion(): string {
  known ??= readVersion(new URL("../package.json", import.meta.url));
  known ??= readVersion(new URL("../../package.json", import.meta.url));
  return known ?? "unknown";
}

function readVersion(file: URL): string | null {
  try {
    const { name, version } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    return name === "orchd" && typeof version === "string" ? version : null;
  } catch {
    return null;
  }
}
