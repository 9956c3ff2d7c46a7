import { isDeepStrictEqual } from "node:util";
import { setTimeout as pause } from "node:timers/promises";
import { makeSupervised } from "../helpers/supervised.ts";
import type { Supervised } from "../helpers/supervised.ts";
import type { TestRepository } from "../helpers/repository.ts";
import { until } from "../helpers/until.ts";
import { Random } from "../sim/random.ts";
import { Account } from "./account.ts";
import { lookAt } from "./look.ts";
import type { Look } from "./look.ts";
import { Person } from "./moves.ts";
import { finalProblems, followedText } from "./story.ts";
import { agentSlots, emptyText, slotPaths } from "./texts.ts";

/**
 * The same person beside a whole supervisor with workers, while tasks land. What meets depends on
 * the machine here; what a follow and a command of theirs did between two looks counts as theirs, so
 * this finds less than a story does, and proves that the parts hold together.
 */
type Beside = {
  readonly problems: readonly string[];
  readonly lines: readonly string[];
  readonly moves: number;
  readonly rewinds: number;
  readonly succeeded: number;
};

const betweenMovesMs = 150;
const endTimeoutMs = 240_000;

export async function workBeside(seed: number, tasks: number): Promise<Beside> {
  await using one = await makeSupervised({
    files: Object.fromEntries(slotPaths.map((path) => [path, emptyText(path)])),
    config: { target: "main", max_parallel: 3 },
  });
  const account = await Account.open(one.repository, stableLook);
  const person = new Person(one.repository, new Random(seed));
  const random = new Random(seed + 1);
  const [problems, lines]: [string[], string[]] = [[], []];
  let [moves, rewinds, over] = [0, 0, false];
  const theirs = async (move: () => Promise<string>): Promise<void> => {
    problems.push(...(await account.check(false)));
    const known = await followedText(one);
    lines.push(await move());
    await account.noteMove(known);
    moves += 1;
  };
  const settleRewind = async (): Promise<void> => {
    const reapply = random.chance(0.5);
    const ran = await one.orchd("land", reapply ? "--reapply" : "--accept-rewind");
    lines.push(`land ${reapply ? "--reapply" : "--accept-rewind"}: ${ran.code} ${ran.stdout}`);
    rewinds += 1;
    if (reapply) account.forgive();
  };
  const ids = await one.submit(...Array.from({ length: tasks }, (_, at) => writes(random, at)));
  const waiting = one.wait(ids).finally(() => (over = true));
  const ended = (): boolean => over || problems.length > 0;
  while (!ended() && moves < tasks * 4) {
    await theirs(() => person.act());
    if (await isRewound(one)) await settleRewind();
    await pause(random.int(0, betweenMovesMs));
  }
  await theirs(async () => {
    await person.settle();
    return "settle";
  });
  await until(
    async () => {
      if (ended() && (await hasFollowed(one))) return true;
      if (problems.length > 0) return true;
      if (await isRewound(one)) await settleRewind();
      else if (!(await hasFollowed(one)) && (await isStuck(one)))
        await theirs(async () => {
          await person.mergeOurs();
          return "merge";
        });
      return false;
    },
    { timeoutMs: endTimeoutMs, what: "everything to land and the target to follow" },
  );
  const ends = await waiting;
  problems.push(...(await account.check(true)), ...(await finalProblems(one, account)));
  const succeeded = ends.filter(({ status }) => status === "succeeded").length;
  return { problems, lines, moves, rewinds, succeeded };
}

function writes(random: Random, at: number): object {
  const [path, slot] = [random.pick(slotPaths), random.pick(agentSlots)];
  return {
    id: `w${at}`,
    title: `w${at}`,
    run: { shell: `sleep 1; sed -i 's/ slot ${slot}: .*/ slot ${slot}: t${at}/' ${path}` },
  };
}

/** Two looks that see the same while nothing is half done. */
async function stableLook(repository: TestRepository): Promise<Look> {
  let last = await lookAt(repository).catch(() => null);
  return await until(
    async () => {
      const now = await lookAt(repository).catch(() => null);
      const same = now !== null && !now.halfDone && isDeepStrictEqual(now, last);
      last = now;
      return same ? now : null;
    },
    { what: "a moment at which orchd does nothing", timeoutMs: endTimeoutMs },
  );
}

async function landing(one: Supervised) {
  return (await (await one.client()).call("status", { finished_max: 0, open_max: 0 })).landing;
}

async function isRewound(one: Supervised): Promise<boolean> {
  return /reset/.test((await landing(one)).held ?? "");
}

async function isStuck(one: Supervised): Promise<boolean> {
  const { held, follow_problem: problem } = await landing(one);
  return held !== null || problem !== null;
}

async function hasFollowed({ repository: { git } }: Supervised): Promise<boolean> {
  const [main, branch] = await Promise.all(
    ["main", "orchd/main"].map((name) => git("rev-parse", "--verify", name).catch(() => name)),
  );
  return main === branch;
}
