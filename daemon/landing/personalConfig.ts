import { statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { git } from "../../system/git.ts";
import type { GitPlace } from "../../system/git.ts";

/**
 * What the person's git is configured with, read again only when one of the files that git reads has
 * changed: asking git takes some milliseconds, looking at the files some microseconds.
 *
 *     files     those that git named at the last reading (included ones too), and those where it would
 *               look for one that was not there
 *     known     what it said then, with times and sizes of those files; not while a file is new to us
 */
export class PersonalConfig {
  readonly #place: GitPlace;
  #files: readonly string[];
  #known: { readonly values: Values; readonly stamp: string } | null = null;

  /** `place`: with the person's configuration. */
  constructor(place: GitPlace) {
    this.#place = place;
    this.#files = this.#usualFiles();
  }

  /** As git reads a boolean. Throws a `GitError`. */
  async isTrue(name: string): Promise<boolean> {
    const value = (await this.#values()).get(name.toLowerCase());
    if (value === undefined) return false;
    // A key without a value is true for git.
    return value === null || /^(?:true|yes|on|[-+]?0*[1-9]\d*)$/i.test(value);
  }

  /** Kept with the stamp of before the reading: what changes meanwhile is read again the next time. */
  async #values(): Promise<Values> {
    const files = this.#files;
    const stamp = stampOf(files);
    if (this.#known?.stamp === stamp) return this.#known.values;
    const list = ["config", "--list", "--includes", "--null", "--show-origin", "--show-scope"];
    const { stdout } = await git(this.#place, list);
    const { values, origins } = entriesOf(stdout);
    this.#files = [...new Set([...this.#usualFiles(), ...origins])];
    const isAll = this.#files.every((file) => files.includes(file));
    this.#known = isAll ? { values, stamp } : null;
    return values;
  }

  #usualFiles(): string[] {
    const home = homeFolder();
    const folder = process.env["XDG_CONFIG_HOME"];
    const config = folder !== undefined && isAbsolute(folder) ? folder : join(home, ".config");
    return [
      join(this.#place.gitDir, "config"),
      join(this.#place.gitDir, "config.worktree"),
      join(home, ".gitconfig"),
      join(config, "git/config"),
      "/etc/gitconfig",
    ];
  }
}

/** Keys in lower case; the value that counts, `null` where a key stands alone. */
type Values = ReadonlyMap<string, string | null>;

function stampOf(files: readonly string[]): string {
  return files
    .map((file) => {
      const found = statSync(file, { bigint: true, throwIfNoEntry: false });
      return found === undefined
        ? "-"
        : `${found.ino}.${found.size}.${found.mtimeNs}.${found.ctimeNs}`;
    })
    .join(" ");
}

/**
 * `scope NUL file:path NUL key LF value NUL`, again and again; what we set ourselves is left out. An
 * included file without an entry is named by who includes it only.
 */
function entriesOf(text: string): { values: Values; origins: string[] } {
  const fields = text.split("\0");
  const values = new Map<string, string | null>();
  const origins = new Set<string>();
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [scope = "", origin = "", entry = ""] = fields.slice(at, at + 3);
    if (scope === "command") continue;
    const end = entry.indexOf("\n");
    const key = (end === -1 ? entry : entry.slice(0, end)).toLowerCase();
    const value = end === -1 ? null : entry.slice(end + 1);
    values.set(key, value);
    const file = origin.replace(/^file:/, "");
    origins.add(file);
    if (value !== null && /^include(?:if\..*)?\.path$/.test(key))
      origins.add(included(file, value));
  }
  return { values, origins: [...origins] };
}

function included(by: string, path: string): string {
  return path.startsWith("~/") ? join(homeFolder(), path.slice(2)) : resolve(dirname(by), path);
}

function homeFolder(): string {
  return process.env["HOME"] ?? homedir();
}
