import { unreachable } from "../../ipc/errors.ts";
import type { LandingView } from "../../ipc/landingViews.ts";
import type { StatusView } from "../../ipc/statusViews.ts";
import type { TaskRow } from "../../ipc/taskViews.ts";
import type { TaskId } from "../../ipc/ids.ts";
import { mark, outcomeCell } from "./outcome.ts";
import type { Look } from "./paint.ts";
import type { Cell, Column } from "./table.ts";
import { rowsOf } from "./table.ts";
import { fit, plain, plural } from "./text.ts";
import { span } from "./time.ts";
import { statusStyle, waitWords } from "./words.ts";
import type { Rows } from "./words.ts";

/** The task lines of `orchd status`, one function a section; each line ends in how long it has been so. */

export function runningLines(running: readonly TaskRow[], view: StatusView, look: Look): string[] {
  const workers = new Map(view.workers.map((worker) => [worker.worker, worker]));
  const rows = running.map((task) => [
    task.id,
    plain(task.title),
    task.worker ?? "",
    stageWords(task),
    task.attempts > 1 ? `attempt ${task.attempts}` : "",
    span(look.now - task.since),
  ]);
  const lines = rowsOf(runningColumns, rows, look, indent);
  return lines.flatMap((line, index) => {
    const worker = running[index]?.worker;
    const last = worker == null ? null : (workers.get(worker)?.last_line ?? null);
    const said = last === null ? "" : plain(last).trim();
    if (said === "") return [line];
    return [line, look.paint("dim", `${quoteIndent}${fit(said, look.width - quoteIndent.length)}`)];
  });
}

export function landingRows(landing: readonly TaskRow[], at: LandingView, look: Look): string[] {
  const order = new Map(at.waiting.map((id, index) => [id, index]));
  const place = (task: TaskRow): number =>
    at.current?.task === task.id ? -1 : (order.get(task.id) ?? Number.MAX_SAFE_INTEGER);
  const rows = landing
    .toSorted((a, b) => place(a) - place(b))
    .map((task): Cell[] => [
      task.id,
      plain(task.title),
      landingWords(task, at, order),
      span(look.now - (at.current?.task === task.id ? at.current.since : task.since)),
    ]);
  return rowsOf(landingColumns, rows, look, indent);
}

function landingWords(task: TaskRow, at: LandingView, order: ReadonlyMap<TaskId, number>): Cell {
  if (at.current?.task === task.id) return { text: stepWords(at), style: "live" };
  const place = order.get(task.id);
  if (at.testing?.includes(task.id) === true)
    return { text: `tested with ${at.current?.task ?? "others"}`, style: "live" };
  if (at.chain.includes(task.id)) return chainWords(task.id, at);
  const ahead = place === undefined ? 0 : at.current === null ? place : Math.max(1, place);
  return ahead === 0 ? "next" : `${plural(ahead, "landing")} ahead`;
}

/** Merged, and not what is tested or moved now. */
function chainWords(id: TaskId, { chain, current }: LandingView): Cell {
  const isBefore = current !== null && chain.indexOf(id) < chain.indexOf(current.task);
  if (current?.step === "moving" && isBefore) return { text: "moving the branch", style: "live" };
  return isBefore ? `lands with ${current.task}` : "merged, waits for a test";
}

function stepWords({ current, testing }: LandingView): string {
  if (current === null) return "";
  switch (current.step) {
    case "merging":
      return "merging";
    case "generating":
      return "making generated files anew";
    case "gate":
      return gateWords(testing);
    case "moving":
      return "moving the branch";
    default:
      return unreachable(current.step);
  }
}

function gateWords(testing: LandingView["testing"]): string {
  const before = (testing?.length ?? 1) - 1;
  if (before === -1) return "red; the branch is tested first";
  return before === 0 ? "at the gate" : `at the gate with ${before} in front`;
}

export function queuedLines(
  queued: readonly TaskRow[],
  view: StatusView,
  rows: Rows,
  look: Look,
): string[] {
  const cells = queued.map((task): Cell[] => [
    task.id,
    plain(task.title),
    task.waiting === null
      ? { text: "starts next", style: "dim" }
      : { text: waitWords(task.waiting, rows, look.now), style: "dim" },
    span(look.now - task.since),
  ]);
  const lines = rowsOf(queuedColumns, cells, look, indent);
  const hidden = view.counts.queued - queued.length;
  return hidden > 0 ? [...lines, look.paint("dim", `${indent}and ${hidden} more`)] : lines;
}

export function finishedLines(
  finished: readonly TaskRow[],
  { counts }: Pick<StatusView, "counts">,
  look: Look,
): string[] {
  const rows = finished.map((task): Cell[] => [
    { text: mark(task.status), style: statusStyle(task.status) },
    task.id,
    plain(task.title),
    outcomeCell(task),
    `${span(look.now - task.since)} ago`,
  ]);
  const lines = rowsOf(finishedColumns, rows, look, indent);
  const hidden = counts.succeeded + counts.failed + counts.cancelled - finished.length;
  if (rows.length === 0 || hidden <= 0) return lines;
  return [...lines, look.paint("dim", `${indent}and ${hidden} more: \`orchd history\``)];
}

/** The stage, unless it is the plain one that a running task is in most of the time. */
function stageWords(task: TaskRow): Cell {
  if (task.stage === null || task.stage === "running") return "";
  return { text: task.stage, style: "dim" };
}

const indent = "  ";
const quoteIndent = "    ";
const id: Column = { shrinkTo: 24 };
const title: Column = { shrinkTo: 18, first: true };
const words: Column = { shrinkTo: 24 };
const right: Column = { align: "right" };
const runningColumns: readonly Column[] = [id, title, {}, {}, {}, right];
const landingColumns: readonly Column[] = [id, title, {}, right];
const queuedColumns: readonly Column[] = [id, title, words, right];
const finishedColumns: readonly Column[] = [{}, id, title, words, right];
