import type { Saved } from "../../ipc/workerMessages.ts";
import { git } from "../../system/git.ts";
import type { Repository } from "./place.ts";

/** Of the newest so many commits; the tree is that of all. */
const commitsMax = 100;

/**
 * What the agent's own commits between the base and what was saved say, oldest first, merges left out. They are
 * read as the encoding that each names, whatever git is configured to print; one that is not valid
 * in it, and no UTF-8 either, as Latin-1, so that no character is lost. Throws a `GitError`.
 */
export async function agentMessages(
  repository: Repository,
  { base, commit }: Pick<Saved, "base" | "commit">,
): Promise<string[]> {
  const format = ["-z", "--format=%B", "--encoding=UTF-8", "--no-show-signature", "--no-notes"];
  const range = [
    "--no-merges",
    "--reverse",
    `--max-count=${commitsMax}`,
    `${commit}^@`,
    `^${base}`,
  ];
  const { stdout } = await git({ gitDir: repository.gitDir }, ["log", ...format, ...range, "--"], {
    bytes: true,
  });
  return stdout
    .split("\0")
    .map(readBytes)
    .filter((message) => message.trim() !== "");
}

function readBytes(bytes: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(bytes, "latin1"));
  } catch {
    return bytes;
  }
}
