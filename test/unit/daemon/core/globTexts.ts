import fc from "fast-check";
import { normaliseGlob } from "../../../../ipc/glob.ts";

/** Names from two letters; a name of at most four letters tells any two of these patterns apart. */
const piece = fc.constantFrom("a", "b", "*", "?", "{a,b}", "{ab,}", "{a,?b}");
export const namePattern = fc
  .array(piece, { minLength: 1, maxLength: 3 })
  .map((pieces) => pieces.join("").replaceAll(/\*+/g, "*"))
  .filter((glob) => normaliseGlob(glob).ok);

/** Globs of at most three segments; `anyFolders`: how often a segment is `**`, beside four times another. */
export function globs(anyFolders: number): fc.Arbitrary<string> {
  const segment = fc.oneof(
    { weight: anyFolders, arbitrary: fc.constant("**") },
    { weight: 4, arbitrary: fc.constantFrom("a", "b", "ab", "*", "?", "a*", "*b", "{a,b}", "?b") },
  );
  return fc
    .array(segment, { minLength: 1, maxLength: 3 })
    .map((segments) => normaliseGlob(segments.join("/")))
    .filter((parsed) => parsed.ok)
    .map((parsed) => parsed.glob);
}
