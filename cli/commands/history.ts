import { exitCodes, failure, FailureError } from "../../ipc/errors.ts";
import { historyPageMax } from "../../ipc/historyViews.ts";
import type { FinalStatus } from "../../ipc/taskViews.ts";
import type { HistoryQuery, HistoryView } from "../../ipc/historyViews.ts";
import { parseMoment } from "../../ipc/moment.ts";
import { defineCommand } from "../command.ts";
import { historyTable } from "../render/history.ts";
import type { Session } from "../session.ts";

const statuses: readonly FinalStatus[] = ["succeeded", "failed", "cancelled"];
const limitUsual = 50;
const limitMax = 100_000;

export const command = defineCommand({
  usage: "history",
  describe: "List finished tasks, newest first, however long ago they ended.",
  example: ["orchd history --status failed --since 2h", "What failed in the last two hours?"],
  positionals: {},
  options: {
    status: {
      type: "strings",
      choices: statuses,
      describe: "Only tasks that ended so; may be given several times",
    },
    label: {
      type: "strings",
      value: "LABEL",
      describe: "Only tasks with this label; given several times, with all of them",
    },
    since: {
      type: "string",
      value: "TIME",
      describe: "Ended since then: a duration before now (2h) or a time (2026-05-01T08:00:00Z)",
    },
    until: { type: "string", value: "TIME", describe: "Ended before then; written like --since" },
    limit: {
      type: "number",
      value: "N",
      describe: `At most so many, up to ${limitMax} (default: ${limitUsual})`,
    },
    before: {
      type: "number",
      value: "SEQ",
      describe: "Go on behind an earlier answer, whose `next` this is",
    },
  },
  run: async (args, session) => {
    const limit = requireNumber("limit", args.limit ?? limitUsual, 1, limitMax);
    const before =
      args.before === undefined
        ? null
        : requireNumber("before", args.before, 0, Number.MAX_SAFE_INTEGER);
    const query = {
      statuses: statuses.filter((status) => args.status.includes(status)),
      labels: args.label,
      since: timeOf("since", args.since, session),
      until: timeOf("until", args.until, session),
      before,
    };
    const view = await pages(session, query, limit);
    if (session.json) session.printJson(view);
    else printPage(session, view);
    return exitCodes.done;
  },
});

/** The supervisor answers in pages of a size that it can make without holding up others. */
async function pages(
  session: Session,
  query: Omit<HistoryQuery, "limit">,
  limit: number,
): Promise<HistoryView> {
  const client = await session.connect();
  const all: HistoryView = { tasks: [], next: query.before };
  do {
    const left = Math.min(historyPageMax, limit - all.tasks.length);
    const page = await client.call("history", { ...query, before: all.next, limit: left });
    all.tasks.push(...page.tasks);
    all.next = page.next;
  } while (all.next !== null && all.tasks.length < limit);
  return all;
}

function printPage(session: Session, view: HistoryView): void {
  session.print(historyTable(view.tasks, session.look()));
  if (view.next !== null) session.remark(`More: add --before ${view.next}, or a larger --limit.`);
}

function timeOf(name: string, text: string | undefined, session: Session): number | null {
  if (text === undefined) return null;
  const parsed = parseMoment(text);
  if (!parsed.ok)
    throw usage(`--${name}: ${parsed.message}.`, `\`--${name} 1d\` means a day before now.`);
  const { value } = parsed;
  return "at_ms" in value ? value.at_ms : Math.max(0, session.terminal.now() - value.delay_ms);
}

function requireNumber(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw usage(`--${name} takes a whole number from ${least} to ${most}, not ${value}.`);
}

function usage(message: string, hint?: string): FailureError {
  const rest = hint === undefined ? {} : { hint };
  return new FailureError(failure("usage", `history: ${message}`, rest));
}
