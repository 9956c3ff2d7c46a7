/**
 * How long something has been over, by time that nobody can set. The wall clock may be set ahead by
 * years, or start at 1970 on a machine without a battery; dates in commits and of files come from it.
 * So neither counts here, only looks that follow each other:
 *
 *     in the same boot     the time since boot went on, suspends included: that much has passed
 *     after another boot   that boot's time, and what the machine was off by the wall clock, at most a day;
 *                          never more than went by on the wall clock: the disk may have come to a machine
 *                          that had been up for a year
 *     what is seen over    for the first time now: its age begins now
 *
 * Whatever goes wrong (the record of looks is lost, nobody looked for months) makes things younger, and
 * younger is kept. It costs that: a machine that is switched on once a week ages a day and a bit in it.
 */
export type Look = {
  readonly bootId: string;
  /** Milliseconds since that boot. */
  readonly uptimeMs: number;
  readonly wallMs: number;
};

export type Ages = {
  /** Milliseconds that have passed since the first look. */
  readonly passedMs: number;
  readonly last: Look;
  /** `passedMs` when refs and folders were collected last; `null`: never. */
  readonly collectedMs: number | null;
  /** By name of what is over, `passedMs` when that was seen first. */
  readonly since: ReadonlyMap<string, number>;
};

/** A machine that is off has no clock that can be believed further than this. */
export const offMsMax = 24 * 60 * 60 * 1000;

/** `before`: `null` at the first look ever. */
export function looked(before: Ages | null, look: Look): Ages {
  if (before === null) return { passedMs: 0, last: look, collectedMs: null, since: new Map() };
  return { ...before, passedMs: before.passedMs + passedBetween(before.last, look), last: look };
}

function passedBetween(last: Look, look: Look): number {
  if (look.bootId === last.bootId) return Math.max(0, look.uptimeMs - last.uptimeMs);
  const offMs = look.wallMs - look.uptimeMs - last.wallMs;
  return Math.max(0, look.uptimeMs + Math.min(offMsMax, offMs));
}

/** `over`: everything that is over now. What is not any more begins anew when it is again. */
export function noted(ages: Ages, over: Iterable<string>): Ages {
  const since = new Map<string, number>();
  for (const name of over) since.set(name, ages.since.get(name) ?? ages.passedMs);
  return { ...ages, since };
}

/** 0 for what was not noted. */
export function ageOf({ passedMs, since }: Pick<Ages, "passedMs" | "since">, name: string): number {
  return passedMs - (since.get(name) ?? passedMs);
}

/** As it is written down. */
export type AgesRow = {
  readonly version: 1;
  readonly passed_ms: number;
  readonly boot_id: string;
  readonly uptime_ms: number;
  readonly wall_ms: number;
  readonly collected_ms: number | null;
  /** Names seen first at the same look, together. */
  readonly since: readonly (readonly [number, readonly string[]])[];
};

export function agesRow({ passedMs, last, collectedMs, since }: Ages): AgesRow {
  const looks = new Map<number, string[]>();
  for (const [name, at] of since) {
    const names = looks.get(at);
    if (names === undefined) looks.set(at, [name]);
    else names.push(name);
  }
  return {
    version: 1,
    passed_ms: passedMs,
    boot_id: last.bootId,
    uptime_ms: last.uptimeMs,
    wall_ms: last.wallMs,
    collected_ms: collectedMs,
    since: [...looks],
  };
}

/** `null`: it is none, and the first look is still to come. */
export function readAges(value: unknown): Ages | null {
  if (typeof value !== "object" || value === null) return null;
  const row: Partial<Record<keyof AgesRow, unknown>> = value;
  const { passed_ms: passedMs, boot_id: bootId, uptime_ms: uptimeMs, wall_ms: wallMs } = row;
  if (row.version !== 1 || typeof bootId !== "string" || !Array.isArray(row.since)) return null;
  if (!isTime(passedMs) || !isTime(uptimeMs) || !Number.isFinite(wallMs)) return null;
  const since = new Map<string, number>();
  for (const look of row.since as unknown[]) {
    if (!Array.isArray(look) || !isTime(look[0]) || !Array.isArray(look[1])) return null;
    // What lies ahead of the present could never age.
    const at = Math.min(look[0], passedMs);
    for (const name of look[1] as unknown[]) if (typeof name === "string") since.set(name, at);
  }
  const collectedMs = isTime(row.collected_ms) ? Math.min(row.collected_ms, passedMs) : null;
  const last = { bootId, uptimeMs, wallMs: Number(wallMs) };
  return { passedMs, last, collectedMs, since };
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
