import { hash } from "node:crypto";
import { pathsIn } from "./paths.ts";
import type { Files } from "./git.ts";

/** These files as their command makes them from all others. */
export function madeFrom(files: Files, mask: number): Files {
  const made = new Set(pathsIn(mask));
  const others = Object.entries(files).filter(([path]) => !made.has(path));
  const content = `made ${hash("sha256", JSON.stringify(others), "hex").slice(0, 12)}`;
  return Object.fromEntries([...others, ...[...made].map((path) => [path, content] as const)]);
}
