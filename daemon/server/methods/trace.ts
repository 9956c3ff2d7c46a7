import { findStored } from "./show.ts";
import { isOid } from "../../../ipc/ids.ts";
import { taskId } from "../params.ts";
import { traceView } from "../views/trace.ts";
import type { EventView } from "../../../ipc/eventView.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { Oid } from "../../../ipc/ids.ts";
import type { ServerContext } from "../context.ts";

/** The whole life of a task, finished or not, from its events in the journal. */
export async function trace(
  params: unknown,
  context: ServerContext,
): Promise<Methods["trace"]["result"]> {
  const id = taskId(params, "id");
  const inMemory = await context.read((state) => {
    const task = state.tasks.get(id);
    return task === undefined ? null : structuredClone(task);
  });
  const task = inMemory ?? (await findStored(id, context));
  const events = await context.taskEvents(id);
  const landed = task.life.status === "succeeded" ? task.life.commit : null;
  const end = events.findLast(({ event }) => event.type === "LandingEnded")?.seq;
  const followed =
    landed === null || end === undefined ? null : await followedAt(end, landed, context);
  return traceView(task, events, { folder: context.attemptFolder, followedAt: followed });
}

const pageEvents = 1_000;
/** How far behind a landing is looked for the move of the person's branch. */
const pagesMax = 10;

/**
 * When the person's branch came to contain a commit that landed at event `seq`. What it moved to is
 * that commit or one that landed behind it; a move that had begun before goes to an earlier one.
 */
async function followedAt(
  seq: number,
  landed: Oid,
  context: ServerContext,
): Promise<number | null> {
  let from = seq + 1;
  for (let page = 0; page < pagesMax; page += 1) {
    const events = await context.eventsSince(from, pageEvents);
    for (const event of events) {
      const to = targetOf(event);
      if (to !== null && (await context.isAncestor(landed, to))) return event.at;
    }
    if (events.length < pageEvents) return null;
    from = (events.at(-1)?.seq ?? from) + 1;
  }
  return null;
}

function targetOf({ name, detail }: EventView): Oid | null {
  const to = name === "target:followed" ? detail["to"] : null;
  return typeof to === "string" && isOid(to) ? to : null;
}
