import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../helpers/until.ts";
import { Random } from "../../sim/random.ts";
import { roundProblems } from "../inTime.ts";
import { brokenAtRest } from "../invariants.ts";
import { brokenRecovery, readRecovered } from "../recovered.ts";
import { Keeper, stopCleanly } from "../site.ts";
import type { Site } from "../site.ts";
import { GitDeaths } from "./gitDeath.ts";
import type { GitDeath } from "./gitDeath.ts";
import { beginEditing, endEditing, lostEdits } from "./person.ts";
import { followed, gone, pushed, recoveringPlan, supervisorsOf } from "./rounds.ts";
import { landingSite, landingTask, pushingContent } from "./work.ts";

/**
 * Every git of a landing, a follow and a push that writes something, killed in each way (gitDeath.ts)
 * and midway after several times, each in a round of its own: two tasks land, and everything must be
 * as if nothing had happened. In every other lane the target is checked out in a linked working tree.
 */
type Step = {
  readonly name: string;
  readonly words: GitDeath["words"];
  readonly answer?: number;
  /** While a follow is settled that was cut off before its branch moved. */
  readonly settling?: boolean;
};

const steps: readonly Step[] = [
  { name: "merge", words: ["merge-tree"] },
  { name: "commit", words: ["hash-object", "--stdin-paths"] },
  { name: "pin", words: ["update-ref", "land"] },
  { name: "move", words: ["update-ref", "land"], answer: 2 },
  { name: "rehearsal", words: ["read-tree", "-n"] },
  { name: "files", words: ["read-tree", "-u", "!-n"] },
  { name: "target", words: ["update-ref", "follow"] },
  { name: "compare again", words: ["update-index", "--refresh"], settling: true },
  { name: "tree to go back to", words: ["write-tree"], settling: true },
  { name: "files back", words: ["read-tree", "-u", "!-n"], settling: true },
  { name: "push", words: ["push"] },
];

type Way = Pick<GitDeath, "death" | "ms"> & { readonly name: string };
/** A git of a landing takes 1 to 30 ms. */
const midwaysMs = [0, 1, 3, 8, 20];
const ways: readonly Way[] = [
  { name: "unstarted", death: "unstarted" },
  { name: "answered", death: "answered" },
  { name: "both", death: "both" },
  { name: "orphan", death: "orphan" },
  ...midwaysMs.map((ms) => ({ name: `midway ${ms} ms`, death: "midway", ms }) as const),
];
const roundTimeoutMs = 240_000;
/** A task, its landing and the follow before it is cut off. */
const cutOffMsMax = 90_000;

export type GitSteps = {
  readonly steps: number;
  readonly recovered: number;
  /** Locks of a git that died alone, which the person had to remove. */
  readonly leftLocks: number;
  readonly broken: number;
};

/** Those whose name fits: `git.move:both`. */
export function gitSteps(only: RegExp) {
  return steps
    .flatMap((step) =>
      ways.map((way) => ({ step, way, name: `git.${step.name}:${way.name}` }) as const),
    )
    .filter(({ name }) => only.test(name));
}

export async function killEachGit(only: RegExp, lanes: number): Promise<GitSteps> {
  const all = gitSteps(only);
  const sum = { steps: all.length, recovered: 0, leftLocks: 0, broken: 0 };
  const lane = async (number: number): Promise<void> => {
    let site: Site | null = null;
    for (const [at, { step, way, name }] of all.entries()) {
      if (at % lanes !== number) continue;
      const here: Site = (site ??= await siteWithDeaths(number % 2 === 1));
      const problems = await roundProblems(here, roundTimeoutMs, () =>
        runRound(here, step, way, at, sum),
      );
      sum.recovered += readRecovered(here.recoveredFile).length;
      if (problems.length === 0) continue;
      sum.broken += 1;
      console.log(`BROKEN ${name} in ${here.tree.dir}\n  ${problems.join("\n  ")}`);
      await here[Symbol.asyncDispose]();
      site = null;
    }
    await site?.[Symbol.asyncDispose]();
  };
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
  return sum;
}

const sitesDeaths = new WeakMap<Site, GitDeaths>();

async function siteWithDeaths(isLinked: boolean): Promise<Site> {
  const site = await landingSite(pushingContent, isLinked);
  sitesDeaths.set(site, new GitDeaths(site));
  return site;
}

async function runRound(
  site: Site,
  step: Step,
  { death, ms = 0 }: Way,
  round: number,
  sum: { leftLocks: number },
): Promise<string[]> {
  const gits = sitesDeaths.get(site);
  const random = new Random(round + 1);
  const task = (name: string): object => landingTask(site, `git-${round}-${name}`, random);
  rmSync(site.recoveredFile, { force: true });
  await beginEditing(site);
  const before = step.settling === true ? await cutOff(site, task("before")) : [];
  gits?.arm({ words: step.words, death, answer: step.answer ?? 1, ms });
  const ends = await liveOn(site, async () => [
    ...before,
    ...(await site.submit([task("one"), task("two")])),
  ]);
  sum.leftLocks += ends.leftLocks;
  const struck = gits?.hasStruck() === true;
  gits?.disarm();
  const lost = await lostEdits(site);
  await stopCleanly(site, await recoveringPlan(site));
  await endEditing(site);
  return [
    ...(struck ? [] : ["no such git was started"]),
    ...lost,
    ...readRecovered(site.recoveredFile).flatMap(brokenRecovery),
    ...(await brokenAtRest(site, { ends: ends.ends, failing: new Set() })),
  ];
}

async function liveOn(site: Site, submit: () => Promise<readonly string[]>) {
  await using _keeper = new Keeper(site, await recoveringPlan(site));
  const ends = await site.wait(await submit());
  const leftLocks = await followed(site);
  await pushed(site);
  return { ends, leftLocks };
}

/** A supervisor that dies when it has written the files and not moved the branch. */
async function cutOff(site: Site, task: object): Promise<readonly string[]> {
  const folder = await site.pointsFolder();
  const at = "follow.syncIndex:after";
  await site.orchd(["start"], { folder, kill: [{ role: "supervisor", at }] });
  const ids = await site.submit([task]);
  const pids = supervisorsOf(site);
  const isThere = (): boolean => existsSync(join(folder, `supervisor.${at}`));
  await until(isThere, { what: "the follow", timeoutMs: cutOffMsMax });
  await gone(pids);
  return ids;
}
