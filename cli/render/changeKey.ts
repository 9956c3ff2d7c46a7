import type { StatusView } from "../../ipc/statusViews.ts";

/** The same text for two views between which nothing happened but time: no ages, no heartbeats. */
export function changeKey(view: StatusView): string {
  const { daemon, counts, slots } = view;
  return JSON.stringify([
    [daemon.pid, daemon.epoch, daemon.state, daemon.paused, daemon.paused_labels, daemon.journal],
    [counts, slots],
    view.tasks.map(({ id, status, since, worker, stage, waiting, attempts }) => [
      [id, status, since, worker, stage, attempts],
      waiting,
    ]),
    view.workers.map(({ worker, pid, state, tasks, stage }) => [worker, pid, state, tasks, stage]),
    view.landing,
  ]);
}
