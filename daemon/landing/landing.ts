import { git, gitLine } from "../../system/git.ts";
import type { Repository } from "../../system/repository.ts";
import type { Oid, TaskId } from "../../ipc/ids.ts";
import { absorbed, rewoundNow } from "./absorb.ts";
import type { Absorbed } from "./absorb.ts";
import { branchRef, isAncestor, readRefs, targetRef } from "./branch.ts";
import type { LandingSite, Transaction, Writer } from "./branch.ts";
import { follow } from "./follow.ts";
import { Foreseer, sweepLive } from "./foresee.ts";
import type { LeftOut } from "./foresee.ts";
import { recoverFollow } from "./followRecovery.ts";
import type { FollowRecovery } from "./followRecovery.ts";
import { keepingOf } from "./keeping.ts";
import type { Keeping } from "./keeping.ts";
import { merge } from "./merge.ts";
import type { MergeRequest, MergeResult } from "./merge.ts";
import { landedTasks, move } from "./move.ts";
import type { LandedTask, MoveRequest, MoveResult } from "./move.ts";
import { prepare } from "./prepare.ts";
import type { LandingStart } from "./prepare.ts";
import { settleRewind } from "./rewind.ts";
import type { Rewind, RewindResult } from "./rewind.ts";
import { pinnedResolutions, resolution, unpinResolutions } from "./resolution.ts";
import type { PinnedResolution, Resolution, ResolutionRequest } from "./resolution.ts";
import { roomFor } from "./room.ts";
import type { Room } from "./room.ts";
import { Signer } from "./signer.ts";
import type { SigningPolicy } from "./signer.ts";
import type { FollowRequest, FollowResult } from "./target.ts";
import { TreeAttributes } from "./treeAttributes.ts";

/**
 * The single writer of the repository. It carries out steps and reports facts; what to do about them
 * is decided in the core. Every step may be asked again after a crash at any point. Steps wait for
 * each other here, so a follow and a merge that are asked for at once cannot meet.
 */
export type Landing = {
  /** First of all and once a supervisor; the other steps need it to have answered `ready`. */
  readonly prepare: () => Promise<LandingStart>;
  readonly merge: (request: MergeRequest) => Promise<MergeResult>;
  readonly move: (request: MoveRequest) => Promise<MoveResult>;
  readonly follow: (request: FollowRequest) => Promise<FollowResult>;
  /** What the person committed comes into orchd's branch, as it does before each landing. */
  readonly look: () => Promise<Absorbed>;
  /** Done by `prepare` and at the start of `follow`; again when it answered `busy`. */
  readonly recoverFollow: () => Promise<FollowRecovery>;
  readonly settleRewind: (how: Rewind) => Promise<RewindResult>;
  /**
   * Waits for nothing: whether two commits would merge; the files that conflict, but for those left out.
   * Rejects with a `GitError`.
   */
  readonly foresee: (one: Oid, other: Oid, leftOut: LeftOut) => Promise<readonly string[]>;
  /** Removes the running states (`refs/orchd/live`) of all tasks but these. Rejects with a `GitError`. */
  readonly sweepLive: (running: ReadonlySet<TaskId>) => Promise<void>;
  /** Looks at a person's commit and pins it. What is decided against is to be unpinned. */
  readonly resolution: (request: ResolutionRequest) => Promise<Resolution>;
  /** Waits for nothing. Rejects with a `GitError`. */
  readonly pinnedResolutions: () => Promise<PinnedResolution[]>;
  readonly unpinResolutions: (pinned: readonly PinnedResolution[]) => Promise<Transaction>;
  /** How commits are signed from now on; what could not be signed is tried again at the next step. */
  readonly signBy: (policy: SigningPolicy) => void;
  /** A signature that is waited for is given up, and no commit is signed any more: the end is near. */
  readonly stopSigning: () => void;
  /** `tell` hears which `.gitattributes` merges do not go by, or not by all lines of: files below them conflict. */
  readonly tellLeftOut: (tell: (paths: readonly string[]) => void) => void;
  /** As of the last merge; none: it goes by all of them. */
  readonly leftOutAttributes: () => readonly string[];
  /** Rejects with a `GitError`. */
  readonly landedTasks: (since: Oid | null) => Promise<LandedTask[]>;
  /** For status; waits for nothing. Rejects with a `GitError`. */
  readonly view: () => Promise<LandingTips>;
  /** Ends the gits it keeps; a step that is asked for afterwards starts them again. */
  readonly close: () => Promise<void>;
  /** Rejects where git does not know one of them. */
  readonly isAncestor: (old: Oid, young: Oid) => Promise<boolean>;
  /** Rejects with a `GitError`. */
  readonly hasRef: (ref: string) => Promise<boolean>;
  /** Waits for nothing. Rejects with a `GitError`. */
  readonly roomFor: (task: TaskId) => Promise<Room>;
  readonly keeping: Keeping;
};

type LandingTips = {
  readonly tip: Oid | null;
  readonly targetTip: Oid | null;
  /** Commits on orchd's branch, by first parents, that the target does not have. */
  readonly ahead: number;
  /** What the next landing will meet: the person took back what the target had. In words. */
  readonly rewound: string | null;
};

export type LandingOptions = {
  /** The common directory; absolute. */
  readonly gitDir: string;
  /** The main working tree; absolute. */
  readonly workTree: string;
  /** The person's branch, short. */
  readonly target: string;
  readonly epoch: number;
  /** If the caller has just found it: `prepare` then asks git for less. */
  readonly repository?: Repository;
  /** Default: as the person's git does it, within 30 seconds. */
  readonly signing?: SigningPolicy;
  /** Search path of the person's filters; default: that of this process. */
  readonly path?: string;
};

export function createLanding(options: LandingOptions): Landing {
  const place = { gitDir: options.gitDir };
  const path = options.path ?? null;
  const site: LandingSite = {
    place,
    workTree: options.workTree,
    target: options.target,
    epoch: options.epoch,
    repository: options.repository ?? null,
    path,
    signer: new Signer(place, path, options.signing ?? signingDefault),
    attributes: new TreeAttributes(place, options.epoch),
  };
  const inTurn = oneAtATime();
  const foreseer = new Foreseer(site);
  let prepared: Writer | null = null;
  const writer = (): Writer => {
    if (prepared === null) throw new Error("landing was not prepared");
    return prepared;
  };
  const asWriter = <Value>(step: (writer: Writer) => Promise<Value>): Promise<Value> =>
    inTurn(async () => await step(writer()));
  return {
    prepare: () =>
      inTurn(async () => {
        const made = await prepare(site);
        await prepared?.git.close();
        prepared = made.writer;
        return made.start;
      }),
    merge: (request) => asWriter((writer) => merge(writer, request)),
    move: (request) => asWriter((writer) => move(writer, request)),
    follow: (request) => asWriter((writer) => follow(writer, request)),
    look: () => asWriter(async (writer) => (await absorbed(writer)).absorbed),
    recoverFollow: () => asWriter(recoverFollow),
    settleRewind: (how) => asWriter((writer) => settleRewind(writer, how)),
    foresee: (one, other, leftOut) => foreseer.merge(one, other, leftOut),
    sweepLive: (running) => asWriter((writer) => sweepLive(writer, running)),
    resolution: (request) => asWriter((writer) => resolution(writer, request)),
    pinnedResolutions: () => pinnedResolutions(site),
    unpinResolutions: (pinned) => asWriter((writer) => unpinResolutions(writer, pinned)),
    signBy: (policy) => site.signer.follow(policy),
    stopSigning: () => site.signer.stop(),
    tellLeftOut: (tell) => site.attributes.tellLeftOut(tell),
    leftOutAttributes: () => site.attributes.leftOut,
    landedTasks: (since) => landedTasks(site, since),
    close: () =>
      inTurn(async () => {
        await Promise.all([prepared?.git.close(), site.attributes.close()]);
      }),
    view: () => view(site),
    isAncestor: (old, young) => isAncestor(site, old, young),
    hasRef: (ref) => hasRef(site, ref),
    roomFor: (task) => roomFor(site, task),
    keeping: keepingOf(site, writer, asWriter),
  };
}

const signingDefault: SigningPolicy = { sign: "auto", timeoutMs: 30_000 };

/** Each call starts when the one before has ended, well or badly. */
function oneAtATime(): <Value>(step: () => Promise<Value>) => Promise<Value> {
  let last: Promise<unknown> = Promise.resolve();
  return (step) => {
    const next = last.then(step, step);
    last = next.catch(() => undefined);
    return next;
  };
}

async function hasRef({ place }: LandingSite, ref: string): Promise<boolean> {
  const args = ["show-ref", "--verify", "--quiet", ref];
  return (await git(place, args, { accept: [0, 1] })).code === 0;
}

async function view(site: LandingSite): Promise<LandingTips> {
  const refs = await readRefs(site);
  const { tip, target } = refs;
  const tips = { tip: tip?.oid ?? null, targetTip: target?.oid ?? null };
  if (tip === null || target === null || tip.oid === target.oid)
    return { ...tips, ahead: 0, rewound: null };
  const range = [branchRef(site), `^${targetRef(site)}`];
  const [count, rewound] = await Promise.all([
    gitLine(site.place, ["rev-list", "--count", "--first-parent", ...range]),
    rewoundNow(site, refs),
  ]);
  return { ...tips, ahead: Number(count), rewound: rewound?.message ?? null };
}
