import { statSync } from "node:fs";
import { agentText, cleanText, taskText, withTrailers } from "../../ipc/commitText.ts";
import { joinTrailers, trailerList } from "../../ipc/trailers.ts";
import type { AttemptFailure, Saved } from "../../ipc/workerMessages.ts";
import { agentMessages } from "../workspace/agentMessages.ts";
import { messageFile, readMessage, writeMessage } from "../workspace/commitMessage.ts";
import { findHooks, hookArgv } from "../workspace/hooks.ts";
import type { HookName } from "../workspace/hooks.ts";
import { stageAll } from "../workspace/reset.ts";
import { changedSince, saveMore } from "../workspace/save.ts";
import { onceThereIsSpace } from "../workspace/space.ts";
import type { Waiting } from "../workspace/space.ts";
import { clearTemporary, freshTemporary } from "../workspace/temporary.ts";
import { failed, markerOf, messageOf, roomIn } from "./desk.ts";
import type { Course, Desk, Ground, Step } from "./desk.ts";
import { attemptEnvironment } from "./environment.ts";
import { wordsOf } from "./ground.ts";
import type { Output } from "./output.ts";
import { failureOf, runProgram } from "./program.ts";
import type { ProgramEnd } from "./program.ts";
import type { TaskAssignment } from "./task.ts";

/**
 * The person's own hooks on the work of an attempt that went well, as `git commit` runs them, in the
 * workspace and so beside other attempts, before anything lands:
 *
 *     saved ──► pre-commit ──► what it changed is saved on top ──► commit-msg ──► the message it leaves
 *                  │ failed, and changed files (a formatter): once more on what it made of them
 *                  └─ failed: so has the attempt
 *
 * Everything was saved before, so nothing is lost to a hook. A hook may lie in the tree, where an agent
 * can change it, so each runs like the agent itself: in its own session, with limits, without secrets.
 * Its git is a new one on the base with everything staged; what the agent made of its own is not used.
 */
export type HookRun = {
  readonly desk: Desk;
  readonly course: Course;
  readonly task: TaskAssignment;
  readonly ground: Ground;
  readonly startedAt: number;
  readonly output: Output;
};

/** What lands: the saved work and its message. Throws a `GitError` or an error of the file system. */
export async function throughHooks(run: HookRun, saved: Saved): Promise<Step<Saved>> {
  const { desk, ground } = run;
  const text = await ownText(run, saved);
  const told = text === null ? saved : { ...saved, message: text };
  if (desk.settings.config.commit.hooks === "off") return { ok: true, value: told };
  const { place, repository } = ground;
  const hooks = await findHooks(place, repository);
  const { "pre-commit": preCommit, "commit-msg": commitMsg } = hooks;
  if (preCommit === null && commitMsg === null) return { ok: true, value: told };
  run.course.enter({ stage: "hooks", output: run.output });
  await freshTemporary(place);
  try {
    const checked = preCommit === null ? passed(told) : await checkFiles(run, told, preCommit);
    if (!checked.ok || commitMsg === null) return checked;
    return await checkMessage(run, checked.value, commitMsg);
  } finally {
    await clearTemporary(place).catch(() => {});
  }
}

function passed(saved: Saved): Step<Saved> {
  return { ok: true, value: saved };
}

/** What the agent's commits say, where that counts; `null`: what the task and orchd.yaml say. */
async function ownText({ desk, task, ground }: HookRun, saved: Saved): Promise<string | null> {
  const { message: from, template } = desk.settings.config.commit;
  const { spec, attempt } = task;
  if (spec.commit.message !== null || from === "task") return null;
  try {
    const messages = await agentMessages(ground.repository, saved);
    return agentText(messages, { spec, attempt, template });
  } catch (error) {
    desk.log("the agent's messages cannot be read", { task: spec.id, error: messageOf(error) });
    return null;
  }
}

async function checkFiles(run: HookRun, saved: Saved, path: string): Promise<Step<Saved>> {
  const { ground, startedAt, course } = run;
  const { place, repository, base } = ground;
  const policy = run.desk.settings.config.save;
  const request = { ...course.key, base, startedAt, policy };
  await stageAll(place, repository, base);
  let failure = await runHook(run, saved, "pre-commit", path, []);
  if (
    !failure.ok &&
    failure.why === "failed" &&
    (await changedSince(place, repository, request, saved))
  ) {
    await stageAll(place, repository, base);
    failure = await runHook(run, saved, "pre-commit", path, []);
  }
  if (!failure.ok) return failure.step;
  const save = (): Promise<Saved> => saveMore(place, repository, request, saved);
  return passed(await onceThereIsSpace(save, waitingInHooks(run)));
}

function waitingInHooks({ desk, course, ground }: HookRun): Waiting {
  return {
    folders: [ground.place.folder, ground.repository.gitDir],
    signal: course.signal,
    onWaiting: (problem, first) => {
      if (first)
        desk.log("what a hook changed cannot be saved yet", { ...course.key, error: problem });
    },
  };
}

/** The message as it will land, but for orchd's own trailers. */
async function checkMessage(run: HookRun, saved: Saved, path: string): Promise<Step<Saved>> {
  const { desk, task, ground } = run;
  const { template, trailers } = desk.settings.config.commit;
  const { spec, attempt } = task;
  const text = saved.message ?? taskText({ spec, attempt, template });
  const all = trailerList(joinTrailers(spec.commit.trailers, trailers));
  const before = withTrailers(cleanText(text) || `Task ${spec.id}`, all);
  // Whatever the hook before made of it: nothing is written through a link that it left.
  await stageAll(ground.place, ground.repository, ground.base);
  writeMessage(ground.place, before);
  const end = await runHook(run, saved, "commit-msg", path, [messageFile]);
  if (!end.ok) return end.step;
  const after = readMessage(ground.place);
  if (after === before) return passed(saved);
  if (after !== "") return passed({ ...saved, message: after });
  return hookFailed(saved, "commit-msg", "it left an empty message");
}

type HookEnd =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: "failed" | "asked"; readonly step: Step<Saved> };

async function runHook(
  run: HookRun,
  saved: Saved,
  name: HookName,
  path: string,
  args: readonly string[],
): Promise<HookEnd> {
  const { output } = run;
  const start = sizeOf(output);
  const end = await runInWorkspace(run, hookArgv(path, args));
  if (end.why === "asked")
    return { ok: false, why: "asked", step: { ok: false, outcome: { result: "ended", saved } } };
  if (failureOf(end) === null) return { ok: true };
  const said = output.tail(tailBytes, start).toString("utf8").trim();
  const words = `${wordsOf(end)}${said === "" ? "" : `\n${said}`}`;
  return { ok: false, why: "failed", step: hookFailed(saved, name, words) };
}

async function runInWorkspace(
  run: HookRun,
  argv: ReturnType<typeof hookArgv>,
): Promise<ProgramEnd> {
  const { desk, course, task, ground, output } = run;
  const { workTree, temporary } = ground.place;
  const { limits } = desk.settings.config;
  const given = [task.spec.env, { GIT_EDITOR: ":" }];
  return await runProgram({
    request: {
      argv,
      cwd: workTree,
      env: attemptEnvironment(desk, { key: course.key, temporary, workTree, given }),
      stdout: output.paths[0] ?? "/dev/null",
      stderr: "stdout",
      marker: markerOf(course.key, ground.place),
    },
    limits: {
      timeoutMs: limits.hook_timeout_ms,
      graceMs: limits.grace_ms,
      outputBytesMax: limits.output_bytes,
    },
    output,
    room: roomIn(desk, ground.place),
    signal: course.signal,
    onEnding: () => {},
  });
}

/** Of the end of what a hook said, in the message of its failure. */
const tailBytes = 1_000;

function hookFailed(saved: Saved, hook: HookName, message: string): Step<Saved> {
  const failure: AttemptFailure = { kind: "hook", hook, message };
  return { ok: false, outcome: failed(failure, saved) };
}

/** Of the file that hooks write into. */
function sizeOf({ paths: [path] }: Output): number {
  return statSync(path ?? "", { throwIfNoEntry: false })?.size ?? 0;
}
