import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { takeSupervisorLock } from "../../daemon/lease/supervisorLock.ts";
import { isGone } from "../helpers/processes.ts";
import { Random } from "../sim/random.ts";
import { arrive, nowMs } from "./barrier.ts";
import type { Span } from "./barrier.ts";

/**
 * `node churner.ts FOLDER SEED KILLS`, then `churn MOMENT UNTIL` on standard input: takes the lock of the
 * supervisor, holds it for 0 to 4 ms and gives it back, over and over until that moment; of KILLS in a
 * thousand holds it dies in the middle. Answers with what it saw; a dead one has left its file.
 *
 * The witness is a file that knows nothing of the lock: made by who holds (`wx`), removed by it at the
 * end. Who finds one is right to hold only if its maker is dead.
 *
 *     FOLDER/holder   {"pid":…,"epoch":…,"dyingAt":null | ms}
 */
export type Churned = {
  readonly spans: readonly Span[];
  readonly wrong: readonly string[];
  /** From the death of a holder to the next hold, ms. */
  readonly takeovers: readonly number[];
  readonly refused: number;
};

type Witness = { readonly pid: number; readonly epoch: number; readonly dyingAt: number | null };

const [folder = "", seed = "0", kills = "0"] = process.argv.slice(2);
const random = new Random(Number(seed));
const stateDir = join(folder, "orchd");
const witnessFile = join(folder, "holder");
const epochFile = join(folder, "epoch");
const holdMsMax = 4;
/** A killed process keeps its number until the kernel has put away the rest of it. */
const dyingMsMax = 2_000;
const spans: Span[] = [];
const wrong: string[] = [];
const takeovers: number[] = [];
let refused = 0;

say({ ready: true });
for await (const line of createInterface(process.stdin)) {
  const [, moment, until] = line.split(" ").map(Number);
  arrive(moment ?? 0);
  while (nowMs() < (until ?? 0)) await turn();
  say({ spans, wrong, takeovers, refused } satisfies Churned);
}

async function turn(): Promise<void> {
  const taken = takeSupervisorLock(stateDir);
  if (!taken.ok) {
    refused += 1;
    if (taken.failure.code !== "already_running") wrong.push(taken.failure.message);
    return await pause(random.int(0, 2));
  }
  const start = nowMs();
  const { epoch } = taken.value;
  await enter(epoch, start);
  const before = Number(read(epochFile) ?? 0);
  if (epoch <= before) wrong.push(`epoch ${epoch} after ${before}`);
  writeFileSync(epochFile, `${epoch}`);
  await pause(random.int(0, holdMsMax));
  if (random.int(1, 1_000) <= Number(kills)) die(epoch);
  rmSync(witnessFile);
  spans.push({ start, end: nowMs() });
  taken.value.release();
  await pause(random.int(0, 1));
}

async function enter(epoch: number, start: number): Promise<void> {
  const left = read(witnessFile);
  if (left !== null) {
    const { pid, epoch: theirs, dyingAt } = JSON.parse(left) as Witness;
    if (!(await hasDied(pid))) wrong.push(`${theirs} of process ${pid} still held beside ${epoch}`);
    if (dyingAt !== null) takeovers.push(start - dyingAt);
    rmSync(witnessFile, { force: true });
  }
  try {
    writeFileSync(witnessFile, witness(epoch, null), { flag: "wx" });
  } catch {
    wrong.push(`another came in beside ${epoch}`);
  }
}

/** One that lives removes its file soon: it is looked at until that, or its death, or too long. */
async function hasDied(pid: number): Promise<boolean> {
  const until = nowMs() + dyingMsMax;
  while (nowMs() < until) {
    if (isGone(pid)) return true;
    if (read(witnessFile) === null) return false;
    await pause(1);
  }
  return false;
}

function die(epoch: number): void {
  writeFileSync(witnessFile, witness(epoch, nowMs()));
  process.kill(process.pid, "SIGKILL");
}

function witness(epoch: number, dyingAt: number | null): string {
  return JSON.stringify({ pid: process.pid, epoch, dyingAt } satisfies Witness);
}

function read(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

function say(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
