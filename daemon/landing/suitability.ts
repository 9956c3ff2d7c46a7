import { failure, ok } from "../../ipc/errors.ts";
import type { Failure } from "../../ipc/errors.ts";
import { git } from "../../system/git.ts";
import { findRepository } from "../../system/repository.ts";
import type { Repository } from "../../system/repository.ts";
import { checkedOut } from "./absorb.ts";
import type { Identity, LandingSite, Refs } from "./branch.ts";
import { isAtLeast } from "./writerGit.ts";
import type { GitVersion } from "./writerGit.ts";

/** Why nothing can be landed in a repository, in the order in which a person would repair it. */
type Suitability =
  | { readonly kind: "suitable"; readonly identity: Identity; readonly version: GitVersion }
  | { readonly kind: "refused"; readonly failure: Failure };

/** `merge-tree --write-tree` came with it. */
const gitVersionMin = [2, 38] as const;

export async function suitability(site: LandingSite, refs: Promise<Refs>): Promise<Suitability> {
  const [repository, printed, settings, namesake] = await Promise.all([
    site.repository === null ? findRepository(site.workTree) : ok(site.repository),
    git(site.place, ["version"]),
    configured(site),
    git(site.place, ["show-ref", "--verify", "--quiet", "refs/heads/orchd"], { accept: [0, 1] }),
  ]);
  const version = versionIn(printed.stdout);
  if (!repository.ok) return { kind: "refused", failure: repository.failure };
  const reason =
    versionReason(version, printed.stdout) ??
    repositoryReason(repository.value) ??
    storageReason(settings) ??
    (namesake.code === 0 ? namesakeReason : null) ??
    branchReason(site, await refs);
  if (reason !== null) return refused(reason);
  const identity = identityOf(settings);
  return identity === null ? refused(identityReason) : { kind: "suitable", identity, version };
}

type Reason = { readonly message: string; readonly hint: string };

function refused({ message, hint }: Reason): Suitability {
  return { kind: "refused", failure: failure("unsuitable_repository", message, { hint }) };
}

function versionIn(text: string): GitVersion {
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(text)?.slice(1) ?? []).map(Number);
  return [major, minor];
}

function versionReason(version: GitVersion, text: string): Reason | null {
  if (isAtLeast(version, gitVersionMin)) return null;
  const [leastMajor, leastMinor] = gitVersionMin;
  const message = `${text.trim()} is too old: orchd merges with \`git merge-tree --write-tree\``;
  return { message, hint: `Install git ${leastMajor}.${leastMinor} or newer.` };
}

function repositoryReason(repository: Repository): Reason | null {
  if (repository.bare)
    return {
      message: "the repository is bare: it has no working tree that could follow",
      hint: "Use a clone with a working tree.",
    };
  if (repository.shallow)
    return {
      message: "the repository is a shallow clone: merges need the history it lacks",
      hint: "Run `git fetch --unshallow`.",
    };
  if (repository.partial)
    return {
      message:
        "the repository is a partial clone: objects it lacks cannot be fetched while landing",
      hint: "Use a full clone.",
    };
  return null;
}

function storageReason(settings: ReadonlyMap<string, string>): Reason | null {
  const format = settings.get("extensions.refstorage") ?? "files";
  if (format === "files") return null;
  return {
    message: `the repository keeps its refs as "${format}", which orchd cannot read yet`,
    hint: "Run `git refs migrate --ref-format=files`.",
  };
}

const namesakeReason: Reason = {
  message: "there is a branch named orchd, so there can be no branch orchd/<target>",
  hint: "Rename it: `git branch -m orchd another-name`.",
};

function branchReason(site: LandingSite, { target, checkedOutAt }: Refs): Reason | null {
  if (site.target === "orchd" || site.target.startsWith("orchd/"))
    return { message: `${site.target} is a branch of orchd's own`, hint: "Name another target." };
  if (target === null)
    return {
      message: `there is no branch ${site.target} with a commit, and it is the target`,
      hint: "Make a first commit there, or name another branch as `target` in orchd.yaml.",
    };
  if (checkedOutAt === null) return null;
  const { message } = checkedOut(site, checkedOutAt);
  return { message, hint: "orchd's branch moves on its own; nobody may have it checked out." };
}

const identityReason: Reason = {
  message: "git does not know who you are, and commits need a name",
  hint: "Run `git config --global user.name …` and `git config --global user.email …`.",
};

function identityOf(settings: ReadonlyMap<string, string>): Identity | null {
  const name = settings.get("user.name")?.trim() ?? "";
  const email = settings.get("user.email")?.trim() ?? "";
  return name === "" || email === "" ? null : { name, email };
}

/** Read with the person's configuration; of several values the last one counts, as for git. */
async function configured(site: LandingSite): Promise<Map<string, string>> {
  const place = { gitDir: site.place.gitDir, configuration: "person" } as const;
  const wanted = "^(user\\.(name|email)|extensions\\.refstorage)$";
  const { stdout } = await git(place, ["config", "--null", "--get-regexp", wanted], {
    accept: [0, 1],
  });
  return new Map(
    stdout.split("\0").map((entry) => {
      const [name = "", ...value] = entry.split("\n");
      return [name, value.join("\n")];
    }),
  );
}
