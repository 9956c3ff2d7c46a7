import type { Event } from "./events.ts";

/**
 * The version that each event type is written with now. Whoever changes the shape of an event raises
 * its version and adds a step that brings the older shape up to date, so that `evolve` knows only one.
 */
export const eventVersion = 1;

/** An event as the journal holds it. Throws when it was written by a newer orchd. */
export function upcast(type: string, version: number, body: Record<string, unknown>): Event {
  if (version > eventVersion)
    throw new Error(`${type} was written in version ${version}; this orchd knows ${eventVersion}`);
  return { type, ...body } as Event;
}
