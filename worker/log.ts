/**
 * One JSON line an event on standard output, which is the worker's log file. Written without a
 * logger: loading one costs more than everything else a worker needs to get ready.
 */
export type Log = (event: string, detail?: Readonly<Record<string, unknown>>) => void;

export function makeLog(worker: string): Log {
  // A full disk or a deleted log must not end the worker.
  process.stdout.on("error", () => {});
  return (event, detail = {}) => {
    const line = { at: new Date().toISOString(), worker, event, ...detail };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };
}
