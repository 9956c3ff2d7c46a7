import { changedPaths, firstParents, isAncestor, mergeBase, mergeFiles } from "./git.ts";
import { never } from "./timeline.ts";
import { maskOf, pathsIn } from "./paths.ts";
import type { Commit, Files } from "./git.ts";
import type { Landing } from "../../daemon/landing/landing.ts";
import type { FollowRequest, FollowResult } from "../../daemon/landing/target.ts";
import type { MergeRequest, MergeResult } from "../../daemon/landing/merge.ts";
import type { MoveRequest, MoveResult } from "../../daemon/landing/move.ts";
import type { Rewind, RewindResult } from "../../daemon/landing/rewind.ts";
import type { Machine } from "./machine.ts";
import type {
  PinnedResolution,
  Resolution,
  ResolutionRequest,
} from "../../daemon/landing/resolution.ts";
import type { Transaction } from "../../daemon/landing/branch.ts";
import type { Port } from "./port.ts";

/**
 * The twin of daemon/landing: the same steps with the same answers, on the simulated repository.
 * Each step takes a while, does its one transaction, and takes a while to answer. A supervisor that
 * dies in between leaves the transaction undone, done, or to a git child that comes late; the epoch
 * decides about that one.
 */
type Blocked = Extract<MergeResult, { kind: "held" | "fenced" | "problem" }>;
type Absorbed = { readonly kind: "ready"; readonly tip: Commit } | Blocked;

const fenced = { kind: "fenced" } as const;
const rewound = { kind: "held", why: "rewound", message: "main was reset" } as const;
const stepMsMax = 30;

export class SimLanding implements Pick<
  Landing,
  | "merge"
  | "move"
  | "follow"
  | "look"
  | "settleRewind"
  | "resolution"
  | "pinnedResolutions"
  | "unpinResolutions"
> {
  readonly #machine: Machine;
  readonly #port: Port;
  readonly #epoch: number;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(machine: Machine, port: Port, epoch: number) {
    this.#machine = machine;
    this.#port = port;
    this.#epoch = epoch;
  }

  prepare(): Promise<{ readonly tip: Commit; readonly target: Commit }> {
    return this.#step("prepare", () => {
      const { repository } = this.#machine;
      repository.epoch = this.#epoch;
      return { tip: repository.tip, target: repository.target };
    });
  }

  merge(request: MergeRequest): Promise<MergeResult> {
    return this.#step("merge", () => this.#notSigned(request) ?? this.#merge(request));
  }

  move(request: MoveRequest): Promise<MoveResult> {
    return this.#step("move", () => this.#broken() ?? this.#move(request));
  }

  follow({ takeIn = true }: FollowRequest): Promise<FollowResult> {
    return this.#step("follow", () => this.#broken() ?? this.#follow(takeIn));
  }

  /** Whatever the person made fits. */
  resolution(request: ResolutionRequest): Promise<Resolution> {
    return this.#step("resolution", () => {
      const { repository } = this.#machine;
      if (repository.epoch !== this.#epoch) return fenced;
      return { kind: "ready", saved: repository.pinResolution(request) };
    });
  }

  pinnedResolutions(): Promise<PinnedResolution[]> {
    return Promise.resolve([...this.#machine.repository.resolutions.values()]);
  }

  unpinResolutions(pinned: readonly PinnedResolution[]): Promise<Transaction> {
    return this.#step("unpin", () => {
      const { repository } = this.#machine;
      if (repository.epoch !== this.#epoch) return fenced;
      for (const one of pinned) repository.unpinResolution(one);
      return { kind: "done" };
    });
  }

  look(): ReturnType<Landing["look"]> {
    return this.#step("look", () => {
      const seen = this.#broken() ?? this.#absorbed();
      if (seen.kind !== "ready") return seen;
      const { oid, tree } = seen.tip;
      return {
        kind: "ready",
        tip: { oid, tree: tree.oid },
        target: this.#machine.repository.target.oid,
      };
    });
  }

  settleRewind(how: Rewind): Promise<RewindResult> {
    return this.#step("settleRewind", () => {
      const { repository } = this.#machine;
      if (repository.epoch !== this.#epoch) return fenced;
      if (isAncestor(repository.followed, repository.target))
        return { kind: "nothing", tip: repository.tip.oid };
      const again = how === "reapply" ? this.#madeAgain() : [];
      if (!Array.isArray(again)) return again;
      repository.settleRewind(again);
      if (again.length > 0) this.#machine.fired("reapplied");
      const { tip, target } = repository;
      const kept = "refs/orchd/rewound/now";
      return { kind: "accepted", tip: tip.oid, target: target.oid, kept, reapplied: again.length };
    });
  }

  /** The rules of daemon/landing/reapply.ts: what landed and the person's branch has not, on top of it. */
  #madeAgain(): Commit[] | Extract<RewindResult, { kind: "held" }> {
    const { objects, tip, target } = this.#machine.repository;
    const missing = [...firstParents(tip)].filter(
      (commit) => commit.task !== null && !isAncestor(commit, target),
    );
    const made: Commit[] = [];
    for (const landed of missing.toReversed()) {
      const onto = made.at(-1) ?? target;
      const [base] = landed.parents;
      const merged = mergeFiles(base?.tree.files ?? {}, onto.tree.files, landed.tree.files);
      if (merged.kind === "conflict")
        return { kind: "held", why: "reapply_conflict", message: "conflict", paths: merged.paths };
      const tree = objects.tree(merged.files);
      if (tree !== onto.tree)
        made.push(objects.commit(tree, [onto], landed.task, `again ${landed.oid}`));
    }
    return made;
  }

  #merge(request: MergeRequest): MergeResult {
    const { repository } = this.#machine;
    const { objects } = repository;
    const { onto: front } = request;
    const start = front === undefined ? this.#absorbed() : this.#behind(objects.get(front.commit));
    if (start.kind !== "ready") return start;
    const { tip } = start;
    const [saved, base] = [objects.get(request.saved), objects.get(request.base)];
    const common = isAncestor(base, tip) ? (mergeBase(saved, tip) ?? base) : base;
    const sides = [common, tip, saved].map(({ tree }) => tree.files) as [Files, Files, Files];
    const met = this.#generated(request, sides, tip);
    if (met !== null && "kind" in met) return met;
    const merged =
      met === null ? mergeFiles(...sides) : ({ kind: "clean", files: met.files } as const);
    if (merged.kind === "conflict") {
      this.#machine.fired("merge_conflict");
      if (front !== undefined) return { kind: "conflict_ahead" };
      return { ...merged, ref: `refs/orchd/conflicts/${request.task}`, ours: tip.oid };
    }
    const tree = objects.tree(merged.files);
    if (tree === tip.tree) return { kind: "no_change", onto: tip.oid };
    const commit = objects.commit(tree, [tip], request.task, `${request.at_ms} ${request.message}`);
    const onto = { onto: tip.oid, ontoTree: tip.tree.oid };
    return { kind: "candidate", candidate: commit.oid, tree: tree.oid, ...onto };
  }

  /** Files to land where generated ones meet; what has to be made first; `null`: none meet, or others conflict. */
  #generated(
    { task, at_ms, generated }: MergeRequest,
    [base, ours, theirs]: [Files, Files, Files],
    tip: Commit,
  ): { readonly files: Files } | Extract<MergeResult, { kind: "generate" }> | null {
    if (generated === undefined) return null;
    const { objects } = this.#machine.repository;
    const met = pathsIn(maskOf(generated.globs)).filter(
      (path) =>
        base[path] !== ours[path] && base[path] !== theirs[path] && ours[path] !== theirs[path],
    );
    const replaced = (files: Files): Files => ({
      ...files,
      ...Object.fromEntries(
        met.flatMap((path) => (ours[path] === undefined ? [] : [[path, ours[path]]])),
      ),
    });
    const merged = mergeFiles(replaced(base), ours, replaced(theirs));
    if (met.length === 0 || merged.kind === "conflict") return null;
    const tree = objects.tree(merged.files);
    const known = generated.regenerated;
    if (known?.from === tree.oid) {
      const made = objects.treeOf(known.tree);
      if (made !== undefined) return { files: made.files };
    }
    const commit = objects.commit(tree, [tip], null, `${task} ${at_ms} to be made`);
    const globs = generated.globs.filter((glob) =>
      met.some((path) => (maskOf([glob]) & maskOf([path])) !== 0),
    );
    return { kind: "generate", commit: commit.oid, tree: tree.oid, globs, paths: met };
  }

  #move(request: MoveRequest): MoveResult {
    const { repository } = this.#machine;
    if (repository.epoch !== this.#epoch) return fenced;
    const candidate = repository.objects.get(request.candidate);
    const { tip } = repository;
    if ([...firstParents(tip)].includes(candidate)) return { kind: "already" };
    if (tip.oid !== request.onto) return { kind: "outdated", tip: tip.oid };
    if (repository.isRewound) return { ...rewound, paths: [] };
    if (candidate.parents[0] !== tip) this.#machine.fired("landed_together");
    repository.land(candidate, (tasks) => this.#machine.checker.verifyOf(tasks));
    return { kind: "moved" };
  }

  #behind(front: Commit): Absorbed {
    const { repository } = this.#machine;
    return repository.epoch === this.#epoch ? { kind: "ready", tip: front } : fenced;
  }

  #follow(takeIn: boolean): FollowResult {
    const { repository } = this.#machine;
    const { followed, target: theirs, tip } = repository;
    if (!takeIn && isAncestor(followed, theirs) && !isAncestor(theirs, tip)) {
      return { kind: "waiting", reason: "the checks run", paths: [] };
    }
    const start = this.#absorbed();
    if (start.kind === "held")
      return start.why === "rewound"
        ? { kind: "rewound", tip: repository.target.oid, message: start.message }
        : { kind: "waiting", reason: start.message, paths: start.paths };
    if (start.kind !== "ready") return start;
    const { target } = repository;
    if (target === start.tip) return { kind: "current", tip: target.oid };
    const touched = changedPaths(target.tree.files, start.tip.tree.files);
    const edited = touched.filter((path) => repository.edits.has(path));
    if (edited.length > 0) return { kind: "waiting", reason: "edited", paths: edited };
    repository.follow(start.tip);
    return { kind: "followed", from: target.oid, to: start.tip.oid };
  }

  /** The rules of daemon/landing/absorb.ts. */
  #absorbed(): Absorbed {
    const { repository } = this.#machine;
    const { tip, target, followed } = repository;
    if (repository.epoch !== this.#epoch) return fenced;
    if (target === followed) return { kind: "ready", tip };
    if (!isAncestor(followed, target))
      return {
        kind: "held",
        why: "rewound",
        message: `main was reset to ${target.oid}`,
        paths: [],
      };
    const next = this.#nextTip(tip, target);
    if (next.kind !== "ready") return next;
    if (next.tip !== tip) repository.absorb(next.tip);
    repository.followed = target;
    return next;
  }

  #nextTip(tip: Commit, target: Commit): Absorbed {
    if (isAncestor(target, tip)) return { kind: "ready", tip };
    if ([...firstParents(target)].includes(tip)) return { kind: "ready", tip: target };
    const base = mergeBase(tip, target)?.tree.files ?? {};
    const merged = mergeFiles(base, tip.tree.files, target.tree.files);
    const message = "new commits on main conflict with what landed";
    if (merged.kind === "conflict")
      return { kind: "held", why: "absorb_conflict", message, paths: merged.paths };
    const { objects } = this.#machine.repository;
    const tree = objects.tree(merged.files);
    return { kind: "ready", tip: objects.commit(tree, [tip, target], null, "absorb") };
  }

  /** As often as not what stands in the way is the person's key. */
  #notSigned({ at_ms }: MergeRequest): Blocked | null {
    const broken = this.#broken();
    if (broken === null || at_ms % 2 === 0) return broken;
    return { kind: "held", why: "signature", message: "needs signature: locked", paths: [] };
  }

  #broken(): { readonly kind: "problem"; readonly message: string } | null {
    if (!this.#machine.takeArmed("git_problem")) return null;
    return { kind: "problem", message: "git was killed" };
  }

  /** One step after the other, as in the product. */
  #step<Value>(name: string, transact: () => Value): Promise<Value> {
    const next = this.#turn.then(() => this.#carryOut(name, transact));
    this.#turn = next;
    return next;
  }

  async #carryOut<Value>(name: string, transact: () => Value): Promise<Value> {
    const { timeline, random } = this.#machine;
    if (!this.#port.pass(`git ${name} begins`)) return never();
    if (name !== "prepare" && this.#machine.takeArmed("git_late")) {
      this.#port.die();
      this.#leftBehind(name, transact);
      return never();
    }
    await timeline.elapse(random.int(1, stepMsMax));
    if (!this.#port.alive) {
      if (random.chance(0.5)) this.#leftBehind(name, transact);
      return never();
    }
    const value = transact();
    this.#machine.note("git", name, value);
    if (!this.#port.pass(`git ${name} done`)) return never();
    await timeline.elapse(random.int(0, 5));
    return this.#port.pass(`git ${name} answered`) ? value : never();
  }

  /** A git child outlives the supervisor that started it, until the next one ends or fences it. */
  #leftBehind(name: string, transact: () => unknown): void {
    if (name === "prepare") return;
    this.#machine.timeline.after(this.#machine.random.logarithmic(1, 3_000), () => {
      this.#machine.note("git", `${name}, late`, transact());
    });
  }
}
