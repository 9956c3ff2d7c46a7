import { join } from "node:path";
import type { Assignment, Outcome } from "../../ipc/workerMessages.ts";
import { saveGenerated } from "../workspace/generatedTree.ts";
import { clearTemporary } from "../workspace/temporary.ts";
import { onceThereIsSpace } from "../workspace/space.ts";
import { runCommand } from "./command.ts";
import { failed, messageOf } from "./desk.ts";
import type { Course, Desk } from "./desk.ts";
import { prepareGround, waitingInWorkspace } from "./ground.ts";
import { Output } from "./output.ts";
import type { AttemptRecord } from "./records.ts";

export type GenerateAssignment = Extract<Assignment, { kind: "generate" }>;

/**
 * Makes files that both sides of a merge changed anew, in a workspace of the merged tree, one command
 * after the other, each with a time limit of its own. Without setup, which may need these very files
 * (`npm ci` refuses a package-lock.json of one side).
 */
export async function runGenerate(
  desk: Desk,
  course: Course,
  { commit, rules }: GenerateAssignment,
  record: AttemptRecord,
  folder: string,
): Promise<Outcome> {
  const prepared = await prepareGround(desk, course, commit, folder, {
    setup: false,
    freeBytesMin: 0,
  });
  if (!prepared.ok) return prepared.outcome;
  const { place, repository, base } = prepared.value;
  try {
    using output = new Output([join(folder, "generate.log")]);
    course.enter({ stage: "running", output });
    for (const { run: argv, timeout_ms: limitMs } of rules) {
      const command = { argv, output, timeoutMs: limitMs, limitMs };
      const end = await runCommand(desk, course, prepared.value, command);
      if (end !== null) return end;
    }
    course.enter({ stage: "saving", outputBytes: output.bytes() });
    const request = { ...course.key, base, startedAt: record.started_at };
    const globs = rules.flatMap(({ paths }) => paths);
    const made = await onceThereIsSpace(
      async () => await saveGenerated(place, repository, request, globs),
      waitingInWorkspace(desk, course, place),
    );
    return { result: "generated", ...made };
  } catch (error) {
    return failed({ kind: "not_started", message: messageOf(error) });
  } finally {
    await clearTemporary(place).catch(() => {});
  }
}
