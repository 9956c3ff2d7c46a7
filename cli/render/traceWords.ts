import { isRecord } from "../../ipc/message.ts";
import type { FailureReason } from "../../ipc/taskViews.ts";
import type { TraceEvent } from "../../ipc/historyViews.ts";
import type { AttemptFailure } from "../../ipc/workerMessages.ts";
import { shortOidLength } from "./outcome.ts";
import type { Style } from "./paint.ts";
import { listed, plain } from "./text.ts";
import { span } from "./time.ts";
import { attemptWords, reasonWords } from "./words.ts";

export type TraceWords = { readonly text: string; readonly style: Style | null };

/** What one event of a task's life means. Events of a newer supervisor are told by their names. */
export function traceWords(event: TraceEvent): TraceWords {
  const { name, detail } = event;
  const fixed = fixedWords[name];
  if (fixed !== undefined) return { text: fixed, style: null };
  switch (name) {
    case "task:submitted":
      return { text: `submitted (supervisor epoch ${event.epoch})`, style: null };
    case "task:started":
      return {
        text: `started on ${plain(event.worker ?? "?")}, fence ${event.fence}`,
        style: "live",
      };
    case "attempt:ended":
    case "task:landing":
      return attemptEnd(detail);
    case "task:resolved":
      return {
        text: `resolved by a person${savedWords(detail)}; waits to land (fence ${event.seq})`,
        style: "live",
      };
    case "attempt:salvaged":
      return { text: `the work of its dead worker was saved${savedWords(detail)}`, style: null };
    case "landing:candidate":
      return { text: candidateWords(event), style: null };
    case "landing:gate_passed":
      return { text: `the gate passed on tree ${oid(detail["tree"])}`, style: "good" };
    case "landing:gate_started":
      return { text: `tested with those in front of it (fence ${event.seq})`, style: null };
    case "landing:gate_red":
      return { text: `red on tree ${oid(detail["tree"])}${redWords(detail)}`, style: "warn" };
    case "landing:generating":
      return { text: `makes ${list(detail["paths"])} anew (fence ${event.seq})`, style: null };
    case "landing:generated":
      return {
        text: `generated files: tree ${oid(detail["tree"])}${othersWords(detail)}`,
        style: null,
      };
    case "landing:put_back":
      return { text: `waits again: ${putBackWords(detail["because"])}`, style: null };
    case "landing:base_suspected":
      return { text: "red at the gate; the base is tested first", style: "warn" };
    case "landing:base_red":
      return { text: `the branch itself is red: ${word(detail["message"])}`, style: "warn" };
    case "landing:again":
      return { text: `merged once more: ${word(detail["because"])}`, style: null };
    case "landing:ended":
      return { text: `did not land${nextWords(detail)}`, style: "warn" };
    case "task:succeeded":
      return successWords(detail);
    case "task:failed":
      return { text: `failed: ${failureOf(detail)}`, style: "bad" };
    case "task:cancelled":
      return { text: "cancelled", style: "warn" };
    default:
      return { text: plain(name), style: null };
  }
}

const fixedWords: Readonly<Record<string, string>> = {
  "task:retried": "retried: it starts over",
  "task:paused": "paused",
  "task:resumed": "resumed",
  "task:cancelling": "cancel requested: its attempt is being ended",
  "landing:started": "its turn to land: merging",
};

function attemptEnd(detail: TraceEvent["detail"]): TraceWords {
  const took = typeof detail["elapsedMs"] === "number" ? ` after ${span(detail["elapsedMs"])}` : "";
  const { result } = detail;
  if (result === "done")
    return {
      text: `attempt done${took}${savedWords(detail)}${unresolvedWords(detail)}${nextWords(detail)}`,
      style: "good",
    };
  const how = isRecord(detail["failure"])
    ? attemptWords(detail["failure"] as AttemptFailure)
    : result === "lost"
      ? "lost with its worker"
      : "ended on request";
  return { text: `attempt: ${how}${took}${savedWords(detail)}${nextWords(detail)}`, style: "warn" };
}

/** The sequence of this event is the fence of the gate run. */
function candidateWords({ detail, seq }: TraceEvent): string {
  const gate =
    detail["gate"] === true
      ? `gate runs (fence ${seq})`
      : detail["gate"] === null
        ? "lands with others"
        : "no gate needed";
  return `candidate ${oid(detail["candidate"])} on ${oid(detail["onto"])}; ${gate}`;
}

function redWords({ red }: TraceEvent["detail"]): string {
  if (!isRecord(red) || !Array.isArray(red["command"])) return "";
  return `: ${plain(red["command"].join(" "))}: ${attemptWords(red["failure"] as AttemptFailure)}`;
}

function othersWords({ others }: TraceEvent["detail"]): string {
  return Array.isArray(others) && others.length > 0
    ? `; other changes left out: ${list(others)}`
    : "";
}

const listMax = 3;

function list(value: unknown): string {
  const words = Array.isArray(value) ? value.map(word) : [];
  const more = words.length > listMax ? ` and ${words.length - listMax} more` : "";
  return `${words.slice(0, listMax).join(", ")}${more}`;
}

function putBackWords(because: unknown): string {
  switch (because) {
    case "chain_cut":
      return "one in front of it did not land, or the branch moved";
    case "conflict":
      return "it conflicts with those in front of it, which land first";
    case "generation":
      return "generated files could not be made behind those in front of it, which land first";
    case "no_change":
      return "those in front of it hold its change, and land first";
    default:
      return word(because);
  }
}

function successWords(detail: TraceEvent["detail"]): TraceWords {
  const { next } = detail;
  const commit = isRecord(next) && typeof next["commit"] === "string" ? next["commit"] : null;
  const text = commit === null ? "succeeded: it changed nothing" : `landed as ${oid(commit)}`;
  return { text, style: "good" };
}

function failureOf(detail: TraceEvent["detail"]): string {
  const { next, dependency } = detail;
  if (isRecord(next) && isRecord(next["reason"]))
    return reasonWords(next["reason"] as FailureReason);
  return typeof dependency === "string"
    ? `${word(dependency)} ${word(detail["status"])}`
    : "no reason is known";
}

/** Where it goes from here, when that is not told by the event's name. */
function nextWords({ next }: TraceEvent["detail"]): string {
  if (!isRecord(next)) return "";
  if (next["to"] === "landing") return "; waits to land";
  return next["to"] === "queued" ? `; runs again (${word(next["because"])})` : "";
}

function savedWords({ saved }: TraceEvent["detail"]): string {
  return isRecord(saved) ? `, saved as ${oid(saved["commit"])}` : "";
}

function unresolvedWords({ saved }: TraceEvent["detail"]): string {
  if (!isRecord(saved) || !Array.isArray(saved["unresolved"])) return "";
  const { unresolved, unresolved_total: total } = saved;
  const paths = unresolved.map(String);
  const count = typeof total === "number" ? total : paths.length;
  return `; it left conflicts in ${listed(paths, 2, count)}`;
}

function oid(value: unknown): string {
  return word(value).slice(0, shortOidLength);
}

function word(value: unknown): string {
  return typeof value === "string" ? plain(value) : "?";
}
