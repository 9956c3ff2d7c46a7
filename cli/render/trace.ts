import type { TraceEvent, TraceView } from "../../ipc/historyViews.ts";
import { outcomeCell } from "./outcome.ts";
import type { Look } from "./paint.ts";
import type { Cell } from "./table.ts";
import { fields, rowsOf } from "./table.ts";
import { listed, plain, plural } from "./text.ts";
import { clock, dateTime, span } from "./time.ts";
import { traceWords } from "./traceWords.ts";
import { statusStyle } from "./words.ts";

const claimsShown = 4;

/**
 * The life of one task: what it was for, then one line an event. A line says when (of the clock, and
 * since the task was submitted), in which attempt, and what happened; a line of its own says that
 * another supervisor took over.
 */
export function tracePage(view: TraceView, look: Look): string {
  const title = `${look.paint("strong", view.id)}  ${plain(view.title)}`;
  const head = `${title}\n${fields(purpose(view, look), look, "  ")}`;
  return `${head}\n\n${lifeLines(view, look).join("\n")}`;
}

function purpose(view: TraceView, look: Look): [string, string][] {
  const outcome = outcomeCell(view);
  const words = typeof outcome === "string" ? outcome : look.paint(outcome.style, outcome.text);
  const status = look.paint(statusStyle(view.status), view.status);
  const named = words === view.status ? "" : `  ${words}`;
  const optional: [string, string | null][] = [
    ["objective", view.objective],
    ["decision", view.decision],
    ["labels", view.labels.length > 0 ? view.labels.join(", ") : null],
  ];
  return [
    ...optional.flatMap(([name, text]): [string, string][] =>
      text === null ? [] : [[name, plain(text)]],
    ),
    ["submitted", dateTime(view.submitted_at)],
    ["status", `${status}${view.commit === null ? named : `  ${view.commit}`}`],
  ];
}

function lifeLines(view: TraceView, look: Look): string[] {
  const rows: Cell[][] = [];
  let epoch = view.events[0]?.epoch;
  view.events.forEach((event, index) => {
    if (event.epoch !== epoch) rows.push(note(`another supervisor (epoch ${event.epoch})`));
    ({ epoch } = event);
    rows.push(lineOf(event));
    if (index === 0 && view.events_omitted > 0)
      rows.push(note(`${plural(view.events_omitted, "event")} left out`));
  });
  if (view.followed_at !== null)
    rows.push(followedLine(view.followed_at, view.events[0]?.at ?? view.submitted_at));
  return rowsOf(
    [{}, { align: "right" }, {}, { shrinkTo: 40 }, { shrinkTo: 24, first: true }],
    rows,
    look,
    "  ",
  );
}

function lineOf(event: TraceEvent): Cell[] {
  const { text, style } = traceWords(event);
  const attempt = event.attempt === null ? "" : `#${event.attempt}`;
  return [
    clock(event.at),
    elapsed(event.elapsed_ms),
    { text: attempt, style: "dim" },
    style === null ? text : { text, style },
    { text: holding(event), style: "dim" },
  ];
}

function holding({ granted, released }: TraceEvent): string {
  if (granted.length > 0) return `holds ${listed(granted, claimsShown)}`;
  return released.length > 0 ? `lets go of ${listed(released, claimsShown)}` : "";
}

function followedLine(at: number, start: number): Cell[] {
  const text = "your branch followed";
  return [clock(at), elapsed(at - start), "", { text, style: "good" }, ""];
}

function note(text: string): Cell[] {
  return ["", "", "", { text: `— ${text} —`, style: "dim" }, ""];
}

/** A clock that was set back makes it negative. */
function elapsed(ms: number): string {
  return ms < 0 ? `-${span(-ms)}` : `+${span(ms)}`;
}
