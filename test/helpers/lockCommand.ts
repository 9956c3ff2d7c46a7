import { join } from "node:path";
import { execa } from "execa";
import { entry } from "./supervised.ts";
import { pidsIn } from "./processes.ts";
import { until } from "./until.ts";
import type { Supervised } from "./supervised.ts";

/** `orchd lock … -- sh -c …` as a process that runs beside the test. */
export type LockCommand = {
  /** Of `orchd lock` itself. */
  readonly pid: number;
  /** Resolves with the pid of the command once that runs. */
  readonly command: () => Promise<number>;
  readonly end: Promise<{
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
  /** What `orchd lock` has written on standard error so far. */
  readonly said: () => string;
  readonly signal: (signal: NodeJS.Signals) => void;
};

let count = 0;

/** The command notes its pid and then runs `script`. */
export function lockCommand(
  supervised: Supervised,
  options: readonly string[],
  script: string,
): LockCommand {
  const { repository } = supervised;
  count += 1;
  const notes = join(repository.dir, "..", `lock-${count}.pids`);
  const words = [entry, "lock", ...options, "--", "sh", "-c", `echo $$ >> '${notes}'; ${script}`];
  const child = execa(process.execPath, words, {
    cwd: repository.dir,
    env: repository.env,
    extendEnv: false,
    reject: false,
    stdin: "ignore",
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("orchd lock did not start");
  return {
    pid,
    command: () =>
      until(() => pidsIn(notes)[0] ?? false, { what: "the command to run", timeoutMs: 30_000 }),
    end: child.then(({ exitCode, stdout, stderr }) => ({ code: exitCode ?? null, stdout, stderr })),
    said: () => said,
    signal: (signal) => void process.kill(pid, signal),
  };
}
