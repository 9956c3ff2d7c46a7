/**
 * `--max-semi-space-size`: room for short-lived objects that one collection goes through, three times
 * this many MB. Recovering a large journal fills whatever there is, and it is not given back: 40 MB
 * less.
 *
 * `--no-allocation-site-pretenuring`: V8 makes objects old from the start where most that were made in
 * that place have lived long. Filling the queue is such a time: what tasks and claims are made of then
 * lives as long as they wait. From then on the same places made only garbage, 2 KB for each claim taken
 * and given up, for the collections of the whole heap, which take longer the more tasks wait.
 */
export const supervisorNodeFlags: readonly string[] = [
  "--max-semi-space-size=8",
  "--no-allocation-site-pretenuring",
];
