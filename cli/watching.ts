import { setTimeout as pause } from "node:timers/promises";
import { exitCodes, FailureError } from "../ipc/errors.ts";
import type { StatusQuery, StatusView } from "../ipc/statusViews.ts";
import { makeBell } from "./bell.ts";
import type { Bell } from "./bell.ts";
import { fullScreen } from "./live.ts";
import { changeKey } from "./render/changeKey.ts";
import { statusPage } from "./render/status.ts";
import type { Session, Supervisor } from "./session.ts";
import { interruptedExit } from "./terminal.ts";

/**
 * `orchd status --watch`: drawn again every second, and soon after something happened. On a terminal
 * in place; elsewhere, and as JSON, once a change. It outlives the supervisor it watches and shows
 * the next one.
 */
const refreshMs = 1_000;
const shortestMs = 100;

type Show = (view: StatusView | null) => void;

export async function watchStatus(session: Session, query: StatusQuery): Promise<number> {
  const bell = makeBell();
  const stopListening = session.terminal.onInterrupt(() => bell.close());
  const onTerminal = session.terminal.out.isTerminal && !session.json;
  const stopResizing = session.terminal.out.onResize(() => bell.ring());
  try {
    const first = await subscribed(session, bell);
    if (!onTerminal) return await repeat(session, bell, query, first, changePrinter(session));
    using screen = fullScreen(session.terminal.out);
    const draw = screenPainter(session, (text) => screen.draw(text));
    return await repeat(session, bell, query, first, draw);
  } finally {
    stopListening();
    stopResizing();
  }
}

async function repeat(
  session: Session,
  bell: Bell,
  query: StatusQuery,
  first: Supervisor,
  show: Show,
): Promise<number> {
  let client: Supervisor | null = first;
  while (!bell.isClosed()) {
    try {
      client ??= await subscribed(session, bell);
      const view = await Promise.race([client.call("status", query), bell.closed]);
      if (view !== null) show(view);
    } catch (error) {
      if (!isAbsence(error)) throw error;
      await client?.close();
      client = null;
      show(null);
    }
    await pause(shortestMs);
    await bell.wait(refreshMs - shortestMs);
  }
  return session.terminal.out.isTerminal ? exitCodes.done : interruptedExit;
}

async function subscribed(session: Session, bell: Bell): Promise<Supervisor> {
  const client = await session.connect();
  await client.subscribe(null, () => bell.ring());
  return client;
}

function isAbsence(error: unknown): boolean {
  if (!(error instanceof FailureError)) return false;
  const { code } = error.failure;
  return code === "no_supervisor" || code === "connection_lost" || code === "stopping";
}

function screenPainter(session: Session, draw: (text: string) => void): Show {
  let last = "";
  return (view) => {
    const look = session.look();
    if (view !== null) last = statusPage(view, look);
    const absence = look.paint("bad", "No supervisor answers; waiting for the next one.");
    draw(view === null ? `${absence}\n\n${last}` : last);
  };
}

function changePrinter(session: Session): Show {
  let known: string | null = null;
  return (view) => {
    const key = view === null ? "" : changeKey(view);
    if (key === known) return;
    const isFirst = known === null;
    known = key;
    if (session.json) return session.printJson(view);
    const page =
      view === null
        ? "No supervisor answers; waiting for the next one."
        : statusPage(view, session.look());
    session.print(isFirst ? page : `\n${page}`);
  };
}
