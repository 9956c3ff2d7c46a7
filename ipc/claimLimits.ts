import type { ClaimSet } from "./taskSpec.ts";

/**
 * How much the claims of one task or lock may ask of those who compare them. The supervisor looks at
 * all of them in one go, between two other requests, and `a*b*c` costs more than `a*`. Counted with the
 * braces written out, since that is how they are compared: `*.{js,ts}` stands for two globs.
 */
/** Writes and reads together, as they are written. */
export const claimsMax = 256;
/** Globs that they stand for. */
export const claimBranchesMax = 512;
/** Characters of these. */
export const claimLettersMax = 32 * 1_024;
/** Characters of those that are intricate: two `**`, or two wildcards in one name. */
export const intricateLettersMax = 2_048;

/** What is too much about the claims, and what to do; `null`: nothing. Takes globs in normal form. */
export function claimsFault({ writes, reads }: Pick<ClaimSet, "writes" | "reads">): string | null {
  const globs = [...writes, ...reads];
  if (globs.length > claimsMax)
    return `has more than ${claimsMax} writes and reads together; claim directories instead`;
  const all = { branches: 0, letters: 0, intricate: 0 };
  for (const glob of globs) {
    const { branches, letters } = writtenOut(glob);
    all.branches += branches;
    all.letters += letters;
    if (isIntricate(glob)) all.intricate += letters;
  }
  if (all.branches > claimBranchesMax)
    return `stands for ${all.branches} globs with its braces written out, and ${claimBranchesMax} are allowed; claim directories, or write \`*\` for the braces`;
  if (all.letters > claimLettersMax)
    return `has ${all.letters} characters with its braces written out, and ${claimLettersMax} are allowed; claim directories instead`;
  if (all.intricate > intricateLettersMax)
    return `has ${all.intricate} characters in globs with two \`**\` or with several wildcards in one name, and ${intricateLettersMax} are allowed; claim directories, or name files with one \`*\``;
  return null;
}

/** How many globs it stands for, and their characters together. */
function writtenOut(glob: string): { readonly branches: number; readonly letters: number } {
  if (!glob.includes("{")) return { branches: 1, letters: glob.length };
  const lists = glob.match(/\{[^}]*\}/g)?.map((list) => list.slice(1, -1).split(",")) ?? [];
  const branches = lists.reduce((product, list) => product * list.length, 1);
  const literal = glob.replace(/\{[^}]*\}/g, "").length * branches;
  const chosen = lists.map((list) => (list.join("").length * branches) / list.length);
  return { branches, letters: chosen.reduce((sum, letters) => sum + letters, literal) };
}

function isIntricate(glob: string): boolean {
  if (!glob.includes("*") && !glob.includes("?")) return false;
  const names = glob.split("/").filter((name) => name !== "**");
  return glob.split("/").length - names.length > 1 || names.some(hasTwoWildcards);
}

/** In one of the branches, perhaps: it is enough that all of them together have. */
function hasTwoWildcards(name: string): boolean {
  return /[*?].*[*?]/.test(name);
}
