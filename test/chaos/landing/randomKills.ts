import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { EndView } from "../../../ipc/taskViews.ts";
import { until } from "../../helpers/until.ts";
import { landedCommits } from "../../helpers/supervised.ts";
import { Random } from "../../sim/random.ts";
import type { FailpointPlan } from "../../../system/failpoint.ts";
import { abandoned, inTime } from "../inTime.ts";
import { brokenAtRest } from "../invariants.ts";
import { endEverything, kill, logsOf } from "../living.ts";
import { readRecovered } from "../recovered.ts";
import type { Recovered } from "../recovered.ts";
import { stopCleanly } from "../site.ts";
import type { Site } from "../site.ts";
import { GitDeaths } from "./gitDeath.ts";
import type { GitDeath } from "./gitDeath.ts";
import { beginEditing, endEditing, lostEdits } from "./person.ts";
import {
  followed,
  gone,
  pushed,
  recoveringPlan,
  removeLeftLocks,
  supervisorsOf,
} from "./rounds.ts";
import { landingContent, landingSite, landingTask, richContent } from "./work.ts";

/**
 * Kills at random moments, while there is always something to land and the person's branch follows.
 * What is drawn follows from the seed; what it hits depends on the machine. After the kill of a
 * supervisor the next one is looked at when it has recovered. By seed modulo three:
 *
 *     0  linked    the target is checked out in a linked working tree
 *     1  plain
 *     2  rich      what lands is pushed and signed too, and has a file that a command makes
 */
const kinds = ["linked", "plain", "rich"] as const;
const faults = ["supervisor", "supervisor", "supervisor", "start", "git", "git"] as const;
type Fault = (typeof faults)[number];

/** From the moment at which the supervisor is ready. */
const lifeMsMax = 1_500;
const startMsMax = 2_000;
const midwayMsMax = 15;
const gitWaitMs = 8_000;
/** Of one strike, with the recovery that follows from it. */
const strikeTimeoutMs = 180_000;
/** In a row. Then nothing that could be struck happens any more. */
const fruitlessMax = 12;
/** From the last kill until everything has landed. */
const restTimeoutMs = 240_000;
const lookMs = 100;
const backlog = 10;
const somebodysLocks = ["packed-refs.lock", "refs/tags/v1.lock"];
/** The person's own, for one life of a supervisor. */
const theirLockShare = 0.15;

const gits: readonly GitDeath["words"][] = [
  ["merge-tree"],
  ["hash-object"],
  ["update-ref", "land"],
  ["update-ref", "land"],
  ["update-ref", "follow"],
  ["read-tree", "-u", "!-n"],
  ["read-tree", "-u", "!-n"],
];
/** Only where there are such. */
const richGits = [...gits, ["push"], ["write-tree"], ["update-index"]] as const;
const deaths = ["unstarted", "answered", "both", "midway", "midway", "orphan"] as const;

export async function killAtRandomMoments(options: { kills: number; seed: number }) {
  const kind = kinds[options.seed % kinds.length] ?? "plain";
  const isRich = kind === "rich";
  const content = isRich ? richContent : landingContent;
  await using site = await landingSite(content, kind === "linked");
  const rounds = new RandomKills(site, new Random(options.seed), isRich ? richGits : gits);
  if (options.kills > 0) await rounds.run(options.kills);
  return rounds.counts;
}

class RandomKills {
  readonly #site: Site;
  readonly #random: Random;
  readonly #gits: GitDeaths;
  readonly #struck: readonly GitDeath["words"][];
  readonly #ids: string[] = [];
  #plan: FailpointPlan = { folder: "", kill: [] };
  /** We have killed the supervisor. */
  #killed = false;
  /** A death of git and supervisor that is under way and has not come to pass. */
  #pending: string | null = null;
  readonly counts = {
    kills: 0,
    faults: {} as Record<string, number>,
    tasks: 0,
    landed: 0,
    recoveries: 0,
    /** Follows that were cut off, and the commit at which the checkout was after recovery. */
    settled_old: 0,
    settled_new: 0,
    duplicates: 0,
    lost: 0,
    bad_fsck: 0,
    torn_checkouts: 0,
    own_locks_left: 0,
    foreign_locks_touched: 0,
    locks_left_by_killed_gits: 0,
    broken: 0,
  };

  constructor(site: Site, random: Random, struck: readonly GitDeath["words"][]) {
    this.#site = site;
    this.#struck = struck;
    this.#random = random;
    this.#gits = new GitDeaths(site);
    for (const name of somebodysLocks) site.foreignLocks.plant(name);
  }

  async run(kills: number): Promise<void> {
    await beginEditing(this.#site);
    this.#plan = await recoveringPlan(this.#site);
    try {
      await this.#site.orchd(["start"], this.#plan);
      await this.#strikeOften(kills);
      this.#gits.disarm();
      const ended = this.#keptRunning(this.#site.wait(this.#ids));
      const ends = await inTime(ended, { timeoutMs: restTimeoutMs, what: "landing all" });
      this.counts.locks_left_by_killed_gits += await followed(this.#site);
      await pushed(this.#site);
      await inTime(this.#rest(ends), { timeoutMs: restTimeoutMs, what: "the end" });
    } catch (error) {
      this.#break([String(error), ...(await abandoned(this.#site))].join("\n"));
    }
    await this.#count().catch((error: unknown) => this.#break(String(error)));
  }

  async #strikeOften(kills: number): Promise<void> {
    let fruitless = 0;
    while (this.counts.kills < kills) {
      const before = this.counts.kills;
      await inTime(this.#kill(), { timeoutMs: strikeTimeoutMs, what: "a kill" });
      fruitless = this.counts.kills > before ? 0 : fruitless + 1;
      if (fruitless === fruitlessMax) throw new Error(`${fruitless} strikes in a row hit nothing`);
    }
  }

  async #rest(ends: readonly EndView[]): Promise<void> {
    this.counts.landed = ends.filter(({ status }) => status === "succeeded").length;
    for (const lost of await lostEdits(this.#site)) this.#break(lost);
    await stopCleanly(this.#site, this.#plan);
    await endEditing(this.#site);
    const problems = await brokenAtRest(this.#site, { ends, failing: new Set() });
    for (const problem of problems) this.#break(problem);
    if (problems.length > 0) await endEverything(this.#site.repository);
  }

  /** Also after something broke before. */
  async #count(): Promise<void> {
    this.counts.tasks = this.#ids.length;
    const landed = await landedCommits(this.#site.repository);
    this.counts.lost += this.#ids.filter((id) => !landed.has(id)).length;
    this.counts.duplicates += [...landed.values()].filter(({ length }) => length > 1).length;
    if (this.counts.lost + this.counts.duplicates > 0) this.#break("lost or landed twice");
  }

  #break(problem: string): void {
    this.counts.broken += 1;
    console.log(`BROKEN ${problem}`);
  }

  async #kill(): Promise<void> {
    await this.#fill();
    const struck = await this.#strike(this.#random.pick(faults));
    if (struck !== null) this.#note(struck);
    if (supervisorsOf(this.#site).length === 0) await this.#recover();
    this.#lookAtForeign();
  }

  #note(struck: string): void {
    this.counts.kills += 1;
    this.counts.faults[struck] = (this.counts.faults[struck] ?? 0) + 1;
  }

  /** There is always something to land. */
  async #fill(): Promise<void> {
    this.counts.locks_left_by_killed_gits += removeLeftLocks(this.#site);
    const landed = (await landedCommits(this.#site.repository)).size;
    const missing = backlog - (this.#ids.length - landed);
    if (missing <= 0) return;
    const ids = Array.from({ length: missing }, (_, at) => `land-${this.#ids.length + at}`);
    this.#ids.push(...ids);
    const tasks = ids.map((id) => landingTask(this.#site, id, this.#random));
    await this.#keptRunning(this.#site.submit(tasks));
  }

  /** A git that dies late may take the supervisor with it, at any moment. */
  async #keptRunning<Value>(work: Promise<Value>): Promise<Value> {
    let over = false;
    const watched = work.finally(() => (over = true));
    watched.catch(() => {});
    for (;;) {
      await Promise.race([watched, pause(lookMs)]);
      if (over || this.#site.isAbandoned()) return await watched;
      if (supervisorsOf(this.#site).length === 0) await this.#recover();
    }
  }

  /** What was killed; `null`: it did not come to that. */
  async #strike(fault: Fault): Promise<string | null> {
    switch (fault) {
      case "supervisor":
        await pause(this.#random.int(0, lifeMsMax));
        return (await this.#killSupervisor()) ? fault : null;
      case "start": {
        await this.#killSupervisor();
        const starting = this.#site.orchd(["start"], this.#plan);
        await pause(this.#random.int(0, startMsMax));
        const killed = await this.#killSupervisor();
        await starting;
        if (!killed && supervisorsOf(this.#site).length > 0) this.#killed = false;
        return killed ? fault : null;
      }
      case "git":
        return await this.#strikeGit();
    }
  }

  async #killSupervisor(): Promise<boolean> {
    const pids = supervisorsOf(this.#site);
    const killed = pids.filter((pid) => kill(pid, "SIGKILL"));
    await gone(pids);
    if (killed.length > 0) [this.#killed, this.#pending] = [true, null];
    return killed.length > 0;
  }

  async #strikeGit(): Promise<string | null> {
    const death = this.#random.pick(deaths);
    const answer = this.#random.int(1, 3);
    const ms = this.#random.int(0, midwayMsMax);
    const before = supervisorsOf(this.#site);
    this.#gits.arm({ words: this.#random.pick(this.#struck), death, answer, ms });
    await until(() => this.#gits.hasStruck(), { timeoutMs: gitWaitMs }).catch(() => {});
    this.#gits.disarm();
    // Once it is disarmed, whether it has struck stays as it is.
    if (!this.#gits.hasStruck()) return null;
    const struck = `git ${death}`;
    if (death !== "both" && death !== "orphan") return struck;
    this.#pending = struck;
    await gone(before).catch(() => {});
    // A git that is kept may not have been asked often enough yet: that counts when it comes to pass.
    return null;
  }

  /** Whether its end is ours. */
  #noteEnd(): void {
    if (this.#pending !== null) this.#note(this.#pending);
    else if (!this.#killed)
      this.#break(`a supervisor ended that nobody killed\n${logsOf(this.#site.repository)}`);
    [this.#killed, this.#pending] = [false, null];
  }

  async #recover(): Promise<void> {
    const { foreignLocks, recoveredFile, repository } = this.#site;
    const theirLock = this.#theirLock;
    this.#noteEnd();
    const theirs = this.#random.chance(theirLockShare) && this.#takeTheirLock();
    const intent = readIntent(repository.dir);
    const before = readRecovered(recoveredFile).length;
    await until(
      async () => {
        await this.#site.orchd(["start"], this.#plan);
        return readRecovered(recoveredFile).length > before;
      },
      { what: "a supervisor that has recovered", timeoutMs: 60_000 },
    );
    const found = readRecovered(recoveredFile).at(-1);
    if (found !== undefined) this.#judge(found, theirs ? null : intent);
    if (!theirs) return;
    this.#lookAtForeign();
    foreignLocks.forget(theirLock);
    rmSync(join(repository.dir, ".git", theirLock));
  }

  get #theirLock(): string {
    return `${this.#site.tree.gitFolder}index.lock`;
  }

  /** Unless a follow was cut off with the lock in its hand. */
  #takeTheirLock(): boolean {
    try {
      this.#site.foreignLocks.plant(this.#theirLock);
      return true;
    } catch {
      return false;
    }
  }

  #judge(found: Recovered, intent: { from: string; to: string } | null): void {
    this.counts.recoveries += 1;
    this.counts.bad_fsck += found.fsck === "" ? 0 : 1;
    this.counts.torn_checkouts += found.torn.length === 0 ? 0 : 1;
    this.counts.own_locks_left += found.ownLocks.length;
    this.counts.duplicates += found.duplicates.length;
    const { fsck, torn, ownLocks, duplicates } = found;
    if (fsck !== "" || torn.length + ownLocks.length + duplicates.length > 0)
      this.#break(JSON.stringify(found));
    if (intent === null) return;
    if (found.main === intent.from) this.counts.settled_old += 1;
    else if (found.main === intent.to) this.counts.settled_new += 1;
    else this.#break(`${found.main} is neither ${intent.from} nor ${intent.to}`);
  }

  #lookAtForeign(): void {
    const touched = this.#site.foreignLocks.touched();
    this.counts.foreign_locks_touched += touched.length;
    for (const name of touched) {
      this.#break(`somebody's ${name} was touched`);
      this.#site.foreignLocks.forget(name);
    }
  }
}

/** What the follow that was cut off was about to do. */
function readIntent(dir: string): { from: string; to: string } | null {
  try {
    const text = readFileSync(join(dir, ".git/orchd/follow.json"), "utf8");
    return JSON.parse(text) as { from: string; to: string };
  } catch {
    return null;
  }
}
