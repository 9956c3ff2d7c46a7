/**
 * The paths there are in the simulated repository, few enough that a set of them is a number (one bit
 * a path), and an oracle for globs that shares nothing with the product: it tries every path.
 */
export const paths = [
  "README.md",
  "docs/a.md",
  "docs/b.md",
  "lib/a.ts",
  "lib/b.ts",
  "lib/x/y.ts",
  "lib/x/z.ts",
  "src/.env",
  "src/a.ts",
  "src/b.ts",
  "src/deep/c.ts",
  "src/deep/d.ts",
  "src/deep/er/e.ts",
  "test/a.ts",
] as const;

export const everything = "**";

export const globs = [
  everything,
  "README.md",
  "docs/*",
  "docs/?.md",
  "docs/a.md",
  "lib/**",
  "lib/*.ts",
  "lib/x/y.ts",
  "{lib,src}/a.ts",
  "src/*",
  "src/**",
  "src/a.ts",
  "src/deep/**",
  "src/**/e.ts",
  "src/{b,.env}*",
  "**/a.*",
  "*/deep/?.ts",
  "test/*",
] as const;

const masks = new Map<string, number>();

/** The paths that one of these globs matches, as bits. */
export function maskOf(list: readonly string[]): number {
  return list.reduce((mask, glob) => mask | globMask(glob), 0);
}

export function pathsIn(mask: number): string[] {
  return paths.filter((_, at) => (mask & (1 << at)) !== 0);
}

function globMask(glob: string): number {
  const known = masks.get(glob);
  if (known !== undefined) return known;
  const pattern = new RegExp(`^${sourceOf(glob)}$`);
  const mask = paths.reduce((bits, path, at) => (pattern.test(path) ? bits | (1 << at) : bits), 0);
  masks.set(glob, mask);
  return mask;
}

function sourceOf(glob: string): string {
  return glob.replace(/\*\*\/|\/\*\*|\*\*|[*?{},.]/g, (part) => {
    switch (part) {
      case "**/":
        return "(?:.*/)?";
      case "/**":
        return "(?:/.*)?";
      case "**":
        return ".*";
      case "*":
        return "[^/]*";
      case "?":
        return "[^/]";
      case "{":
        return "(?:";
      case "}":
        return ")";
      case ",":
        return "|";
      default:
        return `\\${part}`;
    }
  });
}
