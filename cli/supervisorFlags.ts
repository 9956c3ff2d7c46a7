/**
 * Room for short-lived objects that one collection goes through, three times this many MB. Recovering
 * a large journal fills whatever there is, and it is not given back: 40 MB less.
 */
export const supervisorNodeFlags: readonly string[] = ["--max-semi-space-size=8"];
