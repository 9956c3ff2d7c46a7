import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** What a run of stories came to; the last line that it prints. */
export type Told = {
  readonly first: number;
  readonly seeds: number;
  readonly landings: number;
  readonly landed: number;
  readonly followed: number;
  readonly moves: number;
  readonly movesHalfDone: number;
  readonly rewinds: number;
  readonly reapplied: number;
  readonly broken: readonly number[];
};

/**
 * Tells the stories of several seeds at once, each lane in a process of its own: steps and commands
 * meet at failpoints, of which a process has one set. Prints what they print. `null`: one of them did
 * not come to its end.
 */
export async function tellInLanes(
  args: readonly string[],
  { first, seeds, lanes }: { first: number; seeds: number; lanes: number },
): Promise<Told | null> {
  const share = Math.ceil(seeds / lanes);
  const parts = Array.from({ length: lanes }, (_, lane) => ({
    first: first + lane * share,
    seeds: Math.min(share, seeds - lane * share),
  }));
  const told = await Promise.all(
    parts.filter((part) => part.seeds > 0).map((part) => tellPart(args, part)),
  );
  const whole = told.filter((one) => one !== null);
  return whole.length < told.length ? null : whole.reduce(together);
}

async function tellPart(
  args: readonly string[],
  { first, seeds }: { first: number; seeds: number },
): Promise<Told | null> {
  const main = `${import.meta.dirname}/main.ts`;
  const own = ["--first", `${first}`, "--seeds", `${seeds}`, "--lanes", "1"];
  const child = spawn(process.execPath, [main, ...args, ...own], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [printed] = await Promise.all([text(child.stdout), once(child, "exit")]);
  const lines = printed.trimEnd().split("\n");
  const last = lines.at(-1) ?? "";
  const isTold = last.startsWith("{");
  const rest = isTold ? lines.slice(0, -1) : lines;
  if (rest.length > 0) console.log(rest.join("\n"));
  return isTold ? (JSON.parse(last) as Told) : null;
}

function together(one: Told, other: Told): Told {
  return {
    first: Math.min(one.first, other.first),
    seeds: one.seeds + other.seeds,
    landings: one.landings,
    landed: one.landed + other.landed,
    followed: one.followed + other.followed,
    moves: one.moves + other.moves,
    movesHalfDone: one.movesHalfDone + other.movesHalfDone,
    rewinds: one.rewinds + other.rewinds,
    reapplied: one.reapplied + other.reapplied,
    broken: [...one.broken, ...other.broken],
  };
}
