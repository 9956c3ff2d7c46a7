import { ancestorsOf, changedPaths, firstParents, isAncestor, mergeBase, Objects } from "./git.ts";
import { commands } from "./scenario.ts";
import { must } from "./violation.ts";
import { resolutionRef } from "../../daemon/landing/branch.ts";
import { paths } from "./paths.ts";
import type { Argv } from "../../ipc/taskSpec.ts";
import type { Commit, Files, Tree } from "./git.ts";
import type { Oid, TaskId } from "../../ipc/ids.ts";
import type { PinnedResolution } from "../../daemon/landing/resolution.ts";
import type { Random } from "./random.ts";
import type { Saved } from "../../ipc/workerMessages.ts";

/** Far beyond the longest chain. */
const chainMax = 64;

/**
 * The repository with the person who works in it, and the rules nobody may break whatever moves a
 * ref: S2 (one commit a task), S7 (nothing a person did is undone, the branch grows by first parents)
 * and S8 (only the writer moves orchd's branch, to what passed its checks).
 */
export class Repository {
  readonly objects = new Objects();
  /** refs/orchd/epoch: who may write. */
  epoch = 0;
  tip: Commit;
  target: Commit;
  followed: Commit;
  /** The branch of the remote; `null`: nothing was pushed yet. */
  remote: Commit | null = null;
  /** The person had what they took back taken away there as well. */
  remoteForced = false;
  /** refs/orchd/attempts/<task>/<n> */
  readonly saved = new Map<string, Commit>();
  /** refs/orchd/resolutions/<task>/<request> */
  readonly resolutions = new Map<string, PinnedResolution>();
  /** The person's files that are changed and not committed. */
  readonly edits = new Map<string, string>();
  /** Commits that the person took off their branch. */
  readonly resetAway = new Set<Commit>();
  /** Tasks whose commit left orchd's branch, because the person said so. */
  readonly rewound = new Set<TaskId>();
  /** Tree → the commands that some gate run saw pass on it. */
  readonly #passed = new Map<Oid, Set<string>>();
  /** Task → its commit on orchd's branch. */
  readonly landed = new Map<TaskId, Oid>();
  landings = 0;
  readonly #random: Random;
  #changes = 0;

  constructor(random: Random) {
    this.#random = random;
    const files = Object.fromEntries(paths.map((path) => [path, "first"]));
    const first = this.objects.commit(this.objects.tree(files), [], null, "first");
    this.tip = first;
    this.target = first;
    this.followed = first;
  }

  /** The writer moves orchd's branch: to a candidate, with those that were merged in front of it. */
  land(
    candidate: Commit,
    verifyOf: (tasks: readonly TaskId[]) => readonly (readonly Argv[])[],
  ): void {
    const chain = firstParents(candidate);
    const landing: Commit[] = [];
    for (const commit of chain) {
      if (commit === this.tip || landing.length > chainMax) break;
      landing.unshift(commit);
    }
    must(
      landing[0]?.parents[0] === this.tip,
      "S7",
      () => "a landing that is not on top of the tip",
    );
    const tasks = landing.flatMap(({ task }) => task ?? []);
    must(tasks.length === landing.length, "S7", () => "a landing of what is no task's");
    must(
      verifyOf(tasks).some((all) => this.hasPassed(candidate.tree.oid, all)),
      "S8",
      () => `${tasks.join()} land with a tree that no gate saw pass`,
    );
    for (const { task, oid } of landing) {
      if (task === null) continue;
      must(!this.landed.has(task), "S2", () => `${task} lands a second time`);
      this.landed.set(task, oid);
    }
    this.tip = candidate;
    this.landings += landing.length;
  }

  /** The person's commits come into orchd's branch. */
  absorb(next: Commit): void {
    const kept = [...firstParents(next)].includes(this.tip);
    must(kept, "S7", () => "orchd's branch would lose its tip from its first parents");
    must(!this.#bringsBack(next), "S7", () => "what the person reset comes into orchd's branch");
    this.tip = next;
  }

  /** The person's branch and their checkout move along. */
  follow(to: Commit): void {
    must(isAncestor(this.target, to), "S7", () => "the person's branch would lose commits");
    must(!this.#bringsBack(to), "S7", () => "what the person reset comes back");
    const touched = changedPaths(this.target.tree.files, to.tree.files);
    const overwritten = touched.find((path) => this.edits.has(path));
    must(overwritten === undefined, "S7", () => `${overwritten} was edited and is overwritten`);
    this.target = to;
    this.followed = to;
  }

  /** The person took back what orchd had accounted for. */
  get isRewound(): boolean {
    return !isAncestor(this.followed, this.target);
  }

  /** orchd's branch becomes the person's, with what landed on top of it again. */
  settleRewind(again: readonly Commit[]): void {
    const tip = again.at(-1) ?? this.target;
    must(isAncestor(this.target, tip), "S7", () => "the person's branch is not below it");
    must(!this.#bringsBack(tip), "S7", () => "what the person reset comes back");
    const kept = tasksOn(tip);
    for (const task of tasksOn(this.tip))
      if (!kept.includes(task) && this.landed.delete(task)) this.rewound.add(task);
    this.tip = tip;
    this.followed = this.target;
    this.checkOnce();
  }

  /** S2: no task has two commits on orchd's branch, and each one has one that landed and was not taken off. */
  checkOnce(): void {
    const tasks = tasksOn(this.tip);
    const twice = tasks.find((task, at) => tasks.indexOf(task) !== at);
    must(twice === undefined, "S2", () => `${twice} has two commits on orchd's branch`);
    const lost = [...this.landed.keys()].find((task) => !tasks.includes(task));
    must(lost === undefined, "S2", () => `${lost} landed and is not on orchd's branch`);
  }

  personPushes(): void {
    this.remote = this.tip;
    this.remoteForced = true;
  }

  /** The person commits what they have edited, or a new change. */
  personCommits(): void {
    if (this.edits.size === 0) this.personEdits();
    const files: Files = { ...this.target.tree.files, ...Object.fromEntries(this.edits) };
    this.edits.clear();
    const tree = this.objects.tree(files);
    this.target = this.objects.commit(tree, [this.target], null, `person ${this.#changes}`);
  }

  personEdits(): void {
    this.#changes += 1;
    const red = this.#random.chance(0.1) ? "!red" : "";
    this.edits.set(this.#random.pick(paths), `person${this.#changes}${red}`);
  }

  /** Hard, to one of the commits before; false: there is none. */
  personResets(): boolean {
    const chain = [...firstParents(this.target)];
    const to = chain[this.#random.int(1, 3)];
    if (to === undefined) return false;
    for (const commit of ancestorsOf(this.target))
      if (!isAncestor(commit, to)) this.resetAway.add(commit);
    this.edits.clear();
    this.target = to;
    return true;
  }

  /** The person makes of parked work what fits on orchd's branch as it is now; their commit. */
  personResolves(task: TaskId): Oid {
    this.#changes += 1;
    const { tip } = this;
    const path = this.#random.pick(paths);
    const tree = this.objects.tree({ ...tip.tree.files, [path]: `resolved${this.#changes}` });
    return this.objects.commit(tree, [tip], null, `resolution of ${task}`).oid;
  }

  pinResolution({ request, task, commit }: PinnedResolution): Saved {
    const { parents, tree } = this.objects.get(commit);
    const [base] = parents;
    must(base !== undefined, "bug", () => `${commit} resolves ${task} on nothing`);
    const ref = resolutionRef(task, request);
    this.resolutions.set(ref, { request, task, commit });
    const touched = changedPaths(base.tree.files, tree.files);
    const of = { commit, base: base.oid, ref };
    return { ...of, touched, touched_total: touched.length, descends: true };
  }

  unpinResolution({ request, task }: PinnedResolution): void {
    this.resolutions.delete(resolutionRef(task, request));
  }

  /** The person merges orchd's branch into theirs by hand, and mends whatever fails there. */
  personMends(): void {
    this.#changes += 1;
    this.edits.clear();
    const base = mergeBase(this.target, this.tip)?.tree.files ?? {};
    const [mine, theirs] = [this.target.tree.files, this.tip.tree.files];
    const merged = paths.map((path) => {
      const content = (mine[path] === base[path] ? theirs[path] : mine[path]) ?? "";
      return [path, content.includes("!") ? `mended${this.#changes}` : content] as const;
    });
    const parents = isAncestor(this.tip, this.target) ? [this.target] : [this.target, this.tip];
    const tree = this.objects.tree(Object.fromEntries(merged));
    this.target = this.objects.commit(tree, parents, null, `mend ${this.#changes}`);
  }

  /** The gate's workspace was set up with it. */
  readonly setUp = new Set<Oid>();

  gatePassed(tree: Tree, verify: readonly Argv[]): void {
    const passed = this.#passed.get(tree.oid) ?? new Set();
    for (const argv of verify) passed.add(argv.join(" "));
    this.#passed.set(tree.oid, passed);
  }

  hasPassed(tree: Oid, verify: readonly Argv[]): boolean {
    const passed = this.#passed.get(tree);
    return verify.every((argv) => passed?.has(argv.join(" ")) === true);
  }

  #bringsBack(commit: Commit): boolean {
    for (const lost of this.resetAway) if (isAncestor(lost, commit)) return true;
    return false;
  }
}

function tasksOn(tip: Commit): TaskId[] {
  return [...firstParents(tip)].flatMap(({ task }) => task ?? []);
}

/** Setup fails with what is in this tree. */
export function breaksSetup(tree: Tree): boolean {
  return Object.values(tree.files).some((content) => content.endsWith("!setup"));
}

/** The first of these commands that fails on this tree. `!p` and `!q` pass alone and fail together. */
export function failing(tree: Tree, verify: readonly Argv[]): Argv | null {
  const contents = Object.values(tree.files);
  const has = (mark: string): boolean => contents.some((content) => content.endsWith(mark));
  const [test, lint] = commands;
  const red = {
    [test.join(" ")]: has("!red") || (has("!p") && has("!q")),
    [lint.join(" ")]: has("!lint"),
  };
  return verify.find((argv) => red[argv.join(" ")] === true) ?? null;
}
