import { readFile, stat } from "node:fs/promises";
import { connect } from "../../ipc/client.ts";
import { FailureError } from "../../ipc/errors.ts";
import { readSupervisorRecord } from "../../ipc/locate.ts";
import { isRecord } from "../../ipc/message.ts";
import type { StatusView } from "../../ipc/statusViews.ts";
import { readJsonFile } from "../../system/atomicFile.ts";
import type { Layout } from "../../system/paths.ts";
import { judge } from "../../system/processIdentity.ts";
import { span } from "../render/time.ts";
import { choice, fine, problem, warning } from "./finding.ts";
import type { Finding } from "./finding.ts";

/**
 * Who holds the repository, found out without its lock. What `supervisor.json` says of a process is
 * judged, and /proc/locks tells who has the lock, also when that file is gone.
 */
export type SupervisorState =
  | { readonly kind: "none" }
  | { readonly kind: "answers"; readonly pid: number; readonly status: StatusView }
  /** Holds the lock, and does not answer. */
  | { readonly kind: "hung"; readonly pid: number; readonly why: string }
  /** `supervisor.json` of one that was killed. */
  | { readonly kind: "dead"; readonly pid: number }
  /** On another host, or in a container of its own. */
  | { readonly kind: "elsewhere"; readonly pid: number; readonly host: string };

const answerMs = 4_000;
const recordBytesMax = 64 * 1024;

export async function findSupervisor(layout: Layout, directory: string): Promise<SupervisorState> {
  const holder = await lockHolder(layout.supervisorDatabase);
  const record = readSupervisorRecord(layout.stateDir);
  const judgement = record === null ? "dead" : await judgeRecord(layout.supervisorRecord);
  if (judgement === "unknown" && holder === null && record !== null)
    return { kind: "elsewhere", pid: record.pid, host: await hostOf(layout.supervisorRecord) };
  const pid = holder ?? (judgement === "alive" ? (record?.pid ?? null) : null);
  if (pid === null) return record === null ? { kind: "none" } : { kind: "dead", pid: record.pid };
  const status = await statusOf(directory);
  return typeof status === "string"
    ? { kind: "hung", pid, why: status }
    : { kind: "answers", pid, status };
}

export function supervisorFindings(state: SupervisorState): Finding[] {
  switch (state.kind) {
    case "none":
      return [fine("supervisor", "No supervisor runs")];
    case "answers": {
      const { epoch, version, uptime_ms } = state.status.daemon;
      const told = `pid ${state.pid}, epoch ${epoch}, version ${version}, up ${span(uptime_ms)}`;
      return [fine("supervisor", `The supervisor answers (${told})`)];
    }
    case "hung":
      return [hungFinding(state.pid, state.why)];
    case "dead":
      return [
        warning("supervisor", {
          message: `The last supervisor (pid ${state.pid}) ended without a word: it was killed, or the machine went down.`,
          meaning:
            "Nothing that it acknowledged is lost. The next start takes over what still runs.",
          choices: [choice("Start the next one.", "orchd start")],
        }),
      ];
    case "elsewhere":
      return [
        warning("supervisor", {
          message: `supervisor.json names a process (pid ${state.pid}) on ${state.host} or in another container.`,
          meaning: "Whether it lives cannot be told from here.",
          choices: [choice("Look there, and end it with `orchd stop` if it should not run.")],
        }),
      ];
  }
}

function hungFinding(pid: number, why: string): Finding {
  return problem("supervisor", {
    message: `The supervisor (pid ${pid}) holds the repository and does not answer: ${why}`,
    meaning:
      "Nothing is accepted, started or landed. Running agents go on, and keep their results for the next supervisor.",
    choices: [
      choice(
        "See what it is doing; state T means that it was stopped.",
        `ps -o pid,stat,wchan,etime,args -p ${pid}`,
      ),
      choice("Let a stopped one go on.", `kill -CONT ${pid}`),
      choice(
        "End it and start another, which takes over the agents. Nothing that was acknowledged is lost.",
        "orchd start --replace",
      ),
    ],
  });
}

/** The process that has the exclusive lock; `null` when there is none, or none that can be seen. Linux only. */
async function lockHolder(database: string): Promise<number | null> {
  const found = await stat(database, { bigint: true }).catch(() => null);
  const locks = await readFile("/proc/locks", "utf8").catch(() => "");
  if (found === null) return null;
  for (const line of locks.split("\n")) {
    const [, pid, inode] =
      /POSIX +ADVISORY +WRITE +(\d+) +[\da-f]+:[\da-f]+:(\d+) /.exec(line) ?? [];
    if (inode === String(found.ino) && Number(pid) > 0) return Number(pid);
  }
  return null;
}

async function judgeRecord(file: string): Promise<ReturnType<typeof judge>> {
  const value = await readJsonFile(file, recordBytesMax);
  if (!isRecord(value)) return "unknown";
  const { pid, start_time: startTime, boot_id: bootId, pid_namespace: pidNamespace, host } = value;
  const known =
    typeof pid === "number" &&
    typeof startTime === "number" &&
    typeof bootId === "string" &&
    typeof pidNamespace === "string" &&
    typeof host === "string";
  return known ? judge({ pid, startTime, bootId, pidNamespace, host }) : "unknown";
}

async function hostOf(file: string): Promise<string> {
  const value = await readJsonFile(file, recordBytesMax);
  const host = isRecord(value) ? value["host"] : null;
  return typeof host === "string" ? host : "another machine";
}

/** Why it does not answer, in words. */
async function statusOf(directory: string): Promise<StatusView | string> {
  const signal = AbortSignal.timeout(answerMs);
  try {
    await using client = await connect({ repo: directory, reconnect: false, signal });
    const late = new Promise<string>((resolve) =>
      signal.addEventListener("abort", () => resolve(tooLate), { once: true }),
    );
    return await Promise.race([client.call("status", { open_max: 0, finished_max: 0 }), late]);
  } catch (error) {
    if (error instanceof FailureError) return error.failure.message;
    if (signal.aborted) return tooLate;
    throw error;
  }
}

const tooLate = `no answer within ${answerMs / 1_000} seconds.`;
