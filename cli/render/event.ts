import type { EventView } from "../../ipc/eventView.ts";
import type { Look } from "./paint.ts";
import { fit, plain } from "./text.ts";
import { moment } from "./time.ts";

const nameWidth = 18;
const seqWidth = 6;

/** `14:03:07     42  task:started        t-abc  worker=worker-2 attempt=1`; of another day with the date */
export function eventLine(event: EventView, look: Look): string {
  const details = Object.entries(event.detail)
    .filter(([name, value]) => value !== null && !(name === "task" && value === event.task))
    .map(([name, value]) => `${plain(name)}=${worded(value)}`);
  const head = `${moment(event.at, look.now)} ${`${event.seq}`.padStart(seqWidth)}  ${plain(event.name).padEnd(nameWidth)}`;
  const rest = [...(event.task === null ? [] : [event.task]), ...details].join("  ");
  return fit(`${head}  ${rest}`.trimEnd(), look.width);
}

function worded(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return plain(text);
}
