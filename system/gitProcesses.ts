import { readFileSync } from "node:fs";
import { basename } from "node:path";
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

/** Whether anybody runs git with such a word among its arguments, on whatever repository. */
export function doesAnybodyRun(command: RegExp): boolean {
  return listPids().some((pid) => {
    const [program = "", ...words] = wordsOf(pid);
    return basename(program) === "git" && words.some((word) => command.test(word));
  });
}

function wordsOf(pid: number): string[] {
  return read(`/proc/${pid}/cmdline`).split("\0");
}

/** Empty for what is gone or not ours to see. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
