import { enableCompileCache, flushCompileCache } from "node:module";

/**
 * Entry of the worker process. Started by the supervisor's pool with
 *
 *     ORCHD_WORKER        worker-3 or gate-1
 *     ORCHD_WORKER_DIR    its folder, absolute: <working tree>/.aibrain/worker-3
 *     ORCHD_WORKER_TOKEN  what it shows at hello
 *     ORCHD_STATE_DIR     <common-dir>/orchd, where supervisor.json names the socket
 *
 * and standard output in a file. Exit code 0 when it ended in order, 2 when started wrongly, 5 when
 * the same worker already runs.
 */
enableCompileCache();
// It is written at a clean exit, but workers live long and may end with a kill.
setTimeout(flushCompileCache, 1_000).unref();
const { startWorker } = await import("./start.ts");
process.exitCode = await startWorker();
