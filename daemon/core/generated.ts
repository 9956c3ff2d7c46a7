import { compileGlob, globMatches } from "./glob.ts";
import type { GeneratedRule } from "./coreSettings.ts";
import type { Saved } from "../../ipc/workerMessages.ts";
import type { State } from "./state.ts";

/**
 * Files that a command makes (`generated` in orchd.yaml). They belong to nobody: whoever changed them
 * neither claims them nor waits for another who did, since where two changes meet they are made anew.
 * Letter case is ignored, because touched paths are in small letters where git ignores it.
 */
export function withoutGenerated(state: State, paths: readonly string[]): readonly string[] {
  const isGenerated = generatedPaths(state);
  return isGenerated === null ? paths : paths.filter((path) => !isGenerated(path));
}

/** Whether an attempt changed any, as far as is known: more paths than are listed may be anything. */
export function mayTouchGenerated(state: State, { touched, touched_total }: Saved): boolean {
  const isGenerated = generatedPaths(state);
  if (isGenerated === null) return false;
  return touched_total > touched.length || touched.some(isGenerated);
}

export function generatedGlobs(state: State): readonly string[] {
  return rulesOf(state).flatMap(({ paths }) => paths);
}

/** What has to be run to make the files of these globs, in the order of the configuration. */
export function rulesFor(state: State, globs: readonly string[]): readonly GeneratedRule[] {
  return rulesOf(state).filter(({ paths }) => paths.some((glob) => globs.includes(glob)));
}

/** Whether a path is one of theirs; `null`: there are none. */
export function generatedPaths(state: State): ((path: string) => boolean) | null {
  const globs = generatedGlobs(state);
  if (globs.length === 0) return null;
  const patterns = globs.map((glob) => compileGlob(glob.toLowerCase()));
  // The empty path stands for more than are known.
  return (path) =>
    path !== "" && patterns.some((pattern) => globMatches(pattern, path.toLowerCase()));
}

function rulesOf({ settings }: State): readonly GeneratedRule[] {
  return settings.generated ?? [];
}
