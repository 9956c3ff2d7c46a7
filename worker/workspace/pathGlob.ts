/**
 * Globs of `workspace.copy` and `workspace.setup_inputs`, in the grammar of claims: `*` and `?`
 * within a segment, `**` for any number of segments, `{a,b}`; `*` matches dot files; a trailing `/`
 * means everything below. A glob without wildcards also means everything below the folder it names.
 */
export type PathGlob = {
  /** The leading segments without wildcards: nothing outside of it can match. `""`: the whole tree. */
  readonly prefix: string;
  /** Takes a path relative to the repository, with `/`. */
  readonly matches: (path: string) => boolean;
  /** How many folders below `prefix` a match can lie, `null`: any number. */
  readonly depth: number | null;
};

export function pathGlob(glob: string): PathGlob {
  const normal = (glob.endsWith("/") ? `${glob}**` : glob).replace(/^\.\//, "");
  const segments = normal.split("/");
  const wild = segments.findIndex((segment) => /[*?{]/.test(segment));
  if (wild === -1) {
    const below = `${normal}/`;
    return {
      prefix: normal,
      matches: (path) => path === normal || path.startsWith(below),
      depth: null,
    };
  }
  const expression = new RegExp(`^${expressionOf(normal)}$`, "su");
  // A brace may hold slashes, and then the number of segments says nothing.
  const bounded = !normal.includes("**") && !/\{[^}]*\/[^}]*\}/.test(normal);
  return {
    prefix: segments.slice(0, wild).join("/"),
    matches: (path) => expression.test(path),
    depth: bounded ? segments.length - wild - 1 : null,
  };
}

function expressionOf(glob: string): string {
  let open = 0;
  return glob.replaceAll(/\*\*\/|\*\*|[*?{},]|[\\^$+.()|[\]/-]/g, (token) => {
    switch (token) {
      case "**/":
        return "(?:.*/)?";
      case "**":
        return ".*";
      case "*":
        return "[^/]*";
      case "?":
        return "[^/]";
      case "{":
        open += 1;
        return "(?:";
      case "}":
        open -= 1;
        return open < 0 ? "\\}" : ")";
      case ",":
        return open > 0 ? "|" : ",";
      default:
        return token === "-" ? "-" : `\\${token}`;
    }
  });
}
