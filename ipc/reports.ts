import { isOid, isTaskId } from "./ids.ts";
import { isRecord } from "./message.ts";
import { savedMessageMax } from "./workerMessages.ts";
import type { Heartbeat, Outcome, Report } from "./workerMessages.ts";

/**
 * Checks what a worker says. It is a program of ours, but an agent of the same user may have got hold
 * of its token, so what does not have the shape of `ipc/workerMessages.ts` is dropped here.
 */
export function readReports(value: unknown): Report[] {
  return Array.isArray(value) ? value.filter(isReport) : [];
}

export function readHeartbeat(value: unknown): Heartbeat | null {
  if (!isRecord(value)) return null;
  const { attempt, stage, output_bytes, last_line, live } = value;
  const known =
    (attempt === null || isKey(attempt)) &&
    (stage === null || typeof stage === "string") &&
    typeof output_bytes === "number" &&
    (live === undefined || (typeof live === "string" && isOid(live))) &&
    (last_line === null || (typeof last_line === "string" && last_line.length <= lastLineMax));
  return known ? (value as Heartbeat) : null;
}

const lastLineMax = 400;
const refPattern = /^refs\/orchd\/[a-z]+\/[A-Za-z0-9._/-]{1,200}$/;

function isReport(value: unknown): value is Report {
  return isKey(value) && typeof value["elapsed_ms"] === "number" && isOutcome(value["outcome"]);
}

function isKey(value: unknown): value is Record<string, unknown> {
  return (
    isRecord(value) &&
    typeof value["task"] === "string" &&
    isTaskId(value["task"]) &&
    Number.isSafeInteger(value["attempt"]) &&
    Number.isSafeInteger(value["fence"])
  );
}

function isOutcome(value: unknown): value is Outcome {
  if (!isRecord(value)) return false;
  switch (value["result"]) {
    case "done":
    case "ended":
    case "lost":
      return isSaved(value["saved"]);
    case "failed":
      return isSaved(value["saved"]) && isFailure(value["failure"]);
    case "gate_green":
      return true;
    case "generated":
      return typeof value["tree"] === "string" && isOid(value["tree"]) && isTexts(value["others"]);
    case "gate_red":
      return (
        isFailure(value["failure"]) &&
        isTexts(value["command"]) &&
        typeof value["output"] === "string"
      );
    default:
      return false;
  }
}

function isSaved(value: unknown): boolean {
  if (value === null) return true;
  if (!isRecord(value)) return false;
  const { commit, base, ref, touched, touched_total, descends, message } = value;
  const { unresolved, unresolved_total } = value;
  return (
    typeof commit === "string" &&
    isOid(commit) &&
    typeof base === "string" &&
    isOid(base) &&
    typeof ref === "string" &&
    refPattern.test(ref) &&
    isTexts(touched) &&
    typeof touched_total === "number" &&
    typeof descends === "boolean" &&
    (unresolved === undefined || isTexts(unresolved)) &&
    (unresolved_total === undefined || Number.isSafeInteger(unresolved_total)) &&
    (message === undefined || (typeof message === "string" && message.length <= savedMessageMax))
  );
}

function isFailure(value: unknown): boolean {
  return isRecord(value) && typeof value["kind"] === "string";
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
