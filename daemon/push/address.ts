import { git } from "../../system/git.ts";
import type { GitPlace } from "../../system/git.ts";
import { protocolOf, protocols, withoutPasswords } from "../../system/remoteGit.ts";
import type { Protocol } from "../../system/remoteGit.ts";

/** How the remote is reached, as the person has configured it. */
export type Address = {
  readonly protocol: Protocol;
  /** Where is looked at it differs from where is pushed to: then this is looked at instead. */
  readonly pushUrl: string | null;
  /** `core.sshCommand`; `null`: it is not set. */
  readonly sshCommand: string | null;
};

/** The address, or in words why there is none. Throws a `GitError`. */
export async function addressOf(gitDir: string, remote: string): Promise<Address | string> {
  const place: GitPlace = { gitDir, configuration: "person" };
  const [urls, fetchUrls, sshCommands] = await Promise.all([
    lines(place, ["remote", "get-url", "--push", "--all", remote]),
    lines(place, ["remote", "get-url", "--all", remote]),
    lines(place, ["config", "--get-all", "core.sshCommand"]),
  ]);
  const [url, another] = urls;
  if (url === undefined)
    return `there is no remote ${remote}; \`git remote add ${remote} URL\` makes one`;
  if (another !== undefined)
    return `the remote ${remote} has several addresses to push to; orchd pushes to one`;
  const protocol = protocolOf(url);
  if (protocol === null)
    return `orchd does not push to ${withoutPasswords(url)}: only by ${protocols.join(", ")}`;
  // The last one is ours, which `system/git.ts` puts behind the person's.
  const sshCommand = sshCommands.at(-2) ?? null;
  return { protocol, pushUrl: fetchUrls[0] === url ? null : url, sshCommand };
}

/** 1: no such setting; 2: no such remote. */
const answers = [0, 1, 2] as const;

async function lines(place: GitPlace, args: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await git(place, args, { accept: answers });
  return stdout.split("\n").filter((line) => line !== "");
}
