import { join } from "node:path";
import type { Assignment, Outcome } from "../../ipc/workerMessages.ts";
import { realClock } from "../../system/clock.ts";
import { clearTemporary } from "../workspace/temporary.ts";
import { runCommand } from "./command.ts";
import { failed, messageOf } from "./desk.ts";
import type { Course, Desk } from "./desk.ts";
import { prepareGround } from "./ground.ts";
import { Output } from "./output.ts";

export type GateAssignment = Extract<Assignment, { kind: "gate" }>;

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
  const prepared = await prepareGround(desk, course, gate.candidate, folder, {
    setup: true,
    freeBytesMin: 0,
  });
  if (!prepared.ok) return prepared.outcome;
  const deadline = realClock.monotonicMs() + gate.timeout_ms;
  try {
    using output = new Output([join(folder, "gate.log")]);
    course.enter({ stage: "running", output });
    for (const command of gate.commands) {
      const timeoutMs = Math.max(0, deadline - realClock.monotonicMs());
      const check = { argv: command, output, timeoutMs, limitMs: gate.timeout_ms };
      const end = await runCommand(desk, course, prepared.value, check);
      if (end !== null) return end;
    }
    course.enter({ stage: "ending", output });
    return { result: "gate_green" };
  } catch (error) {
    return failed({ kind: "not_started", message: messageOf(error) });
  } finally {
    await clearTemporary(prepared.value.place).catch(() => {});
  }
}
