import { formatDuration } from "../../ipc/duration.ts";
import { unreachable } from "../../ipc/errors.ts";
import type { AttemptView, FailureReason, TaskView } from "../../ipc/taskViews.ts";
import type { ClaimSet, TaskSpec, Work } from "../../ipc/taskSpec.ts";
import { outcomeCell, shortOidLength } from "./outcome.ts";
import type { Look } from "./paint.ts";
import type { Cell } from "./table.ts";
import { fields, rowsOf } from "./table.ts";
import { foreseenWords } from "./foreseen.ts";
import { mergingWords } from "./merging.ts";
import { parkedSection } from "./parked.ts";
import { quoted } from "./shell.ts";
import { plain } from "./text.ts";
import { dateTime, span } from "./time.ts";
import { attemptWords, reasonWords, statusStyle, waitWords } from "./words.ts";

/** Everything known of one task, as `orchd show` prints it. */
export function taskPage(view: TaskView, look: Look): string {
  const title = `${look.paint("strong", view.id)}  ${plain(view.title)}`;
  const sections = [
    `${title}\n${fields(stateFields(view, look), look, "  ")}`,
    fields(specFields(view.spec), look, "  "),
    attemptTable(view, look),
    gateOutput(view.reason ?? (isOver(view) ? null : view.sent_back), look),
    parkedSection(view, look),
  ];
  return sections.filter((text) => text !== "").join("\n\n");
}

function stateFields(view: TaskView, look: Look): [string, string][] {
  const since = `for ${span(look.now - view.since)}`;
  const stage = view.stage === null || view.stage === view.status ? "" : ` (${view.stage})`;
  const status = `${look.paint(statusStyle(view.status), view.status)}${stage} ${since}`;
  const pairs: [string, string][] = [
    ["status", status],
    ["submitted", dateTime(view.submitted_at)],
  ];
  if (view.waiting !== null) pairs.push(["waits", waitWords(view.waiting, new Map(), look.now)]);
  if (view.landing_held !== null)
    pairs.push(["waits", look.paint("bad", `landing is held: ${plain(view.landing_held)}`)]);
  if (view.status === "succeeded")
    pairs.push(["commit", view.commit ?? "none: it changed nothing"]);
  if (view.reason !== null) pairs.push(["reason", painted(outcomeCell(view), look)]);
  if (view.sent_back !== null && !isOver(view))
    pairs.push(["sent back", reasonWords(view.sent_back)]);
  for (const one of view.foreseen) pairs.push(["will conflict", foreseenWords(view.id, one)]);
  for (const words of mergingWords(view.merging))
    pairs.push(["merging", look.paint("warn", words)]);
  if (view.held.length > 0) pairs.push(["holds", view.held.map(plain).join(", ")]);
  return pairs;
}

/** What it went back with is of interest while it may still be repaired. */
function isOver({ status }: TaskView): boolean {
  return status === "succeeded" || status === "failed" || status === "cancelled";
}

/** What was asked, leaving out what says nothing beyond the default. */
function specFields(spec: TaskSpec): [string, string][] {
  const optional: [string, string | null][] = [
    ["objective", spec.objective],
    ["decision", spec.decision],
    ["labels", spec.labels.length > 0 ? spec.labels.join(", ") : null],
    ["directory", spec.cwd === "." ? null : spec.cwd],
    ["workspace", spec.workspace === "none" ? "none" : null],
    ["after", spec.after.length > 0 ? spec.after.join(", ") : null],
    ["after any", spec.after_any.length > 0 ? spec.after_any.join(", ") : null],
    ["priority", spec.priority === 0 ? null : `${spec.priority}`],
    ["retries", spec.retries.max > 0 ? `${spec.retries.max}` : null],
    ["on conflict", spec.on_conflict === "continue" ? "continues with its earlier change" : null],
    [
      "verify",
      spec.verify.length > 0 ? spec.verify.map((argv) => commandLine(argv)).join("; ") : null,
    ],
    ["secrets", spec.secrets.length > 0 ? spec.secrets.join(", ") : null],
  ];
  return [
    ["work", workWords(spec.work)],
    ["claims", claimsWords(spec.claims)],
    ["timeout", formatDuration(spec.timeout_ms)],
    ...optional.flatMap(([name, value]): [string, string][] =>
      value === null ? [] : [[name, plain(value)]],
    ),
  ];
}

function workWords(work: Work): string {
  switch (work.kind) {
    case "run":
      return commandLine(work.argv);
    case "shell":
      return `sh -c ${quoted(plain(work.script))}`;
    case "tools":
      return "no tool calls";
    default:
      return unreachable(work);
  }
}

export function claimsWords(claims: ClaimSet | null): string {
  if (claims === null) return "not declared (optimistic)";
  const parts = [
    claims.writes.length > 0 ? `writes ${claims.writes.join(", ")}` : "",
    claims.reads.length > 0 ? `reads ${claims.reads.join(", ")}` : "",
    ...Object.entries(claims.resources).map(([name, count]) => `${name} × ${count}`),
  ].filter((part) => part !== "");
  return parts.length === 0 ? "none: it touches nothing" : plain(parts.join("; "));
}

function attemptTable(view: TaskView, look: Look): string {
  const rows = view.attempt_list.map((attempt): Cell[] => [
    `attempt ${attempt.attempt}`,
    attempt.worker,
    attemptCell(attempt),
    span((attempt.ended_at ?? look.now) - attempt.started_at),
    attempt.saved_commit === null ? "" : `saved ${attempt.saved_commit.slice(0, shortOidLength)}`,
    { text: attempt.logs, style: "dim" },
  ]);
  return rowsOf([{}, {}, { shrinkTo: 30 }, { align: "right" }, {}, {}], rows, look, "  ").join(
    "\n",
  );
}

function attemptCell(attempt: AttemptView): Cell {
  if (attempt.failure !== null) return { text: attemptWords(attempt.failure), style: "bad" };
  if (attempt.result === null)
    return attempt.ended_at === null ? { text: "running", style: "live" } : "ended";
  switch (attempt.result) {
    case "done":
      return { text: "done", style: "good" };
    case "failed":
      return { text: "failed", style: "bad" };
    case "ended":
      return { text: "ended on request", style: "warn" };
    case "lost":
      return { text: "lost with its worker", style: "warn" };
    default:
      return unreachable(attempt.result);
  }
}

/** The end of what the red command printed: what one wants to read next. */
function gateOutput(reason: FailureReason | null, look: Look): string {
  if (reason?.kind !== "gate" && reason?.kind !== "generation") return "";
  if (reason.output.trim() === "") return "";
  const lines = reason.output.trimEnd().split("\n");
  return lines.map((line) => `  ${look.paint("dim", "│")} ${plain(line)}`).join("\n");
}

function commandLine(argv: readonly string[]): string {
  return argv.map((word) => quoted(plain(word))).join(" ");
}

function painted(cell: Cell, look: Look): string {
  return typeof cell === "string" ? cell : look.paint(cell.style, cell.text);
}
