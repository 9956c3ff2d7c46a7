import { shortageWords } from "../../ipc/shortage.ts";
import type { StatusView } from "../../ipc/statusViews.ts";
import type { TaskRow, TaskStatus } from "../../ipc/taskViews.ts";
import type { Look } from "./paint.ts";
import type { Cell } from "./table.ts";
import { foreseenLines } from "./foreseen.ts";
import { mergingLines } from "./merging.ts";
import { landingLines } from "./landing.ts";
import { finishedLines, landingRows, queuedLines, runningLines } from "./taskRows.ts";
import { fit, plain } from "./text.ts";
import { span } from "./time.ts";
import { statusStyle } from "./words.ts";
import type { Rows } from "./words.ts";
import { workerLines } from "./workers.ts";

/**
 * The page `orchd status` prints:
 *
 *     orchd 0.1.0   pid 4242   epoch 3   up 2h14m
 *     slots ███░ 3 of 4 busy   12 queued   1 landing   5 succeeded   1 failed
 *
 *     Running 3
 *       t7k2m9x0ab  Fix the auth middleware    worker-2            3m12s
 *                   PASS src/auth/login.test.ts
 *     …
 *
 * Pure: the same view, width and clock give the same text.
 */
export function statusPage(view: StatusView, look: Look): string {
  const rows: Rows = new Map(view.tasks.map((row) => [row.id, row]));
  const of = (status: TaskStatus): readonly TaskRow[] =>
    view.tasks.filter((row) => row.status === status);
  const finished = view.tasks.filter((row) => !isOpen(row.status));
  const open = view.counts.queued + view.counts.running + view.counts.landing;
  const sections = [
    headLines(view, look),
    section("Running", view.counts.running, runningLines(of("running"), view, look), look),
    section("Conflicts ahead", view.foreseen.length, foreseenLines(view.foreseen, look), look),
    section("Merging changes", view.merging.length, mergingLines(view.merging, look), look),
    section("Landing", view.counts.landing, landingRows(of("landing"), view.landing, look), look),
    section("Queued", view.counts.queued, queuedLines(of("queued"), view, rows, look), look),
    section("Finished", null, finishedLines(finished, view, look), look),
    section("Workers", null, workerLines(view.workers, look), look),
    section("Branch", null, landingLines(view.landing, look), look),
  ];
  const empty = open === 0 && finished.length === 0;
  const invitation = empty ? ["No tasks yet. `orchd run -- CMD` starts one."] : [];
  return [...sections.slice(0, 1), invitation, ...sections.slice(1)]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

function headLines(view: StatusView, look: Look): string[] {
  const { daemon } = view;
  const facts: Cell[] = [
    { text: `orchd ${plain(daemon.version)}`, style: "strong" },
    `pid ${daemon.pid}`,
    `epoch ${daemon.epoch}`,
    `up ${span(daemon.uptime_ms)}`,
    ...(daemon.state === "running" ? [] : [{ text: daemon.state, style: "warn" } as const]),
    ...(daemon.paused ? [{ text: "paused", style: "warn" } as const] : []),
    ...daemon.paused_labels.map(
      (label) => ({ text: `${plain(label)} paused`, style: "warn" }) as const,
    ),
  ];
  const lines = [
    ...factLines(facts, look),
    ...factLines([slotsCell(view, look), ...countCells(view)], look),
  ];
  if (daemon.journal !== "ok") {
    const text = `journal: ${plain(daemon.journal.problem)}`;
    lines.push(look.paint("bad", fit(text, look.width)));
  }
  if (daemon.space !== "ok") {
    const text = `nothing starts: ${shortageWords(daemon.space)}`;
    lines.push(look.paint("bad", fit(text, look.width)));
  }
  return lines;
}

/** One block a slot, up to as many as fit beside the words. */
function slotsCell(view: StatusView, look: Look): Cell {
  const { total, busy } = view.slots;
  const blocks = Math.min(total, Math.max(4, Math.min(24, look.width - 60)));
  const filled = total === 0 ? 0 : Math.ceil((busy / total) * blocks);
  const bar = "█".repeat(filled) + "░".repeat(blocks - filled);
  return { text: `slots ${bar} ${busy} of ${total} busy`, style: busy > 0 ? "live" : "dim" };
}

function countCells(view: StatusView): Cell[] {
  const statuses = ["queued", "landing", "succeeded", "failed", "cancelled"] as const;
  return statuses
    .filter((status) => view.counts[status] > 0)
    .map((status) => ({ text: `${view.counts[status]} ${status}`, style: statusStyle(status) }));
}

function section(name: string, count: number | null, lines: string[], look: Look): string[] {
  if (lines.length === 0) return [];
  const number = count === null ? "" : ` ${look.paint("dim", `${count}`)}`;
  return [`${look.paint("strong", name)}${number}`, ...lines];
}

/** Facts beside each other, three blanks apart, in as many lines as it takes. */
function factLines(cells: readonly Cell[], look: Look): string[] {
  const lines: string[][] = [[]];
  let used = 0;
  for (const cell of cells) {
    const text = typeof cell === "string" ? cell : cell.text;
    if (used > 0 && used + factGap.length + text.length > look.width) {
      lines.push([]);
      used = 0;
    }
    used += (used > 0 ? factGap.length : 0) + text.length;
    lines.at(-1)?.push(typeof cell === "string" ? text : look.paint(cell.style, text));
  }
  return lines.map((facts) => facts.join(factGap));
}

const factGap = "   ";

function isOpen(status: TaskStatus): boolean {
  return status === "queued" || status === "running" || status === "landing";
}
