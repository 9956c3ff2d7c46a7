import { git } from "../../system/git.ts";
import { isOid } from "../../ipc/ids.ts";
import type { KeptRef } from "../core/retention.ts";
import { brokenBy, transact } from "./branch.ts";
import type { Broken, Fenced, LandingSite, Writer } from "./branch.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * The refs that pile up, and their removal. Which ones, the core says (core/retention.ts). Removing a ref
 * removes no object: git's own `gc` does that, when the person runs it and long after.
 */
const collected = [
  "attempts",
  "bases",
  "strays",
  "candidates",
  "conflicts",
  "generated",
  "resolutions",
  "rewound",
] as const;
const refsOf = (kind: string): string => `refs/orchd/${kind}`;

/** Throws a `GitError`. */
export async function keptRefs(site: LandingSite, nowMs: number): Promise<KeptRef[]> {
  const format = "--format=%(refname)%00%(objectname)%00%(committerdate:unix)";
  const { stdout } = await git(site.place, ["for-each-ref", format, ...collected.map(refsOf)]);
  return stdout.split("\n").flatMap((line) => {
    const [name = "", oid = "", seconds = ""] = line.split("\0");
    if (!isOid(oid)) return [];
    const madeMs = seconds === "" ? nowMs : Number(seconds) * 1000;
    return [{ name, oid, at: settledAt(name) ?? madeMs }];
  });
}

/** As `settleRewind` names it: 20261121T094310123Z. */
function settledAt(name: string): number | null {
  const stamp = /^refs\/orchd\/rewound\/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/.exec(name);
  if (stamp === null) return null;
  const [, year, month, day, hour, minute, second, ms] = stamp;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
}

/** In one transaction, which also holds the file of packed refs: not more at once than is quick. */
export const droppedAtOnceMax = 500;

export type Dropped = { readonly kind: "dropped" } | Fenced | Broken;

/** All of them or none; one that is not what it was is a problem. */
export async function dropRefs(writer: Writer, refs: readonly KeptRef[]): Promise<Dropped> {
  const changes = refs.map(({ name, oid }) => ({ ref: name, to: null, from: oid }));
  const done = await failpoint("gc.refs", () => transact(writer, changes));
  return done.kind === "done" ? { kind: "dropped" } : done;
}

const usageMsMax = 60_000;

/**
 * Bytes on disk of the objects that nothing else of the repository names; `null`: it is not known.
 * Reflogs are not looked at, so it may be less.
 */
export async function bytesOf(site: LandingSite, refs: readonly KeptRef[]): Promise<number | null> {
  if (refs.length === 0) return 0;
  try {
    const going = new Set(refs.map(({ name }) => name));
    const format = "--format=%(refname)%00%(objectname)";
    const { stdout } = await git(site.place, ["for-each-ref", format]);
    const staying = stdout.split("\n").flatMap((line) => {
      const [name = "", oid = ""] = line.split("\0");
      return isOid(oid) && !going.has(name) ? [`^${oid}`] : [];
    });
    const input = [...refs.map(({ oid }) => oid), ...new Set(staying)].join("\n");
    const args = ["rev-list", "--objects", "--disk-usage", "--stdin"];
    const said = await git(site.place, args, { input: `${input}\n`, timeoutMs: usageMsMax });
    return Number(said.stdout.trim());
  } catch (error) {
    brokenBy(error);
    return null;
  }
}
