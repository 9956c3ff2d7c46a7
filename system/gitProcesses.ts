import { existsSync, lstatSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { listPids } from "./processTable.ts";

/**
 * Gits that run on this machine now. One of ours carries `ORCHD_WRITER=<pid of its parent>` in its
 * environment and our `--git-dir` in its arguments (git.ts). Linux only; elsewhere none is seen.
 */
export type OwnGitProcess = {
  readonly pid: number;
  /** Who started it, or had this number then. */
  readonly parent: number;
  readonly words: readonly string[];
};

/** Those of a supervisor or worker, living or dead, on this repository; zombies too. */
export function ownGitProcesses(gitDir: string): OwnGitProcess[] {
  return listPids().flatMap((pid) => {
    const words = wordsOf(pid);
    if (!words.includes(`--git-dir=${gitDir}`)) return [];
    const marker = /(?:^|\0)ORCHD_WRITER=(\d+)\0/.exec(read(`/proc/${pid}/environ`));
    return marker === null ? [] : [{ pid, parent: Number(marker[1]), words }];
  });
}

/**
 * Whether anybody runs git on this repository, from one of its working trees or from anywhere, with
 * such a word among its arguments. One whose folder may not be seen counts.
 */
export function doesAnybodyRun(command: RegExp, gitDir: string): boolean {
  const real = attempt(() => realpathSync(gitDir)) ?? gitDir;
  return listPids().some((pid) => {
    const [program = "", ...words] = wordsOf(pid);
    if (basename(program) !== "git" || !words.some((word) => command.test(word))) return false;
    const found = gitDirOf(pid);
    if (found === "gone") return false;
    return found === "unreadable" || found === real || found.startsWith(real + sep);
  });
}

/** Where it finds its repository, as git looks for it; its own folder if there is none. */
function gitDirOf(pid: number): string {
  const cwd = attempt(() => readlinkSync(`/proc/${pid}/cwd`));
  if (cwd === null) return existsSync(`/proc/${pid}`) ? "unreadable" : "gone";
  const named = /(?:^|\0)GIT_DIR=([^\0]*)\0/.exec(read(`/proc/${pid}/environ`))?.[1];
  return named === undefined ? gitDirAround(cwd) : resolve(cwd, named);
}

function gitDirAround(folder: string): string {
  const path = join(folder, ".git");
  const kind = attempt(() => lstatSync(path));
  if (kind?.isDirectory() === true) return path;
  // A linked working tree has a file instead.
  const pointer = kind?.isFile() === true ? /^gitdir: (.*)$/m.exec(read(path))?.[1] : undefined;
  if (pointer !== undefined) return resolve(folder, pointer);
  const above = dirname(folder);
  return above === folder || isGitDir(folder) ? folder : gitDirAround(above);
}

function isGitDir(folder: string): boolean {
  return ["HEAD", "objects", "refs"].every((name) => existsSync(join(folder, name)));
}

function wordsOf(pid: number): string[] {
  return read(`/proc/${pid}/cmdline`).split("\0");
}

/** Empty for what is gone or not ours to see. */
function read(path: string): string {
  return attempt(() => readFileSync(path, "utf8")) ?? "";
}

function attempt<Value>(look: () => Value): Value | null {
  try {
    return look();
  } catch {
    return null;
  }
}
