import { GitError, git } from "../../system/git.ts";
import { isOid } from "../../ipc/ids.ts";
import { remoteGit } from "../../system/remoteGit.ts";
import type { Finished } from "../../system/spawn.ts";
import type { Oid } from "../../ipc/ids.ts";
import type { PushPlace } from "../core/coreSettings.ts";
import { addressOf } from "./address.ts";
import type { Address } from "./address.ts";
import { gone, remoteAhead, rewoundHere, rewoundThere, saidBy } from "./words.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * One push of orchd's branch, by name of the commit, onto what the remote's branch is known to be:
 *
 *     git push --atomic --force-with-lease=refs/heads/main:<accepted> origin <to>:refs/heads/main
 *
 *     it has <accepted>            it moves forward: pushed
 *     it has <to>                  pushed before, and the answer was lost: pushed
 *     anything else                refused, and looked at (`ls-remote`):
 *       in <to>, above <accepted>    a part of it arrived, or the person pushed it: again, onto that
 *       in <to>, below <accepted>    set back by somebody: held
 *       not in <to>                  somebody pushed, or a rewind was accepted here: held
 *       gone                         held
 *
 * Nothing is ever taken from the remote: every push is a fast-forward by our own reckoning, and the
 * lease has the server compare what that reckoning began with. Held means that a person acts, with git
 * alone; that is found out at the next try.
 */
export type PushSite = {
  /** The common directory; absolute. */
  readonly gitDir: string;
  /** The main working tree; absolute. */
  readonly workTree: string;
  /** The person's branch, short: `main`. */
  readonly target: string;
};

export type PushRequest = {
  readonly place: PushPlace;
  readonly to: Oid;
  /** What the remote's branch was last; `null`: nobody knows. */
  readonly accepted: Oid | null;
  readonly timeoutMs: number;
  readonly hook: boolean;
};

export type PushResult =
  { readonly kind: "pushed" } | { readonly kind: "held" | "failed"; readonly message: string };

/** Never rejects but for a bug. May be asked again after a crash at any point. */
export async function push(
  site: PushSite,
  request: PushRequest,
  signal: AbortSignal,
): Promise<PushResult> {
  try {
    const address = await addressOf(site.gitDir, request.place.remote);
    if (typeof address === "string") return failed(address);
    return await pushTo(new Remote(site, request, address, signal));
  } catch (error) {
    if (error instanceof GitError) return failed(error.message);
    throw error;
  }
}

async function pushTo(remote: Remote): Promise<PushResult> {
  const { accepted, to } = remote.request;
  if (accepted !== null && (await remote.contains(to, accepted)) === "yes") {
    const first = await remote.push(accepted);
    if (first !== "refused") return first;
  }
  const seen = await remote.look();
  if (typeof seen === "object" && seen !== null) return seen;
  const judged = await judge(remote, seen);
  if (judged !== "push") return judged;
  const second = await remote.push(seen);
  return second === "refused" ? failed("the remote's branch moved at that moment") : second;
}

/** What it means that the remote's branch is at `seen`; `null`: there is none. */
async function judge(remote: Remote, seen: Oid | null): Promise<PushResult | "push"> {
  const { request, site } = remote;
  const { accepted, to } = request;
  const facts = { ...request.place, target: site.target, seen };
  if (seen === to) return pushed;
  if (seen === null) return accepted === null ? "push" : held(gone(facts));
  if ((await remote.contains(to, seen)) !== "yes")
    return held(seen === accepted ? rewoundHere(facts) : remoteAhead(facts));
  const wasFurther =
    accepted !== null && seen !== accepted && (await remote.contains(accepted, seen)) === "yes";
  return wasFurther ? held(rewoundThere(facts)) : "push";
}

const pushed: PushResult = { kind: "pushed" };
const held = (message: string): PushResult => ({ kind: "held", message });
const failed = (message: string): PushResult => ({ kind: "failed", message });

/** Name of a remote that exists for one look only, at where is pushed to. */
const lookRemote = "orchd-look";

class Remote {
  readonly site: PushSite;
  readonly request: PushRequest;
  readonly #address: Address;
  readonly #signal: AbortSignal;

  constructor(site: PushSite, request: PushRequest, address: Address, signal: AbortSignal) {
    this.site = site;
    this.request = request;
    this.#address = address;
    this.#signal = signal;
  }

  /** `onto`: what it must be at; `null`: it must not exist. `refused`: it is elsewhere. */
  async push(onto: Oid | null): Promise<PushResult | "refused"> {
    const { place, to, hook } = this.request;
    const ref = `refs/heads/${place.branch}`;
    const options = [
      "--porcelain",
      "--atomic",
      "--no-follow-tags",
      "--recurse-submodules=no",
      `--force-with-lease=${ref}:${onto ?? ""}`,
      ...(hook ? [] : ["--no-verify"]),
    ];
    const said = await failpoint("push.push", () =>
      this.#git(["push", ...options, "--", place.remote, `${to}:${ref}`]),
    );
    if (said.code === 0) return pushed;
    // As in `! refs/heads/main:refs/heads/main [rejected] (stale info)`; `[remote rejected]` is the server's own no.
    return /^!\t[^\t]*\t\[rejected\]/m.test(said.stdout) ? "refused" : failed(saidBy(said));
  }

  /** Where the branch is; `null`: nowhere. */
  async look(): Promise<Oid | null | PushResult> {
    const { remote, branch } = this.request.place;
    const ref = `refs/heads/${branch}`;
    const { pushUrl } = this.#address;
    const said = await this.#git(
      ["ls-remote", "--refs", "--", pushUrl === null ? remote : lookRemote, ref],
      pushUrl,
    );
    if (said.code !== 0) return failed(saidBy(said));
    const line = said.stdout.split("\n").find((one) => one.endsWith(`\t${ref}`));
    const oid = line?.split("\t")[0];
    return oid !== undefined && isOid(oid) ? oid : null;
  }

  /** `unknown`: one of them is not in this repository. */
  async contains(young: Oid, old: Oid): Promise<"yes" | "no" | "unknown"> {
    const args = ["merge-base", "--is-ancestor", old, young];
    const { code } = await git({ gitDir: this.site.gitDir }, args, { accept: [0, 1, 128] });
    if (code === 128) return "unknown";
    return code === 0 ? "yes" : "no";
  }

  #git(args: readonly string[], url: string | null = null): Promise<Finished> {
    const { protocol, sshCommand } = this.#address;
    const { timeoutMs, hook: hooks } = this.request;
    const signal = this.#signal;
    const config = url === null ? {} : { [`remote.${lookRemote}.url`]: url };
    return remoteGit(this.site, args, { protocol, sshCommand, timeoutMs, hooks, signal, config });
  }
}
