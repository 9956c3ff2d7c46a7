import { Readable } from "node:stream";
import { connect } from "../../ipc/client.ts";
import { main } from "../../cli/main.ts";
import type { Output } from "../../cli/terminal.ts";
import type { TestRepository } from "./repository.ts";

/** Standard output and error are without their last newline. */
export type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Commands that ask a supervisor and print what it answers: nothing of them is about their process. */
const asking: ReadonlySet<string> = new Set([
  "cancel",
  "events",
  "gc",
  "history",
  "land",
  "locks",
  "logs",
  "pause",
  "resume",
  "retry",
  "show",
  "status",
  "stop",
  "submit",
  "trace",
  "wait",
  "workers",
]);

/** Whether `runHere` stands for the program. Others start processes, or look at the machine themselves. */
export function onlyAsks(args: readonly string[]): boolean {
  return asking.has(args[0] ?? "");
}

/**
 * The command line from its words to its exit code in the process of the test: the real one, over the
 * real socket, as in a pipe in the repository, without the CPU of a Node that starts. That a process
 * says the same is shown by test/e2e/commandLine.test.ts.
 */
export async function runHere({ dir, env }: TestRepository, args: readonly string[]): Promise<Ran> {
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  const code = await main(args, {
    terminal: {
      cwd: dir,
      env,
      out: pipeInto(out),
      err: pipeInto(err),
      input: () => Readable.from([]),
      now: Date.now,
      onInterrupt: () => () => undefined,
    },
    connect,
    supervisor: () => Promise.reject(new Error("it does not start a supervisor")),
  });
  return { code, stdout: textOf(out), stderr: textOf(err) };
}

function pipeInto(chunks: Buffer[]): Output {
  return {
    isTerminal: false,
    colour: false,
    columns: () => 120,
    rows: () => 50,
    write: (chunk) => void chunks.push(Buffer.from(chunk)),
    flush: () => Promise.resolve(),
    onResize: () => () => undefined,
  };
}

function textOf(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString().replace(/\n$/, "");
}
