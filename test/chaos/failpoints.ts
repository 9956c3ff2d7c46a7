import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { TaskId } from "../../ipc/ids.ts";
import { projectFailpoints } from "../../scripts/failpoints.ts";
import type { FailpointPlan } from "../../system/failpoint.ts";
import { until } from "../helpers/until.ts";
import { brokenAtRest } from "./invariants.ts";
import { roundProblems } from "./inTime.ts";
import { brokenRecovery, lookWhenRecovered, readRecovered } from "./recovered.ts";
import { scenarios } from "./scenarios.ts";
import type { Scenario, Submitted } from "./scenarios.ts";
import { Keeper, makeSite, passedIn, stopCleanly } from "./site.ts";
import type { Site } from "./site.ts";

/**
 * Kills a process at every failpoint, each in a round of its own with real git and real workers:
 *
 *     1  every scenario runs unharmed, which tells what it passes: `supervisor.journal.commit:before`
 *     2  each point is given to the first scenario that passes it; one that none passes is an error
 *     3  round after round: stage, start with the point armed, submit, start again whenever the
 *        supervisor is gone, everything lands, stop
 *     4  after each round the point was reached, in one of a few, and the invariants hold (invariants.ts)
 */
export type Options = {
  /** Part `part` of `parts`, from 1: every so-manieth point. */
  readonly part: number;
  readonly parts: number;
  readonly only: RegExp;
  /** Only the scenario of this name, with every point that it passes; `null`: all of them. */
  readonly scenario: string | null;
  /** How often each point. */
  readonly times: number;
  /** Repositories at the same time. */
  readonly lanes: number;
};

const roles = ["supervisor", "worker"] as const;
type Role = (typeof roles)[number];
type Target = { readonly role: Role; readonly at: string };
type Broken = { readonly scenario: string; readonly target: string; readonly problems: string[] };
type Round = {
  readonly problems: readonly string[];
  readonly reached: boolean;
  readonly passed: ReadonlySet<string>;
  /** How many supervisors were looked at when they had recovered. */
  readonly recovered: number;
};

export type Killed = {
  readonly points: number;
  readonly killed: number;
  readonly recovered: number;
  /** Failpoints, of those that were asked for, which no scenario passes. */
  readonly never: number;
  readonly broken: number;
};

const roundTimeoutMs = 240_000;
const followTimeoutMs = 60_000;

export async function killEverywhere(options: Options): Promise<Killed> {
  let recovered = 0;
  const broken: Broken[] = [];
  const { given, never } = await assign(broken, options);
  const chosen = [...given].map(
    ([scenario, targets]) =>
      [
        scenario,
        targets
          .filter(({ role, at }) => options.only.test(`${role}.${at}`))
          .filter((_, index) => index % options.parts === options.part - 1)
          .flatMap((target) => Array.from({ length: options.times }, () => target)),
      ] as const,
  );
  for (const [scenario, targets] of chosen)
    await Promise.all(
      Array.from({ length: options.lanes }, (_, lane) =>
        killAtEach(
          scenario,
          targets.filter((_one, at) => at % options.lanes === lane),
          broken,
        ).then((looked) => (recovered += looked)),
      ),
    );
  const killed = chosen.reduce((sum, [, targets]) => sum + targets.length, 0);
  for (const name of never) console.log(`no scenario passes ${name}`);
  const points = [...given.values()].flat().length;
  return { points, killed, recovered, never: never.length, broken: broken.length };
}

/** No run of its takes that long, not even on a busy machine. */
export async function failpointsLimitMs(options: Options): Promise<number> {
  const { only, parts, scenario, times, lanes } = options;
  const points = (await pointsOfSources()).filter((at) => isAsked(only, at));
  const unharmed = scenario === null ? scenarios.length : 1;
  const rounds = Math.ceil((points.length * times) / parts / lanes);
  return unharmed * unharmedMsMax + rounds * roundMsMax;
}

const unharmedMsMax = 120_000;
const roundMsMax = 60_000;

async function pointsOfSources(): Promise<string[]> {
  return (await projectFailpoints()).names.flatMap(({ name }) => [
    `${name}:before`,
    `${name}:after`,
  ]);
}

function isAsked(only: RegExp, at: string): boolean {
  return roles.some((role) => only.test(`${role}.${at}`));
}

/** What each scenario passes first, and the failpoints that none of them does. */
async function assign(
  broken: Broken[],
  { scenario, only }: Pick<Options, "scenario" | "only">,
): Promise<{ given: Map<Scenario, Target[]>; never: readonly string[] }> {
  const points = (await pointsOfSources()).filter((at) => isAsked(only, at));
  const given = new Map<Scenario, Target[]>();
  if (points.length === 0) return { given, never: [] };
  const known = new Set<string>();
  for (const one of scenarios.filter(({ name }) => scenario === null || scenario === name)) {
    const passed = await passedUnharmed(one, broken);
    const news = [...passed].filter((point) => !known.has(point));
    news.forEach((point) => known.add(point));
    given.set(one, news.map(targetOf));
    console.log(`${one.name}: ${passed.size} points, ${news.length} of them new`);
  }
  const isMissed = (at: string): boolean => roles.every((role) => !known.has(`${role}.${at}`));
  const never = points.filter(isMissed);
  return { given, never: scenario === null ? never : [] };
}

function targetOf(passed: string): Target {
  const role: Role = passed.startsWith("worker.") ? "worker" : "supervisor";
  return { role, at: passed.slice(role.length + 1) };
}

/** The second round counts: the first one makes what later ones find. */
async function passedUnharmed(scenario: Scenario, broken: Broken[]): Promise<ReadonlySet<string>> {
  await using site = await makeSite(scenario.content);
  const first = await runRound(site, scenario, 1, null);
  const isOnce = scenario.fresh === true || first.problems.length > 0;
  const round = isOnce ? first : await runRound(site, scenario, 2, null);
  note(broken, scenario, "unharmed", [...new Set([...first.problems, ...round.problems])]);
  return round.passed;
}

async function killAtEach(
  scenario: Scenario,
  targets: readonly Target[],
  broken: Broken[],
): Promise<number> {
  let [recovered, vain] = [0, 0];
  for (let at = 0; at < targets.length;) {
    await using site = await makeSite(scenario.content);
    let round = 0;
    if (scenario.fresh !== true) await runRound(site, scenario, ++round, null);
    for (let sound = true; sound && at < targets.length;) {
      const target = targets[at];
      if (target === undefined) break;
      const {
        problems,
        reached,
        recovered: looked,
      } = await runRound(site, scenario, ++round, target);
      recovered += looked;
      sound = problems.length === 0 && scenario.fresh !== true;
      vain = reached || problems.length > 0 ? 0 : vain + 1;
      if (vain > 0 && vain < vainMax) continue;
      const missed = reached ? [] : ["the point was not reached"];
      note(broken, scenario, `${target.role}.${target.at}`, [...missed, ...problems]);
      [at, vain] = [at + 1, 0];
    }
  }
  return recovered;
}

/** Some steps are there in most rounds only: what a worker finds left depends on which of them gets which task. */
const vainMax = 4;

function note(
  broken: Broken[],
  scenario: Scenario,
  target: string,
  problems: string[] | readonly string[],
): void {
  if (problems.length === 0) return;
  broken.push({ scenario: scenario.name, target, problems: [...problems] });
  console.log(`BROKEN ${scenario.name} ${target}\n  ${problems.join("\n  ")}`);
}

async function runRound(
  site: Site,
  scenario: Scenario,
  round: number,
  target: Target | null,
): Promise<Round> {
  const folder = await site.pointsFolder();
  rmSync(site.recoveredFile, { force: true });
  const kill = target === null ? [] : [target];
  const plan: FailpointPlan = { folder, kill, run: scenario.meanwhile?.(site) ?? [] };
  const problems = await roundProblems(site, roundTimeoutMs, () =>
    throughRound(site, scenario, round, plan),
  );
  const reached = target === null || existsSync(join(folder, `${target.role}.${target.at}`));
  const recovered = readRecovered(site.recoveredFile).length;
  return { problems, reached, passed: passedIn(folder), recovered };
}

async function throughRound(
  site: Site,
  scenario: Scenario,
  round: number,
  plan: FailpointPlan,
): Promise<string[]> {
  if (scenario.alone !== undefined) return await scenario.alone(site, plan);
  await scenario.stage?.(site, round);
  await site.orchd(["start"], plan);
  const { tree, recoveredFile } = site;
  const looks = [...(plan.run ?? []), lookWhenRecovered(tree.dir, recoveredFile)];
  const unarmed = { ...plan, kill: [], run: looks };
  const { done, ends, repeated } = await throughKills(site, scenario, round, unarmed);
  await stopCleanly(site, unarmed);
  const [killed] = plan.kill;
  const problems = [
    ...readRecovered(recoveredFile).flatMap(brokenRecovery),
    ...(await brokenAtRest(site, { ends, failing: new Set(done.failing) })),
    ...ends.flatMap(({ id, attempts }) => brokenStarts(site, done, killed?.role, id, attempts)),
  ];
  return problems.length === 0 ? [] : [...problems, ...repeated];
}

async function throughKills(site: Site, scenario: Scenario, round: number, plan: FailpointPlan) {
  await using _keeper = new Keeper(site, plan);
  const done = await scenario.run(site, round);
  const ends = await site.wait(done.ids);
  const repeated = await Promise.all(
    ends.filter(({ attempts }) => attempts > 1).map(({ id }) => attemptsOf(site, id)),
  );
  if (scenario.elsewhere !== true)
    await until(() => hasFollowed(site), {
      what: "the person's branch to follow",
      timeoutMs: followTimeoutMs,
    });
  return { done, ends, repeated };
}

/** How each attempt ended, for whoever looks why there were several. */
async function attemptsOf(site: Site, id: TaskId): Promise<string> {
  const { attempt_list: list } = await (await site.client()).call("show", { id });
  const ended = list.map(({ worker, result, failure, started_at: from, ended_at: to }) =>
    JSON.stringify({ worker, result, failure, from, to }),
  );
  return `the attempts of ${id}: ${ended.join(", ")}`;
}

async function hasFollowed({ repository: { git } }: Site): Promise<boolean> {
  return (await git("rev-parse", "main")) === (await git("rev-parse", "orchd/main"));
}

/**
 * An agent whose worker lived was started once for each attempt, and there is one attempt, unless the
 * task had to run again on a newer base; a worker that is killed costs one more at most.
 */
function brokenStarts(
  site: Site,
  done: Submitted,
  killed: Role | undefined,
  id: string,
  attempts: number,
): string[] {
  const starts = site.startsOf(id);
  const mayRepeat = done.conflicting?.includes(id) === true;
  const attemptsMax = mayRepeat ? 4 : killed === "worker" ? 2 : 1;
  const fits = killed === "worker" ? starts <= attempts : starts === attempts;
  if (fits && starts >= 1 && attempts <= attemptsMax) return [];
  return [`${id}: ${starts} starts of the agent in ${attempts} attempts`];
}
