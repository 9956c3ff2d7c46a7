import { claimsFault } from "../../ipc/claimLimits.ts";
import { normaliseGlob } from "../../ipc/glob.ts";

/**
 * A foreign claim is a file in `.aibrain/locks/foreign/`: one glob a line, for whoever cannot run
 * `orchd lock`. Lines that begin with `#` are remarks, and one of them may name a process:
 *
 *     # pid 4711
 *     src/generated/**
 *     package-lock.json
 *
 * With a process the claim lives as long as that does. Without one the file has to be touched now and
 * then: after `stale_after` without, it counts no more.
 *
 * A file that says more than claims may ask for (`ipc/claimLimits.ts`) claims everything: whoever wrote
 * it relies on each line.
 */
export type ForeignFile = {
  readonly writes: readonly string[];
  readonly pid: number | null;
  /** Lines that are no globs, with their numbers; they claim nothing. */
  readonly problems: readonly string[];
};

export const foreignBytesMax = 64 * 1024;

export function parseForeign(text: string): ForeignFile {
  const writes = new Set<string>();
  const problems: string[] = [];
  let tooMuch: string | null = null;
  let pid: number | null = null;
  for (const [at, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    const named = /^#\s*pid[\s:=]+([1-9][0-9]{0,9})$/.exec(line);
    if (named !== null) pid = Number(named[1]);
    if (line === "" || line.startsWith("#")) continue;
    const parsed = normaliseGlob(line);
    if (!parsed.ok) problems.push(`line ${at + 1}: ${parsed.message}`);
    else if (tooMuch === null) {
      writes.add(parsed.glob);
      tooMuch = claimsFault({ writes: [...writes], reads: [] });
    }
  }
  if (tooMuch !== null) return { ...claimingEverything(tooMuch), pid };
  return { writes: [...writes], pid, problems: problems.slice(0, 5) };
}

export function claimingEverything(because: string): ForeignFile {
  return { writes: ["**"], pid: null, problems: [`counts as \`**\`: it ${because}`] };
}
