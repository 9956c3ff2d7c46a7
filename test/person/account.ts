import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { TestRepository } from "../helpers/repository.ts";
import { lookAt, textOfBlob } from "./look.ts";
import type { Look } from "./look.ts";
import { agentWords, personSlots, slotPaths, wordIn } from "./texts.ts";

type LookAt = (repository: TestRepository) => Promise<Look>;

/**
 * Holds orchd to account for what it may not do to a person. Everything the person has is looked at
 * after each of their commands and again before the next one; what differs in between is orchd's
 * doing:
 *
 *     always         their branches, stash, HEAD and lock are as they were; the target only went
 *                    forward; what the person wrote is in target, index and files, and nothing that
 *                    they took away came back; their edits are there byte by byte
 *     at rest too    nothing is changed but what they changed: index and files are the commit's
 *
 * "Half done" is a moment at which orchd holds their index lock; files may then be of either commit.
 */
export class Account {
  readonly #repository: TestRepository;
  readonly #look: LookAt;
  #last: Look;
  /** Paths that hold something of the person's on disk, and what. */
  #edited: Map<string, string | undefined>;
  #staged: Set<string>;
  /** Words of agents that the person took out of the target, with orchd knowing that they were in. */
  readonly #gone = new Set<string>();
  /** Paths whose state follows from what they did while orchd was half done. */
  #excused = new Set<string>();
  /** What the target held when it was there last: a person may rename it and begin it anew. */
  #mainTree: Look["mainTree"];
  /** Where the target was: one that nobody has checked out goes back at once when somebody did in that instant. */
  readonly #seen = new Set<string>();
  /** Every commit they were on. */
  readonly made = new Set<string>();

  private constructor(repository: TestRepository, how: LookAt, look: Look) {
    this.#repository = repository;
    this.#look = how;
    this.#last = look;
    this.#mainTree = look.mainTree;
    this.#edited = editedIn(look);
    this.#staged = new Set(differing(look.index, look.tree));
  }

  /** `look`: how to look while orchd works on its own. */
  static async open(repository: TestRepository, look: LookAt = lookAt): Promise<Account> {
    return new Account(repository, look, await look(repository));
  }

  get last(): Look {
    return this.#last;
  }

  /** They asked for it: what they had reset may come back. */
  forgive(): void {
    this.#gone.clear();
  }

  /** What orchd did since the last look. `atRest`: none of its steps is under way. */
  async check(atRest: boolean): Promise<string[]> {
    const before = this.#last;
    const now = await this.#look(this.#repository);
    this.#last = now;
    const problems = [
      ...this.#refProblems(before, now),
      ...(await this.#targetProblems(before, now)),
      ...(await this.#wordProblems(before, now)),
      ...(now.halfDone ? [] : this.#editProblems(now)),
      ...[...this.#staged].flatMap((path) =>
        before.index.get(path) === now.index.get(path)
          ? []
          : [`what they staged of ${path} changed`],
      ),
      ...(atRest ? this.#restProblems(now) : []),
    ];
    if (atRest) this.#rest(now);
    return problems;
  }

  /** The person has just done something; `check` came right before. */
  async noteMove(followedText: string): Promise<void> {
    const before = this.#last;
    const now = await this.#look(this.#repository);
    this.#last = now;
    await this.#noteTarget(before, now, followedText);
    if (now.refs.get(now.head) !== undefined) this.made.add(now.refs.get(now.head) ?? "");
    if (!now.halfDone) return this.#rest(now);
    const touched = [...differing(before.files, now.files), ...differing(before.index, now.index)];
    for (const path of touched)
      if (now.files.get(path) === now.tree.get(path)) this.#edited.delete(path);
      else this.#edited.set(path, now.files.get(path));
    // On another branch what was an edit may be what that one has.
    for (const path of differing(before.tree, now.tree)) {
      if (now.files.get(path) === now.tree.get(path)) this.#edited.delete(path);
      if (now.index.get(path) === now.tree.get(path)) this.#staged.delete(path);
    }
    for (const path of [...touched, ...differing(before.tree, now.tree)]) this.#excused.add(path);
  }

  #rest(now: Look): void {
    this.#edited = editedIn(now);
    this.#staged = new Set(differing(now.index, now.tree));
    this.#excused = new Set();
  }

  /** While half done a file may be of the new commit, to go back when the target was moved meanwhile. */
  #editProblems(now: Look): string[] {
    return [...this.#edited].flatMap(([path, entry]) =>
      entry === now.files.get(path)
        ? []
        : [`their edit of ${path} changed from ${entry} to ${now.files.get(path)}`],
    );
  }

  #refProblems(before: Look, now: Look): string[] {
    const problems: string[] = [];
    if (before.head !== now.head) problems.push(`HEAD went from ${before.head} to ${now.head}`);
    if (before.lock !== null && before.lock !== now.lock) problems.push("their lock was touched");
    for (const ref of differing(before.refs, now.refs))
      if (ref !== "refs/heads/main")
        problems.push(`${ref} went from ${before.refs.get(ref)} to ${now.refs.get(ref)}`);
    return problems;
  }

  async #targetProblems(before: Look, now: Look): Promise<string[]> {
    if (before.main !== null) this.#seen.add(before.main);
    if (before.main === now.main) return [];
    if (before.main === null || now.main === null)
      return [`the target went from ${before.main} to ${now.main}`];
    const { main } = before;
    const forward = await promisify(execFile)(
      "git",
      ["merge-base", "--is-ancestor", main, now.main],
      { cwd: this.#repository.dir, env: this.#repository.env },
    ).then(
      () => true,
      () => false,
    );
    const words = await this.#agentWordsOf(now.mainTree);
    return [
      ...(forward || this.#seen.has(now.main)
        ? []
        : [`the target went from ${main} to ${now.main}, which is not after it`]),
      ...[...this.#gone].filter((word) => words.has(word)).map((word) => `${word} came back`),
      ...(await this.#lostWords("target", before.mainTree, now.mainTree)),
    ];
  }

  async #wordProblems(before: Look, now: Look): Promise<string[]> {
    return [
      ...(await this.#lostWords("index", before.index, now.index)),
      ...(await this.#lostWords("files", before.files, now.files)),
    ];
  }

  /** Slots of the person that are no longer as they were. */
  async #lostWords(
    where: string,
    before: ReadonlyMap<string, string>,
    now: ReadonlyMap<string, string>,
  ): Promise<string[]> {
    const problems: string[] = [];
    for (const path of slotPaths) {
      const [old, young] = [before.get(path), now.get(path)];
      if (old === young) continue;
      if (old === undefined || young === undefined) {
        problems.push(`${path} ${old === undefined ? "appeared in" : "is gone from"} the ${where}`);
        continue;
      }
      if (old.includes(",")) continue;
      const [was, is] = await Promise.all(
        [old, young].map((entry) => textOfBlob(this.#repository, entry)),
      );
      for (const slot of personSlots)
        if (wordIn(was ?? "", slot) !== wordIn(is ?? "", slot))
          problems.push(
            `slot ${slot} of ${path} in the ${where} went from ${wordIn(was ?? "", slot)} to ${wordIn(is ?? "", slot)}`,
          );
    }
    return problems;
  }

  #restProblems(now: Look): string[] {
    const theirs = (path: string): boolean =>
      this.#edited.has(path) || this.#staged.has(path) || this.#excused.has(path);
    return [
      ...(now.halfDone ? ["orchd left its lock"] : []),
      ...differing(now.files, now.tree)
        .filter((path) => !theirs(path))
        .map((path) => `${path} on disk is not the commit's, and not theirs`),
      ...differing(now.index, now.tree)
        .filter((path) => !theirs(path))
        .map((path) => `${path} in the index is not the commit's, and not theirs`),
    ];
  }

  async #noteTarget(before: Look, now: Look, followedText: string): Promise<void> {
    if (before.main !== null) this.#mainTree = before.mainTree;
    if (now.main === null || before.main === now.main) return;
    const known = new Set(agentWords(followedText));
    const words = await this.#agentWordsOf(now.mainTree);
    for (const word of words) this.#gone.delete(word);
    for (const word of await this.#agentWordsOf(this.#mainTree))
      if (!words.has(word) && known.has(word)) this.#gone.add(word);
  }

  async #agentWordsOf(tree: ReadonlyMap<string, string>): Promise<Set<string>> {
    const texts = await Promise.all(
      slotPaths.flatMap((path) => {
        const entry = tree.get(path);
        return entry === undefined ? [] : [textOfBlob(this.#repository, entry)];
      }),
    );
    return new Set(texts.flatMap(agentWords));
  }
}

function editedIn(look: Look): Map<string, string | undefined> {
  return new Map(differing(look.files, look.tree).map((path) => [path, look.files.get(path)]));
}

function differing(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): string[] {
  return [...new Set([...a.keys(), ...b.keys()])].filter((key) => a.get(key) !== b.get(key));
}
