import { constants } from "node:fs";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { git } from "../../system/git.ts";
import { alternatesOf, gitConfiguration } from "./ownGit.ts";
import type { Base, Place, Repository } from "./place.ts";
import { failpoint } from "../../system/failpoint.ts";

/** The branch an agent finds itself on. */
const agentBranch = "work";

/**
 * Makes the agent's `.git`: a complete repository of its own on branch `work` at the base, sharing
 * the objects of the person's repository, without remotes. It is written file by file because that
 * takes a millisecond, so every attempt gets a new one: a hook, an alias or a filter that an earlier
 * agent configured is gone. Our index is copied, so `git status` need not read every file first.
 */
export async function writeAgentGit(
  place: Place,
  repository: Repository,
  base: Base,
): Promise<void> {
  const dir = join(place.workTree, ".git");
  for (const folder of ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info", "hooks"])
    await mkdir(join(dir, folder), { recursive: true });
  const configuration = await agentConfiguration(repository, base);
  await failpoint("agentGit.write", async () => {
    await Promise.all([
      writeFile(join(dir, "HEAD"), `ref: refs/heads/${agentBranch}\n`),
      writeFile(join(dir, "refs/heads", agentBranch), `${base.commit}\n`),
      writeFile(join(dir, "config"), configuration),
      writeFile(join(dir, "objects/info/alternates"), alternatesOf(repository)),
      copyFile(join(place.ownGit, "info/exclude"), join(dir, "info/exclude")),
      copyFile(join(place.ownGit, "index"), join(dir, "index"), constants.COPYFILE_FICLONE),
    ]);
  });
}

async function agentConfiguration(repository: Repository, base: Base): Promise<string> {
  const identity = await identityOf(repository);
  return [
    gitConfiguration(base),
    "[user]",
    `\tname = ${quoted(identity.name)}`,
    `\temail = ${quoted(identity.email)}`,
    "[gc]",
    "\tauto = 0",
    "[maintenance]",
    "\tauto = false",
    // Every push, whatever its address, asks for a program of this name: git refuses and prints it.
    '[url "orchd-lands-this-itself-and-pushes-nothing::"]',
    '\tpushInsteadOf = ""',
    "[commit]",
    "\tgpgSign = false",
    "[tag]",
    "\tgpgSign = false",
    "",
  ].join("\n");
}

type Identity = { readonly name: string; readonly email: string };
const neutral: Identity = { name: "orchd agent", email: "agent@localhost" };
const identities = new Map<string, Promise<Identity>>();

/** The person's identity in this repository, asked for once; agents that commit do it in that name. */
async function identityOf(repository: Repository): Promise<Identity> {
  const known = identities.get(repository.gitDir) ?? readIdentity(repository);
  identities.set(repository.gitDir, known);
  return await known;
}

async function readIdentity(repository: Repository): Promise<Identity> {
  const { stdout } = await git(
    { gitDir: repository.gitDir, configuration: "person" },
    ["config", "-z", "--get-regexp", "^user\\.(name|email)$"],
    { accept: [0, 1] },
  );
  const values = new Map(
    stdout.split("\0").map((entry) => {
      const at = entry.indexOf("\n");
      return [entry.slice(0, at), entry.slice(at + 1)] as const;
    }),
  );
  return {
    name: values.get("user.name") ?? neutral.name,
    email: values.get("user.email") ?? neutral.email,
  };
}

function quoted(value: string): string {
  return `"${value.replaceAll(/[\\"]/g, "\\$&").replaceAll("\n", " ")}"`;
}
