import { shortageWords } from "../ipc/shortage.ts";
import type { StatusView } from "../ipc/statusViews.ts";
import type { Bell } from "./bell.ts";
import { plain } from "./render/text.ts";
import type { Session, Supervisor } from "./session.ts";

/** Who waits in a script, or for many tasks, wonders by then. */
const lookMs = 5_000;
/** Each look costs the supervisor some processes of git, and many scripts may wait for hours. */
const slowest = 12;

/**
 * Tells, until the bell is closed, why nothing goes on for as long as a person does nothing: each reason
 * once. A wait would else say nothing for hours, in a log where no line of progress is drawn. It looks less
 * and less often.
 */
export async function tellStandstill(
  session: Session,
  client: Supervisor,
  bell: Bell,
  everyMs = lookMs,
): Promise<void> {
  let told: string | null = null;
  for (let waitMs = everyMs; ; waitMs = Math.min(waitMs * 2, everyMs * slowest)) {
    await bell.wait(waitMs);
    if (bell.isClosed()) return;
    const answer = client.call("status", { open_max: 0, finished_max: 0 }).catch(() => null);
    const view = await Promise.race([answer, bell.closed]);
    if (view === null) continue;
    const reason = standstillOf(view);
    if (reason !== null && reason !== told) session.remark(reason);
    told = reason;
  }
}

function standstillOf({ daemon, landing }: StatusView): string | null {
  if (landing.held !== null) return `Landing is held: ${plain(landing.held)}.`;
  if (daemon.paused) return "Everything is paused until `orchd resume`.";
  return daemon.space === "ok" ? null : `Nothing starts: ${shortageWords(daemon.space)}.`;
}
