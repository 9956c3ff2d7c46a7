import type { Event } from "./events.ts";

/**
 * Brings events of older versions up to date, so that `evolve` knows only one shape of each.
 *
 * All types share one version, which is written beside every event. Whoever changes the shape of an
 * event adds a step at the end of `steps`: it takes the body as the version before wrote it, and
 * returns it as the next one writes it. Types that did not change are returned as they are. A step is
 * never changed once it was released, and never removed.
 *
 *     written in version 1 ─steps[0]─► 2 ─steps[1]─► 3 …  as `evolve` wants it
 */
export type Body = Readonly<Record<string, unknown>>;
export type Step = (type: string, body: Body) => Body;

const steps: readonly Step[] = [];

/** The version that events are written with now. */
export const eventVersion = steps.length + 1;

/** An event as the journal holds it. Throws when it was written by a newer orchd. */
export function upcast(type: string, version: number, body: Body): Event {
  return { type, ...upcastBy(steps, type, version, body) } as Event;
}

/** `upcast` with other steps. */
export function upcastBy(known: readonly Step[], type: string, version: number, body: Body): Body {
  const newest = known.length + 1;
  if (version > newest)
    throw new Error(`${type} was written in version ${version}; this orchd knows ${newest}`);
  return known.slice(version - 1).reduce((older, step) => step(type, older), body);
}
