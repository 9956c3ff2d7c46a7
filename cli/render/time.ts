const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** A span in words short enough for a table: `0.4s`, `12s`, `3m12s`, `2h04m`, `3d07h`. Milliseconds in. */
export function span(ms: number): string {
  if (!Number.isFinite(ms)) return "?";
  const whole = Math.max(0, ms);
  if (whole < second) return whole < 100 ? "0s" : `${(Math.floor(whole / 100) / 10).toFixed(1)}s`;
  if (whole < minute) return `${Math.floor(whole / second)}s`;
  if (whole < hour) return pair(whole, minute, "m", second, "s");
  if (whole < day) return pair(whole, hour, "h", minute, "m");
  return pair(whole, day, "d", hour, "h");
}

/** `14:03:07`, local time, for logs of events. */
export function clock(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
}

/** `2026-03-01 14:03:07`, local time. */
export function dateTime(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(at)}`;
}

/** `14:03:07` of the day that it is now, else with the date. */
export function moment(at: number, now: number): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  return isToday ? clock(at) : dateTime(at);
}

function pair(ms: number, large: number, largeUnit: string, small: number, smallUnit: string) {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)}${largeUnit}${two(rest)}${smallUnit}`;
}

function two(value: number): string {
  return `${value}`.padStart(2, "0");
}
