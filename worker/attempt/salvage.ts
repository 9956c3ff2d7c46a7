import type { AttemptKey, Report, Saved } from "../../ipc/workerMessages.ts";
import { endMarked } from "../../system/processTree.ts";
import { clearHeld } from "../workspace/held.ts";
import type { Held } from "../workspace/held.ts";
import { repositoryOf } from "../workspace/place.ts";
import type { Place } from "../workspace/place.ts";
import { findSaved, saveWorkspace } from "../workspace/save.ts";
import { markerOf, messageOf } from "./desk.ts";
import type { Desk } from "./desk.ts";
import { attemptFolder, writeOutcome } from "./records.ts";
import { keyOf } from "../reports.ts";

/**
 * What a fresh worker does about attempts of an earlier process of the same worker that have no
 * outcome: ends what is left of them, saves what is in the workspace, and makes each `lost`. The
 * attempt in `held.json` is among them even if `.aibrain`, and its record with it, was deleted.
 */
export async function salvage(
  desk: Desk,
  cutShort: readonly AttemptKey[],
  held: Held | null,
): Promise<Report[]> {
  const place = await desk.place();
  const keys = [...cutShort];
  if (held !== null && !keys.some((key) => isSame(key, held))) keys.push(keyOf(held));
  const reports: Report[] = [];
  for (const key of keys) {
    await endMarked(markerOf(key, place), { graceMs: desk.settings.config.limits.grace_ms });
    const saved = held !== null && isSame(key, held) ? await saveHeld(desk, place, held) : null;
    const report: Report = { ...key, outcome: { result: "lost", saved }, elapsed_ms: 0 };
    try {
      desk.attempts.end(report);
      writeOutcome(attemptFolder(desk.stateFolder, key), report);
    } catch (error) {
      desk.log("the outcome cannot be written", { ...key, error: messageOf(error) });
    }
    desk.log("an attempt of an earlier process was found", { ...key, ref: saved?.ref ?? null });
    reports.push(report);
  }
  return reports;
}

/** Work that cannot be saved stays held: the next reset tries once more, then puts it aside. */
async function saveHeld(desk: Desk, place: Place, held: Held): Promise<Saved | null> {
  const repository = repositoryOf(desk.settings);
  const policy = desk.settings.config.save;
  try {
    const saved =
      (await findSaved(repository, held)) ??
      (await saveWorkspace(place, repository, { ...held, policy }));
    await clearHeld(place);
    return saved;
  } catch (error) {
    desk.log("the work cannot be saved", { ...keyOf(held), error: messageOf(error) });
    return null;
  }
}

function isSame(a: AttemptKey, b: AttemptKey): boolean {
  return a.task === b.task && a.attempt === b.attempt;
}
