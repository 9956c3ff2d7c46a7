import type { Argv } from "../../ipc/taskSpec.ts";
import { gateOutputMax } from "../../ipc/workerMessages.ts";
import type { Outcome } from "../../ipc/workerMessages.ts";
import { markerOf, roomIn } from "./desk.ts";
import type { Course, Desk, Ground } from "./desk.ts";
import { attemptEnvironment } from "./environment.ts";
import type { Output } from "./output.ts";
import { failureOf, runProgram } from "./program.ts";

/** A command of the repository, such as a check: nothing that belongs to a task is given to it. */
export type Command = {
  readonly argv: Argv;
  readonly output: Output;
  readonly timeoutMs: number;
  /** As it is told when the time is over. */
  readonly limitMs: number;
};

/** A character of UTF-8 takes at most four bytes. */
const tailBytes = 4 * gateOutputMax;

/** `null`: it did what it should. Otherwise red, with the end of what it printed, or ended on request. */
export async function runCommand(
  desk: Desk,
  course: Course,
  { place }: Ground,
  { argv, output, timeoutMs, limitMs }: Command,
): Promise<Extract<Outcome, { result: "gate_red" | "ended" }> | null> {
  const { limits } = desk.settings.config;
  const { workTree, temporary } = place;
  const start = output.bytes();
  const end = await runProgram({
    request: {
      argv,
      cwd: workTree,
      env: attemptEnvironment(desk, { key: course.key, temporary, workTree, given: [] }),
      stdout: output.paths[0] ?? "/dev/null",
      stderr: "stdout",
      marker: markerOf(course.key, place),
    },
    limits: {
      timeoutMs,
      graceMs: limits.grace_ms,
      outputBytesMax: limits.output_bytes,
    },
    output,
    room: roomIn(desk, place),
    signal: course.signal,
    onEnding: () => {},
  });
  if (end.why === "asked") return { result: "ended", saved: null };
  const failure =
    end.why === "timeout" ? { kind: "timeout" as const, timeout_ms: limitMs } : failureOf(end);
  if (failure === null) return null;
  const said = Array.from(output.tail(tailBytes, start).toString("utf8"));
  const tail = said.slice(-gateOutputMax).join("");
  return { result: "gate_red", command: argv, failure, output: tail };
}
