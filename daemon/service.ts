import { createNotifier } from "./observe/notify.ts";
import type { Log } from "./observe/log.ts";
import type { Notifier } from "./observe/notify.ts";
import type { Supervisor } from "./supervisor.ts";

/** Signals, and the service manager's notifications and watchdog. */
export function serve(supervisor: Supervisor, log: Log) {
  const notifier = createNotifier(process.env);
  const stop = () => void supervisor.stop("now");
  const reload = () => {
    notifier.reloading();
    supervisor.reload().then(
      () => notifier.ready("running"),
      (error: unknown) => {
        log.warn("orchd.yaml was not taken over", { reason: String(error) });
        notifier.ready("running with the configuration from before");
      },
    );
  };
  process.on("SIGTERM", stop).on("SIGINT", stop).on("SIGHUP", reload);
  notifier.ready("running");
  const watchdog = watch(supervisor, notifier);
  return {
    stopping: () => notifier.stopping(),
    [Symbol.asyncDispose]: async () => {
      clearInterval(watchdog);
      process.off("SIGTERM", stop).off("SIGINT", stop).off("SIGHUP", reload);
      await notifier.close();
    },
  };
}

/**
 * Sent only after the main loop has shown that it works, never by a bare timer. A full disk is said,
 * not punished: the supervisor waits for space as it should, and a restart would find the same disk.
 */
function watch(supervisor: Supervisor, notifier: Notifier) {
  const { watchdogIntervalMs } = notifier;
  if (watchdogIntervalMs === null) return undefined;
  let said: string | null = null;
  return setInterval(() => {
    void supervisor.problem().then((problem) => {
      notifier.watchdog();
      if (problem !== said) notifier.status(problem ?? "running");
      said = problem;
    });
  }, watchdogIntervalMs);
}
