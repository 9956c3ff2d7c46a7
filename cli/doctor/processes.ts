import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isTaskId, isWorkerId } from "../../ipc/ids.ts";
import { isRecord } from "../../ipc/message.ts";
import { readJsonFile } from "../../system/atomicFile.ts";
import { markersOf } from "../../system/marker.ts";
import { attemptLayout, workerLayout } from "../../system/paths.ts";
import type { Layout } from "../../system/paths.ts";
import { judge } from "../../system/processIdentity.ts";
import type { ProcessIdentity } from "../../system/processIdentity.ts";
import { lookUp } from "../../system/processTable.ts";
import { choice, fine, problem, warning } from "./finding.ts";
import type { Finding } from "./finding.ts";
import type { SupervisorState } from "./supervisor.ts";

/** Workers that run without a supervisor, and what agents left running without their worker. */
export async function checkProcesses(
  layout: Layout,
  supervisor: SupervisorState,
): Promise<Finding[]> {
  const workers = await livingWorkers(layout.stateDir);
  return [workersFinding(workers, supervisor), orphansFinding(await orphans(layout, workers))];
}

type LivingWorker = { readonly name: string; readonly pid: number };
type Orphan = { readonly pid: number; readonly attempt: string; readonly command: string };

const recordBytesMax = 64 * 1024;

function workersFinding(workers: readonly LivingWorker[], supervisor: SupervisorState): Finding {
  const named = workers.map(({ name, pid }) => `${name} (pid ${pid})`).join(", ");
  const isAlone = supervisor.kind === "none" || supervisor.kind === "dead";
  if (!isAlone || workers.length === 0)
    return fine("workers", workers.length === 0 ? "No worker runs" : `Workers run: ${named}`);
  return warning("workers", {
    message: `Workers run without a supervisor: ${named}.`,
    meaning:
      "They finish what they do and keep the result. Without a supervisor for `adoption_grace` they end their agents, save the work and exit.",
    choices: [choice("Start a supervisor, which takes them over.", "orchd start")],
  });
}

function orphansFinding(found: readonly Orphan[]): Finding {
  if (found.length === 0)
    return fine("orphans", "No process of an attempt runs without its worker");
  const named = found.map(({ pid, attempt, command }) => `${pid} (${attempt}: ${command})`);
  return problem("orphans", {
    message: `Processes of attempts run on without their worker: ${named.join(", ")}.`,
    meaning: "They use the machine, and what they still write is in nobody's commit.",
    choices: [
      choice("Start a supervisor: it ends what attempts of dead workers left.", "orchd start"),
      choice("End them by hand.", `kill ${found.map(({ pid }) => pid).join(" ")}`),
    ],
  });
}

async function livingWorkers(stateDir: string): Promise<LivingWorker[]> {
  const folder = join(stateDir, "workers");
  const names = await readdir(folder).catch(() => []);
  const living: LivingWorker[] = [];
  for (const name of names.filter((one) => one.endsWith(".json"))) {
    const value = await readJsonFile(join(folder, name), recordBytesMax).catch(() => null);
    const identity = isRecord(value) ? value["identity"] : null;
    if (isIdentity(identity) && judge(identity) === "alive")
      living.push({ name: name.slice(0, -".json".length), pid: identity.pid });
  }
  return living;
}

/**
 * The marker is `<task>.<attempt>@<twelve digits of the repository>`. An attempt is in good hands as
 * long as its worker lives and has not written down how it ended.
 */
async function orphans(layout: Layout, workers: readonly LivingWorker[]): Promise<Orphan[]> {
  const suffix = `@${layout.repositoryId.slice(-idDigits)}`;
  return markersOf().flatMap(({ pid, marker }) => {
    if (!marker.endsWith(suffix)) return [];
    const attempt = marker.slice(0, -suffix.length);
    const isKept = workers.some(
      ({ name, pid: of }) => isUnderWay(layout, name, attempt) || isBelow(pid, of),
    );
    return isKept ? [] : [{ pid, attempt, command: commandOf(pid) }];
  });
}

const idDigits = 12;

function isUnderWay(layout: Layout, worker: string, attempt: string): boolean {
  const [, task, number] = /^(.+)\.(\d+)$/.exec(attempt) ?? [];
  if (task === undefined || !isTaskId(task) || !isWorkerId(worker)) return false;
  const { record, outcome } = attemptLayout(workerLayout(layout, worker), {
    task,
    attempt: Number(number),
  });
  return existsSync(record) && !existsSync(outcome);
}

/** Whether one process descends from another. */
function isBelow(pid: number, ancestor: number): boolean {
  const seen = new Set<number>();
  for (let at = pid; at > 1 && !seen.has(at);) {
    if (at === ancestor) return true;
    seen.add(at);
    const row = lookUp(at);
    if (typeof row === "string") return false;
    at = row.parent;
  }
  return false;
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim().slice(0, 60);
  } catch {
    return "?";
  }
}

function isIdentity(value: unknown): value is ProcessIdentity {
  if (!isRecord(value)) return false;
  const { pid, startTime, bootId, pidNamespace, host } = value;
  const texts = [bootId, pidNamespace, host].every((text) => typeof text === "string");
  return texts && typeof pid === "number" && typeof startTime === "number";
}
