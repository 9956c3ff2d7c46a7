import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Site } from "../site.ts";

/**
 * Deaths of the gits that a supervisor starts. A `git` of ours comes first in its PATH: a shell script
 * that becomes the real one, unless a death is armed for it.
 *
 *     <root>/bin/git      the script          <root>/git-armed    `<words> <death> <answer> <ms>`
 *                                             <root>/git-struck   the same, once it has come to pass
 *
 * It strikes once: whoever renames the file has it. gits of workers are left alone.
 */
export type GitDeath = {
  /** Arguments it must have, or with `!` before them must not; words without spaces. */
  readonly words: readonly [string, ...string[]];
  /** `unstarted`: killed before it does anything; the others are in dyingGit.ts. */
  readonly death: "unstarted" | "answered" | "both" | "midway" | "orphan";
  /** The so-manieth answer of a git that is kept. Default: 1. */
  readonly answer?: number;
  /** Milliseconds, for `midway`. */
  readonly ms?: number;
};

export class GitDeaths {
  readonly #root: string;

  /** Puts the script into the PATH of everything that `site` starts from now on. */
  constructor(site: Site) {
    this.#root = dirname(site.repository.dir);
    const bin = join(this.#root, "bin");
    mkdirSync(bin);
    const { env } = site.repository;
    const git = execFileSync("sh", ["-c", "command -v git"], { env, encoding: "utf8" }).trim();
    writeFileSync(join(bin, "git"), script(git, this.#root));
    chmodSync(join(bin, "git"), 0o755);
    Object.assign(env, { PATH: `${bin}:${env["PATH"]}` });
  }

  arm({ words, death, answer = 1, ms = 0 }: GitDeath): void {
    rmSync(this.#struck, { force: true });
    writeFileSync(`${this.#armed}.new`, `${words.join(",")} ${death} ${answer} ${ms}\n`);
    renameSync(`${this.#armed}.new`, this.#armed);
  }

  hasStruck(): boolean {
    return existsSync(this.#struck);
  }

  disarm(): void {
    rmSync(this.#armed, { force: true });
  }

  get #armed(): string {
    return join(this.#root, "git-armed");
  }

  get #struck(): string {
    return join(this.#root, "git-struck");
  }
}

const dyingGit = join(import.meta.dirname, "dyingGit.ts");

function script(git: string, root: string): string {
  return `#!/bin/sh
if [ -e '${root}/git-armed' ] && tr '\\0' ' ' <"/proc/$PPID/cmdline" | grep -q daemon/main; then
  read -r words death answer ms <'${root}/git-armed'
  fits=yes
  for word in $(echo "$words" | tr , ' '); do
    case " $* " in *" \${word#!} "*) has=yes ;; *) has=no ;; esac
    case "$word $has" in !*yes | [!!]*no) fits=no ;; esac
  done
  if [ "$fits" = yes ] && mv '${root}/git-armed' '${root}/git-struck' 2>/dev/null; then
    [ "$death" = unstarted ] && kill -9 $$
    exec '${process.execPath}' '${dyingGit}' '${git}' "$death" "$answer" "$ms" "$@"
  fi
fi
exec '${git}' "$@"
`;
}
