import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { readSupervisorRecord } from "../../ipc/locate.ts";
import type { EndView } from "../../ipc/taskViews.ts";
import { Random } from "../sim/random.ts";
import { until } from "../helpers/until.ts";
import { abandoned, inTime } from "./inTime.ts";
import { brokenAtRest } from "./invariants.ts";
import { endEverything, isAlive, kill } from "./living.ts";
import { task } from "./scenarios.ts";
import { Keeper, makeSite } from "./site.ts";
import type { Site } from "./site.ts";

/**
 * Tasks are submitted over the given time while supervisor and workers are killed, stopped and
 * continued, at moments and in an order that follow from the seed. What is hit depends on the machine
 * as well, so a seed repeats the faults and not the outcome.
 *
 * At the end the faults stop, everything must land, and the invariants must hold; agents whose worker
 * was left alone must have been started once.
 */
export type Options = { readonly seconds: number; readonly seed: number };

type Fault =
  | "kill supervisor"
  | "pause supervisor"
  | "kill worker"
  | "pause worker"
  | "hang worker"
  | "kill both";

const tasksPerSecond = 200 / 180;
const faultEveryMs = 900;
/** A worker that is paused for longer is taken for hung. */
const staleAfterMs = 6_000;
const limits = { grace: "300ms", heartbeat: "1s", stale_after: `${staleAfterMs}ms` };
const batch = 4;
const restTimeoutMs = 240_000;
const faultWeights: readonly (readonly [Fault, number])[] = [
  ["kill supervisor", 30],
  ["pause supervisor", 22],
  ["kill worker", 18],
  ["pause worker", 22],
  ["hang worker", 3],
  ["kill both", 5],
];

/** No run of its takes that long, not even on a busy machine. */
export function randomLimitMs({ seconds }: Options): number {
  return seconds * 1000 + 3 * restTimeoutMs;
}

export async function killAtRandom({ seconds, seed }: Options): Promise<boolean> {
  console.log(`seed ${seed}`);
  const began = performance.now();
  await using site = await makeSite({
    files: { "README.md": "# Scratch\n", "shared.txt": "0\n" },
    config: { max_parallel: 4, limits, verify: [["test", "-f", "README.md"]] },
  });
  const random = new Random(seed);
  const ids = Array.from({ length: Math.ceil(seconds * tasksPerSecond) }, (_, at) => `task-${at}`);
  const faults = new Map<Fault, number>();
  let problems: string[] = [];
  let ends: EndView[] = [];
  let starts = 0;
  let lost = 0;
  const whole = async (): Promise<void> => {
    await site.orchd(["start"]);
    await using keeper = new Keeper(site);
    const deadline = performance.now() + seconds * 1000;
    await Promise.all([
      submitAll(site, ids, random, seconds * 1000),
      injectFaults(site, new Random(seed + 1), deadline, faults),
    ]);
    ends = await site.wait(ids);
    await until(async () => (await tipOf(site, "main")) === (await tipOf(site, "orchd/main")), {
      what: "the person's branch to follow",
      timeoutMs: 30_000,
    });
    starts = keeper.starts;
    lost = await lostAttempts(site, ends);
  };
  const timeoutMs = seconds * 1000 + restTimeoutMs;
  try {
    await inTime(whole(), { timeoutMs, what: "faults and what follows from them" });
    await site.orchd(["stop"]);
  } catch (error) {
    problems = [String(error), ...(await abandoned(site))];
  }
  problems.push(...(await brokenAtRest(site, { ends, failing: new Set() })));
  problems.push(...brokenStarts(site, ends, lost, faults));
  if (problems.length > 0) await endEverything(site.repository);
  for (const problem of problems) console.log(`BROKEN ${problem}`);
  const landed = ends.filter(({ status }) => status === "succeeded").length;
  console.log(
    JSON.stringify({
      seed,
      seconds: Math.round((performance.now() - began) / 100) / 10,
      faults: Object.fromEntries(faults),
      faults_total: [...faults.values()].reduce((sum, count) => sum + count, 0),
      tasks: ids.length,
      landed,
      attempts: ends.reduce((sum, { attempts }) => sum + attempts, 0),
      attempts_lost: lost,
      agent_starts: ids.reduce((sum, id) => sum + site.startsOf(id), 0),
      supervisor_starts: starts + 1,
      broken: problems.length,
    }),
  );
  return problems.length === 0 && landed === ids.length;
}

async function submitAll(
  site: Site,
  ids: readonly string[],
  random: Random,
  forMs: number,
): Promise<void> {
  const batches = Math.ceil(ids.length / batch);
  for (let at = 0; at < ids.length; at += batch) {
    await site.submit(ids.slice(at, at + batch).map((id) => taskOf(site, id, random)));
    await pause((forMs * 0.9) / batches);
  }
}

/** Most write a file of their own; some the one that others write too, and then run again. */
function taskOf(site: Site, id: string, random: Random): object {
  const seconds = random.int(2, 20) / 10;
  const isShared = random.chance(0.05);
  const file = isShared ? "shared.txt" : `out/${id}.txt`;
  const shell = `sleep ${seconds}; mkdir -p out; echo ${id} > ${file}`;
  return task(site, id, shell, isShared || random.chance(0.2) ? {} : { claims: [file] });
}

async function injectFaults(
  site: Site,
  random: Random,
  deadline: number,
  faults: Map<Fault, number>,
): Promise<void> {
  while (performance.now() < deadline) {
    await pause(random.int(0, 2 * faultEveryMs));
    const fault = drawFault(random);
    const hit = await inject(site, random, fault);
    if (hit) faults.set(fault, (faults.get(fault) ?? 0) + 1);
  }
}

function drawFault(random: Random): Fault {
  const bag = faultWeights.flatMap(([fault, weight]) =>
    Array.from({ length: weight }, () => fault),
  );
  return random.pick(bag);
}

/** False when what it is for was not there at this moment. */
async function inject(site: Site, random: Random, fault: Fault): Promise<boolean> {
  const supervisor = readSupervisorRecord(site.stateDir)?.pid ?? 0;
  const workers = workersOf(site).filter(isAlive);
  const worker = workers.length === 0 ? 0 : random.pick(workers);
  const shortMs = random.int(50, 1_500);
  switch (fault) {
    case "kill supervisor":
      return isAlive(supervisor) && kill(supervisor, "SIGKILL");
    case "pause supervisor":
      return isAlive(supervisor) && (await hold(supervisor, shortMs));
    case "kill worker":
      return worker !== 0 && kill(worker, "SIGKILL");
    case "pause worker":
      return worker !== 0 && (await hold(worker, shortMs));
    case "hang worker":
      return worker !== 0 && kill(worker, "SIGSTOP");
    case "kill both":
      if (worker === 0 || !isAlive(supervisor)) return false;
      return kill(worker, "SIGKILL") && kill(supervisor, "SIGKILL");
  }
}

async function hold(pid: number, forMs: number): Promise<boolean> {
  if (!kill(pid, "SIGSTOP")) return false;
  await pause(forMs);
  kill(pid, "SIGCONT");
  return true;
}

/** Pids, as the supervisor has written them down. */
function workersOf(site: Site): number[] {
  const folder = join(site.stateDir, "workers");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json") && !name.startsWith("."))
    .map((name) => {
      const record = JSON.parse(readFileSync(join(folder, name), "utf8")) as {
        readonly identity: { readonly pid: number };
      };
      return record.identity.pid;
    });
}

async function tipOf({ repository: { git } }: Site, branch: string): Promise<string> {
  return await git("rev-parse", branch);
}

/** Asked while the supervisor still answers. */
async function lostAttempts(site: Site, ends: readonly EndView[]): Promise<number> {
  const client = await site.client();
  let lost = 0;
  for (const { id } of ends.filter(({ attempts }) => attempts > 1))
    lost += (await client.call("show", { id })).attempt_list.filter(
      ({ result }) => result === "lost",
    ).length;
  return lost;
}

/** A supervisor's death starts no agent again; a worker's costs the one task it had one more attempt. */
function brokenStarts(
  site: Site,
  ends: readonly EndView[],
  lost: number,
  faults: ReadonlyMap<Fault, number>,
): string[] {
  const lostMax = ["kill worker", "hang worker", "kill both"]
    .map((fault) => faults.get(fault as Fault) ?? 0)
    .reduce((sum, count) => sum + count, 0);
  return [
    ...ends
      .map(({ id, attempts }) => ({ id, attempts, starts: site.startsOf(id) }))
      .filter(({ attempts, starts }) => starts > attempts || starts < 1)
      .map(({ id, attempts, starts }) => `${id}: ${starts} starts in ${attempts} attempts`),
    ...(lost > lostMax ? [`${lost} attempts were lost, but only ${lostMax} workers ended`] : []),
  ];
}
