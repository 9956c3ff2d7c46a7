import { readFileSync } from "node:fs";
import { readSupervisorRecord } from "../../ipc/locate.ts";
import { until } from "../helpers/until.ts";
import { makeRepository } from "../helpers/repository.ts";
import { runOrchd } from "../helpers/supervised.ts";
import { endEverything, isAlive, kill, livingOf } from "../chaos/living.ts";
import { nowMs, overlap } from "./barrier.ts";
import type { HammerReport } from "./report.ts";
import type { Ran } from "../helpers/commandLine.ts";
import type { Span } from "./barrier.ts";
import type { TestRepository } from "../helpers/repository.ts";

/**
 * `orchd start`, four times at once, as somebody at a terminal would: all of it, from the command line
 * to a supervisor that answers. One of them says that it runs, the others that one is there already; one
 * supervisor lives, and its epoch is one more than the last: nobody else ever had the lock. Then it is
 * killed, and the next four come.
 */
export type RealStartsOptions = { readonly trials: number };

const starters = 4;
const alreadyRunning = 5;

export async function hammerRealStarts({ trials }: RealStartsOptions): Promise<HammerReport> {
  await using repository = await makeRepository();
  const violations: string[] = [];
  const figures = { trials: 0, met: 0, epoch: 0, start_ms_max: 0 };
  try {
    while (figures.trials < trials) {
      figures.trials += 1;
      const ran = await Promise.all(Array.from({ length: starters }, () => start(repository)));
      if (overlap(ran) === starters) figures.met += 1;
      for (const { start, end } of ran)
        figures.start_ms_max = Math.max(figures.start_ms_max, Math.round(end - start));
      const wrong = await wrongNow(repository, ran, figures.epoch);
      violations.push(...wrong.map((what) => `trial ${figures.trials}: ${what}`));
      figures.epoch = recordOf(repository)?.epoch ?? figures.epoch;
      await endSupervisor(repository);
    }
  } finally {
    await endEverything(repository);
  }
  if (figures.met < trials) violations.push(`only ${figures.met} trials in which all four met`);
  return { hammer: "starts-real", violations, figures };
}

async function start(repository: TestRepository): Promise<Ran & Span> {
  const start = nowMs();
  const ran = await runOrchd(repository, ["start"]);
  return { ...ran, start, end: nowMs() };
}

async function wrongNow(
  repository: TestRepository,
  ran: readonly Ran[],
  epochBefore: number,
): Promise<string[]> {
  const record = recordOf(repository);
  if (record === null) return ["nobody holds it"];
  const wrong = ran
    .filter(({ code }) => code !== 0 && code !== alreadyRunning)
    .map(({ code, stderr }) => `exit code ${code}: ${stderr}`);
  const winners = ran.filter(({ code }) => code === 0).length;
  if (winners !== 1) wrong.push(`${winners} say that they have started it`);
  // Those that lost leave a moment after they said so.
  const alone = await until(() => supervisorsOf(repository).length === 1, {
    what: "one supervisor",
  }).catch(() => false);
  const living = supervisorsOf(repository);
  if (!alone || living[0] !== record.pid)
    wrong.push(`supervisors ${living.join(", ")} live, ${record.pid} has the lock`);
  if (record.epoch !== epochBefore + 1) wrong.push(`epoch ${record.epoch} after ${epochBefore}`);
  return wrong;
}

function recordOf(repository: TestRepository): ReturnType<typeof readSupervisorRecord> {
  return readSupervisorRecord(`${repository.dir}/.git/orchd`);
}

function supervisorsOf(repository: TestRepository): number[] {
  return livingOf(repository).filter((pid) => wordsOf(pid).includes("daemon/main.ts"));
}

function wordsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}

async function endSupervisor(repository: TestRepository): Promise<void> {
  const pid = recordOf(repository)?.pid ?? 0;
  kill(pid, "SIGKILL");
  await until(() => !isAlive(pid), { what: `supervisor ${pid} to be gone` });
}
