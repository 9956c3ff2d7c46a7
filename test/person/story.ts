import { onFailpoint } from "../../system/failpoint.ts";
import type { FollowResult } from "../../daemon/landing/target.ts";
import type { Oid, TaskId } from "../../ipc/ids.ts";
import { makeScene, request } from "../integration/landing/scene.ts";
import type { Files, Scene } from "../integration/landing/scene.ts";
import { Random } from "../sim/random.ts";
import { Account } from "./account.ts";
import { noteText } from "./look.ts";
import { Person, sharedPaths } from "./moves.ts";
import { agentSlots, emptyText, slotPaths, withWord } from "./texts.ts";

/**
 * One seed: tasks land on a small repository with real git while a person works in it. Between any
 * two steps of a landing and of a follow, at the places that failpoints name, the person may do
 * something; account.ts says what must hold then. At the end they leave everything tidy, and all that
 * landed must reach them.
 */
export type Story = {
  readonly seed: number;
  readonly problems: readonly string[];
  /** What happened, oldest first. */
  readonly lines: readonly string[];
  readonly landed: number;
  readonly followed: number;
  readonly moves: number;
  /** Moves while orchd held the index lock. */
  readonly movesHalfDone: number;
  readonly rewinds: number;
  /** Landed commits that were made again after a rewind. */
  readonly reapplied: number;
};

/** Not each task lands: some conflict with each other, and a rewind may be there for a while. */
const triesPerLanding = 8;
/** After so many tasks without a follow the person looks why, and does what they are told. */
const patience = 6;
/** git knows it without an object, and its own `reset --hard` on a branch without a commit writes none. */
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
/** Between the last look at what the person has and the moment at which nothing of it can change any more. */
const delicate = /^(?:follow\.(?:token|intent|lock|copy|tree|syncIndex|target|place)|recover\.)/;
const settleTries = 8;

/** `landings`: how many tasks land before the person leaves everything tidy; `lines`: what is appended to. */
export async function tellStory(
  seed: number,
  landings: number,
  lines: string[] = [],
): Promise<Story> {
  const teller = new Teller(seed, landings, lines);
  return await teller.tell();
}

class Teller {
  readonly #seed: number;
  readonly #landings: number;
  readonly #random: Random;
  readonly #lines: string[];
  readonly #problems: string[] = [];
  readonly #landed: { task: string; commit: Oid }[] = [];
  #followed = 0;
  #moves = 0;
  #movesHalfDone = 0;
  #rewinds = 0;
  #reapplied = 0;
  #acting = false;
  #words = 0;

  constructor(seed: number, landings: number, lines: string[]) {
    this.#lines = lines;
    this.#seed = seed;
    this.#landings = landings;
    this.#random = new Random(seed);
  }

  async tell(): Promise<Story> {
    const files = Object.fromEntries(slotPaths.map((path) => [path, emptyText(path)]));
    await using scene = await makeScene(files);
    await scene.repository.git("config", "advice.detachedHead", "false");
    const account = await Account.open(scene.repository);
    const person = new Person(scene.repository, new Random(this.#seed + 1));
    try {
      await this.#work(scene, account, person);
      if (this.#problems.length === 0) await this.#end(scene, account, person);
    } catch (error) {
      this.#problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    return {
      seed: this.#seed,
      problems: this.#problems,
      lines: this.#lines,
      landed: this.#landed.length,
      followed: this.#followed,
      moves: this.#moves,
      movesHalfDone: this.#movesHalfDone,
      rewinds: this.#rewinds,
      reapplied: this.#reapplied,
    };
  }

  /** Until the tasks have landed. */
  async #work(scene: Scene, account: Account, person: Person): Promise<void> {
    using _ = onFailpoint(async (point) => {
      if (this.#acting || this.#problems.length > 0) return;
      if (!this.#random.chance(delicate.test(point) ? 0.2 : 0.04)) return;
      await this.#act(point, scene, account, person);
    });
    const bases: Oid[] = [await scene.oid("orchd/main")];
    const triesMax = this.#landings * triesPerLanding;
    let [followed, vain] = [0, 0];
    for (let at = 0; this.#landed.length < this.#landings && this.#problems.length === 0; at += 1) {
      if (at === triesMax) throw new Error(`${this.#landed.length} landed of ${triesMax} tasks`);
      vain = this.#followed === followed ? vain + 1 : 0;
      followed = this.#followed;
      if (vain > patience) {
        this.#acting = true;
        await this.#bringTogether(scene, account, person);
        this.#acting = false;
        vain = 0;
      }
      for (let moves = this.#random.int(0, 4); moves > 0; moves -= 1)
        await this.#act("between", scene, account, person);
      const tip = await scene.oid("orchd/main");
      bases.push(tip);
      await this.#land(
        scene,
        account,
        `t${at}`,
        this.#random.chance(0.7) ? tip : this.#random.pick(bases),
      );
      await this.#check(`after landing t${at}`, account);
      if (this.#random.chance(0.8)) await this.#follow(scene, account);
    }
  }

  async #act(where: string, scene: Scene, account: Account, person: Person): Promise<void> {
    this.#acting = true;
    try {
      this.#report(`at ${where}`, await account.check(false));
      const known = await followedText(scene);
      const { halfDone } = account.last;
      const did = await person.act();
      this.#lines.push(`${where}${halfDone ? " (half done)" : ""}: ${did}`);
      await account.noteMove(known);
      this.#moves += 1;
      if (halfDone) this.#movesHalfDone += 1;
    } finally {
      this.#acting = false;
    }
  }

  async #land(scene: Scene, account: Account, task: string, base: Oid): Promise<void> {
    const saved = await scene.save(await this.#change(scene, base), base);
    const merged = await scene.landing.merge(request(task, saved));
    this.#lines.push(`merge ${task}: ${JSON.stringify(merged)}`);
    if (merged.kind === "held" && merged.why === "rewound") return this.#rewound(scene, account);
    if (merged.kind !== "candidate") return;
    const moved = await scene.landing.move({ task: task as TaskId, ...merged });
    this.#lines.push(`move ${task}: ${JSON.stringify(moved)}`);
    if (moved.kind === "moved") this.#landed.push({ task, commit: merged.candidate });
  }

  async #change(scene: Scene, base: Oid): Promise<Files> {
    const files: Record<string, string | null> = {};
    for (const path of this.#random.some(slotPaths, this.#random.int(1, 2))) {
      const text = await scene.repository.git("show", `${base}:${path}`).catch(() => null);
      if (text === null) continue;
      const word = `t${++this.#words}`;
      files[path] = `${withWord(text, this.#random.pick(agentSlots), word)}\n`;
    }
    if (this.#random.chance(0.5)) files[this.#random.pick(sharedPaths)] = `t${++this.#words}\n`;
    else if (this.#random.chance(0.2)) files[this.#random.pick(sharedPaths)] = null;
    for (const text of Object.values(files)) if (text !== null) noteText(text);
    return files;
  }

  /** Sometimes they say at once what shall become of it, sometimes later. */
  async #rewound(scene: Scene, account: Account): Promise<void> {
    if (this.#random.chance(0.5)) await this.#settleRewind(scene, account);
  }

  async #settleRewind(scene: Scene, account: Account): Promise<void> {
    const how = this.#random.chance(0.4) ? "reapply" : "accept";
    const settled = await scene.landing.settleRewind(how);
    this.#lines.push(`${how}: ${JSON.stringify(settled)}`);
    if (settled.kind !== "accepted") return;
    this.#rewinds += 1;
    this.#reapplied += settled.reapplied;
    if (how === "reapply") account.forgive();
  }

  async #follow(scene: Scene, account: Account): Promise<FollowResult> {
    const result = await scene.landing.follow({ from: null });
    this.#lines.push(`follow: ${JSON.stringify(result)}`);
    if (result.kind === "followed") this.#followed += 1;
    if (result.kind === "fenced" || result.kind === "problem")
      this.#problems.push(`follow: ${JSON.stringify(result)}`);
    await this.#check("after the follow", account);
    return result;
  }

  async #check(where: string, account: Account): Promise<void> {
    this.#report(where, await account.check(true));
  }

  #report(where: string, problems: readonly string[]): void {
    this.#problems.push(...problems.map((problem) => `${where}: ${problem}`));
  }

  async #end(scene: Scene, account: Account, person: Person): Promise<void> {
    await this.#bringTogether(scene, account, person);
    this.#report("at the end", await finalProblems(scene, account));
  }

  /** The person tidies up, and everything comes together. */
  async #bringTogether(scene: Scene, account: Account, person: Person): Promise<void> {
    const theirs = async (move: () => Promise<void>): Promise<void> => {
      const known = await followedText(scene);
      await move();
      await account.noteMove(known);
    };
    await theirs(() => person.settle());
    let result = await this.#follow(scene, account);
    for (let tries = settleTries; tries > 0 && this.#problems.length === 0; tries -= 1) {
      if (result.kind === "current" || result.kind === "followed") break;
      if (result.kind === "rewound") {
        await this.#settleRewind(scene, account);
      } else await theirs(() => person.mergeOurs());
      result = await this.#follow(scene, account);
    }
    if (result.kind !== "current" && result.kind !== "followed")
      this.#problems.push(`the target does not follow a tidy person: ${JSON.stringify(result)}`);
  }
}

/** What agents wrote and orchd knows that the person has it. */
export async function followedText({ repository }: Pick<Scene, "repository">): Promise<string> {
  const args = ["grep", "-h", "-E", "t[0-9]+", "refs/orchd/followed/main", "--", ...slotPaths];
  return await repository.git(...args).catch(() => "");
}

export async function finalProblems(
  { repository }: Pick<Scene, "repository">,
  account: Account,
): Promise<string[]> {
  const { git } = repository;
  const problems: string[] = [];
  if ((await git("rev-parse", "main")) !== (await git("rev-parse", "orchd/main")))
    problems.push("the target is not where orchd's branch is");
  const status = await git("status", "--porcelain");
  if (status !== "") problems.push(`not clean: ${status}`);
  const fsck = await git("fsck", "--no-dangling", "--no-progress").catch(
    (error: { stdout?: string; stderr?: string }) => `${error.stdout}${error.stderr}`.trim(),
  );
  if (fsck !== "" && fsck !== `missing tree ${emptyTree}`) problems.push(`fsck: ${fsck}`);
  const reachable = new Set((await git("rev-list", "--all", "--reflog")).split("\n"));
  for (const oid of account.made)
    if (!reachable.has(oid)) problems.push(`their commit ${oid} is not reachable any more`);
  // A rebase of theirs may pick again what their branch has.
  const moves = (await git("log", "--walk-reflogs", "--all", "--format=%H %gs")).split("\n");
  const picks = moves.filter((line) =>
    /^\S+ (?:rebase \((?:pick|continue)\)|cherry-pick)/.test(line),
  );
  const theirs = new Set(picks.map((line) => line.split(" ")[0]));
  const format = "--format=%H %(trailers:key=Orchd-Task,valueonly,separator=%x2c)";
  const landed = (await git("log", "--first-parent", format)).split("\n").flatMap((line) => {
    const [oid = "", task = ""] = line.split(" ");
    return task === "" || theirs.has(oid) ? [] : [task];
  });
  if (new Set(landed).size !== landed.length) problems.push(`landed twice: ${landed.join(" ")}`);
  return problems;
}
