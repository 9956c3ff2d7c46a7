import { join } from "node:path";
import type { Argv } from "../../ipc/taskSpec.ts";
import { gateOutputMax } from "../../ipc/workerMessages.ts";
import type { Assignment, Outcome } from "../../ipc/workerMessages.ts";
import { realClock } from "../../system/clock.ts";
import { clearTemporary } from "../workspace/temporary.ts";
import { failed, markerOf, messageOf } from "./desk.ts";
import type { Course, Desk, Ground } from "./desk.ts";
import { attemptEnvironment } from "./environment.ts";
import { prepareGround } from "./ground.ts";
import { Output } from "./output.ts";
import { failureOf, runProgram } from "./program.ts";

export type GateAssignment = Extract<Assignment, { kind: "gate" }>;

/** A character of UTF-8 takes at most four bytes. */
const tailBytes = 4 * gateOutputMax;

/**
 * Runs the checks of a candidate in a workspace of exactly that commit, one after the other; the
 * first that fails makes it red. `timeout_ms` is for all of them together. Nothing is saved. A
 * workspace or a setup that fails says nothing about the candidate: that is `failed`, not red.
 */
export async function runGate(
  desk: Desk,
  course: Course,
  gate: GateAssignment,
  folder: string,
): Promise<Outcome> {
  const prepared = await prepareGround(desk, course, gate.candidate, folder);
  if (!prepared.ok) return prepared.outcome;
  const deadline = realClock.monotonicMs() + gate.timeout_ms;
  try {
    using output = new Output([join(folder, "gate.log")]);
    course.enter({ stage: "running", output });
    for (const command of gate.commands) {
      const red = await check(desk, course, prepared.value, { gate, command, output, deadline });
      if (red !== null) return red;
    }
    course.enter({ stage: "ending", output });
    return { result: "gate_green" };
  } catch (error) {
    return failed({ kind: "not_started", message: messageOf(error) });
  } finally {
    await clearTemporary(prepared.value.place).catch(() => {});
  }
}

type Check = {
  readonly gate: GateAssignment;
  readonly command: Argv;
  readonly output: Output;
  readonly deadline: number;
};

/** `null`: green, go on. */
async function check(
  desk: Desk,
  course: Course,
  { place }: Ground,
  { gate, command, output, deadline }: Check,
): Promise<Outcome | null> {
  const { limits } = desk.settings.config;
  const { workTree, temporary } = place;
  const start = output.bytes();
  const end = await runProgram({
    request: {
      argv: command,
      cwd: workTree,
      env: attemptEnvironment(desk, { key: course.key, temporary, workTree, given: [] }),
      stdout: output.paths[0] ?? "/dev/null",
      stderr: "stdout",
      marker: markerOf(course.key, place),
    },
    limits: {
      timeoutMs: Math.max(0, deadline - realClock.monotonicMs()),
      graceMs: limits.grace_ms,
      outputBytesMax: limits.output_bytes,
    },
    output,
    signal: course.signal,
    onEnding: () => {},
  });
  if (end.why === "asked") return { result: "ended", saved: null };
  const failure =
    end.why === "timeout"
      ? { kind: "timeout" as const, timeout_ms: gate.timeout_ms }
      : failureOf(end);
  if (failure === null) return null;
  const said = Array.from(output.tail(tailBytes, start).toString("utf8"));
  return { result: "gate_red", command, failure, output: said.slice(-gateOutputMax).join("") };
}
