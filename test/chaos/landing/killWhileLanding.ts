import { projectFailpoints } from "../../../scripts/failpoints.ts";
import { killEverywhere } from "../failpoints.ts";
import { gitSteps, killEachGit } from "./gitSteps.ts";
import { killAtRandomMoments } from "./randomKills.ts";

/**
 * What landing and following promise when they are killed: every task lands once, nothing is lost, the
 * repository stays whole, the person's checkout is at one commit, and nobody else's lock is touched.
 *
 *     named steps    a kill at each failpoint of `daemon/landing`, and one of each git in each way
 *     random kills   while tasks land without end: the supervisor, a git of its, or both
 *
 * Each supervisor that is started again is looked at when it has recovered (recovered.ts). A step that
 * was not reached is broken.
 */
export type Options = {
  readonly kills: number;
  readonly seed: number;
  /** Of the named steps: `supervisor.move.branch:after`, `git.move:both`. */
  readonly only: RegExp;
  readonly lanes: number;
};

export async function killWhileLanding({ kills, seed, only, lanes }: Options): Promise<boolean> {
  const began = performance.now();
  const { broken: brokenKills, ...random } = await killAtRandomMoments({ kills, seed });
  const points = await killEverywhere({
    part: 1,
    parts: 1,
    scenario: null,
    times: 1,
    lanes,
    only: exactly(await landingPoints(only)),
  });
  const gits = await killEachGit(only, lanes);
  const broken = brokenKills + points.broken + points.never + gits.broken;
  console.log(
    JSON.stringify({
      seed,
      ...random,
      steps: points.killed + gits.steps,
      steps_not_reached: points.never,
      recoveries: random.recoveries + points.recovered + gits.recovered,
      locks_left_by_killed_gits: random.locks_left_by_killed_gits + gits.leftLocks,
      broken,
      seconds: Math.round((performance.now() - began) / 100) / 10,
    }),
  );
  return broken === 0;
}

/** No run of its takes that long, not even on a busy machine. */
export async function landingLimitMs({ kills, only, lanes }: Options): Promise<number> {
  const steps = (await landingPoints(only)).length + gitSteps(only).length;
  return outsideMs + kills * killMsMax + Math.ceil(steps / lanes) * stepMsMax;
}

/** What is around kills and steps: among others each scenario, unharmed. */
const outsideMs = 15 * 60_000;
const killMsMax = 30_000;
const stepMsMax = 60_000;

async function landingPoints(only: RegExp): Promise<string[]> {
  const { names } = await projectFailpoints();
  return names
    .filter(({ file }) => file.startsWith("daemon/landing/"))
    .flatMap(({ name }) => [`supervisor.${name}:before`, `supervisor.${name}:after`])
    .filter((point) => only.test(point));
}

function exactly(points: readonly string[]): RegExp {
  return new RegExp(`^(?:${points.map((point) => point.replaceAll(".", "\\.")).join("|")})$`);
}
