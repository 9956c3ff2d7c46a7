import type { Oid } from "../../ipc/ids.ts";
import type { Finished } from "../../system/spawn.ts";

/** What people are told when a push is held or has failed, and what they can do. */
export type Facts = {
  readonly remote: string;
  /** Of the remote, short. */
  readonly branch: string;
  /** The person's, short. */
  readonly target: string;
  /** Where the remote's branch is. */
  readonly seen: Oid | null;
};

export function gone({ remote, branch, target }: Facts): string {
  return `${branch} is gone from ${remote}; \`git push ${remote} orchd/${target}:${branch}\` makes it again`;
}

export function rewoundThere({ remote, branch, target, seen }: Facts): string {
  return `${branch} on ${remote} was set back to ${short(seen)}; \`git push ${remote} orchd/${target}:${branch}\` brings it forward again`;
}

export function remoteAhead({ remote, branch, target }: Facts): string {
  return `${remote} has commits on ${branch} that are not in orchd/${target}; \`git pull ${remote} ${branch}\` on ${target} takes them in`;
}

export function rewoundHere({ remote, branch, target, seen }: Facts): string {
  const lease = `--force-with-lease=${branch}:${short(seen)}`;
  return `a rewind of ${target} was accepted here, and ${remote} still has what it took away; \`git push ${lease} ${remote} orchd/${target}:${branch}\` takes it away there`;
}

function short(oid: Oid | null): string {
  return oid?.slice(0, 12) ?? "nothing";
}

const linesMax = 3;
const wordsMax = 500;

/** The reason in what git and the server said: not the advice, nor where it went. */
export function saidBy({ stdout, stderr, problem, code }: Finished): string {
  if (problem !== null) return problem;
  const refused = stdout
    .split("\n")
    .flatMap((line) => /^!\t[^\t]*\t(.*)$/.exec(line)?.[1] ?? [])
    .map((words) => words.trim());
  const rest = stderr
    .split("\n")
    .map((line) => line.trim())
    .filter(
      (line) => line !== "" && !/^(?:hint:|To |Done$|remote:\s*$|error: failed to push)/.test(line),
    );
  const said = [...refused, ...rest].slice(0, linesMax).join("; ").slice(0, wordsMax);
  return said === "" ? `git push ended with exit code ${code ?? "none"}` : said;
}
