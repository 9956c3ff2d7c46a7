import { realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { unreachable } from "../../ipc/errors.ts";
import type { Argv, Work } from "../../ipc/taskSpec.ts";
import type {
  Assignment,
  AttemptFailure,
  Continued,
  Earlier,
  Outcome,
  Saved,
} from "../../ipc/workerMessages.ts";
import { layEarlier, leftUnresolved } from "../workspace/continue.ts";
import type { Laid } from "../workspace/continue.ts";
import { writeHeld } from "../workspace/held.ts";
import { keptBackOf } from "../workspace/keepBack.ts";
import { isInside } from "../../system/paths.ts";
import type { Place } from "../workspace/place.ts";
import { saveWorkspace } from "../workspace/save.ts";
import type { SaveRequest } from "../workspace/save.ts";
import { clearTemporary, freshTemporary } from "../workspace/temporary.ts";
import { onceThereIsSpace } from "../workspace/space.ts";
import { unlandable } from "../workspace/unlandable.ts";
import { failed, markerOf, messageOf, roomIn, waitsForSpace } from "./desk.ts";
import type { Course, Desk, Ground, Step } from "./desk.ts";
import { attemptEnvironment } from "./environment.ts";
import { prepareGround, waitingInWorkspace } from "./ground.ts";
import { throughHooks } from "./hooks.ts";
import type { HookRun } from "./hooks.ts";
import { LiveLooks } from "./live.ts";
import { Output } from "./output.ts";
import { failureOf, runProgram } from "./program.ts";
import type { ProgramEnd } from "./program.ts";
import { noteBase, noteConflicts, noteGateOutput } from "./records.ts";
import type { AttemptRecord } from "./records.ts";

export type TaskAssignment = Extract<Assignment, { kind: "task" }>;

/** One attempt of a task, from an unprepared workspace to its outcome. Never throws a condition. */
export async function runTask(
  desk: Desk,
  course: Course,
  task: TaskAssignment,
  record: AttemptRecord,
  folder: string,
): Promise<Outcome> {
  if (task.spec.workspace === "none") return await runInRepository(desk, course, task, folder);
  const { landing_ref, config } = desk.settings;
  const prepared = await prepareGround(desk, course, landing_ref, folder, {
    setup: true,
    freeBytesMin: config.limits.min_free_disk_bytes,
  });
  if (!prepared.ok) return prepared.outcome;
  const ground = prepared.value;
  const startedAt = record.started_at;
  let earlier: Readonly<Record<string, string>> = {};
  let laid: Laid | null = null;
  try {
    const held = { ...course.key, base: ground.base, startedAt };
    const begin = async (): Promise<void> => {
      noteBase(folder, record, ground.base.commit);
      laid = await lay(ground, task.earlier?.continues);
      earlier = {
        ...earlierVariables(task.earlier, folder),
        ...continuedVariables(task.earlier?.continues, laid, folder),
      };
      await writeHeld(ground.place, held);
    };
    await onceThereIsSpace(begin, waitingInWorkspace(desk, course, ground.place));
  } catch (error) {
    return failed({ kind: "workspace", message: messageOf(error) });
  }
  using output = outputIn(folder);
  const live = new LiveLooks(desk, course, ground);
  await live.begin();
  const end = await runWork(desk, course, task, {
    root: ground.place.workTree,
    place: ground.place,
    output,
    earlier,
    live,
  });
  await live.stop();
  const saved = await save(desk, course, ground, startedAt, output);
  if (!saved.ok) return saved.outcome;
  const refusal = await refusalOf(desk, course, ground, saved.value);
  if (refusal !== null && failureOf(end) === null) return failed(refusal, saved.value);
  const run = { desk, course, task, ground, startedAt, output };
  return await concludeThrough(run, end, saved.value, laid);
}

async function lay(ground: Ground, continues: Continued | undefined): Promise<Laid | null> {
  if (continues === undefined) return null;
  return await layEarlier(ground.place, ground.repository, ground.base, continues);
}

/**
 * Work in which a conflict is left is not done, whatever its program says; `null`: none is left. What
 * changes nothing is saved then, too, to say so.
 */
async function stillConflicting(
  { desk, course, ground, startedAt, output }: HookRun,
  laid: Laid,
  saved: Saved | null,
): Promise<Outcome | null> {
  const { place, repository, base } = ground;
  try {
    const looked = saved ?? { base: base.commit, commit: base.commit };
    const unresolved = await leftUnresolved(place, repository, laid, looked);
    if (unresolved === null) return null;
    if (saved !== null) return { result: "done", saved: { ...saved, ...unresolved } };
    const empty = await save(desk, course, ground, startedAt, output, { evenUnchanged: true });
    if (!empty.ok) return empty.outcome;
    return { result: "done", saved: empty.value && { ...empty.value, ...unresolved } };
  } catch (error) {
    return failed({ kind: "save", message: messageOf(error) }, saved);
  }
}

/** Work of which a part was kept back is no whole, and some work would break a checkout. */
async function refusalOf(
  desk: Desk,
  { key }: Course,
  { place, repository }: Ground,
  saved: Saved | null,
): Promise<AttemptFailure | null> {
  const kept = await keptBackOf(place, key, desk.settings.config.save);
  if (kept !== null) {
    desk.log("new files were kept back", { ...key, folder: kept.folder, files: kept.total });
    return { kind: "kept_back", ...kept };
  }
  const message = saved === null ? null : await unlandable(place, repository, saved);
  return message === null ? null : { kind: "unlandable", message };
}

/** `workspace: none`: in the person's working tree, without git; nothing is saved and nothing lands. */
async function runInRepository(
  desk: Desk,
  course: Course,
  task: TaskAssignment,
  folder: string,
): Promise<Outcome> {
  course.enter({ stage: "workspace" });
  let place: Place;
  try {
    place = await desk.place();
    await freshTemporary(place);
  } catch (error) {
    return failed({ kind: "workspace", message: messageOf(error) });
  }
  using output = outputIn(folder);
  const root = desk.settings.work_tree;
  const end = await runWork(desk, course, task, { root, place, output, earlier: {}, live: null });
  await clearTemporary(place).catch(() => {});
  return conclude(end, null);
}

type Room = {
  readonly root: string;
  readonly place: Place;
  readonly output: Output;
  /** See `earlierVariables`. */
  readonly earlier: Readonly<Record<string, string>>;
  readonly live: LiveLooks | null;
};

async function runWork(
  desk: Desk,
  course: Course,
  task: TaskAssignment,
  { root, place, output, earlier, live }: Room,
): Promise<ProgramEnd> {
  const { spec, secrets } = task;
  const { limits } = desk.settings.config;
  const argv = argvOf(spec.work);
  if (argv === null) return { why: "exited", code: 0 };
  const cwd = folderInside(root, spec.cwd);
  if (!cwd.ok) return { why: "not_started", message: cwd.message };
  const workTree = spec.workspace === "none" ? null : place.workTree;
  const given = [spec.env, secrets, earlier];
  course.enter({ stage: "running", output, ...(live === null ? {} : { live }) });
  return await runProgram({
    request: {
      argv,
      cwd: cwd.path,
      env: attemptEnvironment(desk, {
        key: course.key,
        temporary: place.temporary,
        workTree,
        given,
      }),
      stdout: output.paths[0] ?? "/dev/null",
      stderr: output.paths[1] ?? "/dev/null",
      marker: markerOf(course.key, place),
    },
    limits: {
      timeoutMs: spec.timeout_ms,
      graceMs: limits.grace_ms,
      outputBytesMax: limits.output_bytes,
    },
    output,
    room: workTree === null ? null : roomIn(desk, place),
    signal: course.signal,
    onEnding: () => course.enter({ stage: "ending", output }),
  });
}

async function save(
  desk: Desk,
  course: Course,
  { place, repository, base }: Ground,
  startedAt: number,
  output: Output,
  how: Pick<SaveRequest, "evenUnchanged"> = {},
): Promise<Step<Saved | null>> {
  const outputBytes = output.bytes();
  course.enter({ stage: "saving", outputBytes });
  const saveNow = async (): Promise<Saved | null> => {
    await clearTemporary(place);
    const policy = desk.settings.config.save;
    const request = { ...course.key, base, startedAt, policy, ...how };
    return await saveWorkspace(place, repository, request);
  };
  try {
    const saved = await onceThereIsSpace(saveNow, {
      folders: [place.folder, repository.gitDir],
      signal: course.signal,
      onWaiting: (problem, first) => {
        if (!first) return;
        desk.log("the work cannot be saved yet", { ...course.key, error: problem });
        course.enter({ stage: "saving", outputBytes, note: waitsForSpace });
      },
    });
    return { ok: true, value: saved };
  } catch (error) {
    desk.log("the work cannot be saved", { ...course.key, error: messageOf(error) });
    return { ok: false, outcome: failed({ kind: "save", message: messageOf(error) }) };
  }
}

/** The person's hooks on work that would land. What a hook cannot be run for fails the attempt, not the worker. */
async function concludeThrough(
  run: HookRun,
  end: ProgramEnd,
  saved: Saved | null,
  laid: Laid | null,
): Promise<Outcome> {
  const isDone = end.why !== "asked" && failureOf(end) === null && saved?.descends !== false;
  if (!isDone) return conclude(end, saved);
  // Before the hooks: one that looks for marks would make a failure of what is a conflict.
  const conflicting = laid === null ? null : await stillConflicting(run, laid, saved);
  if (conflicting !== null) return conflicting;
  if (saved === null) return conclude(end, saved);
  const { desk, course, ground } = run;
  try {
    const through = await throughHooks(run, saved);
    if (!through.ok) return through.outcome;
    // A hook may have made new files, too.
    const more = through.value.commit === saved.commit ? null : through.value;
    const refusal = await refusalOf(desk, course, ground, more);
    return refusal === null ? conclude(end, through.value) : failed(refusal, through.value);
  } catch (error) {
    run.desk.log("the hooks broke", { ...run.course.key, error: messageOf(error) });
    return failed({ kind: "hook", hook: "pre-commit", message: messageOf(error) }, saved);
  }
}

function conclude(end: ProgramEnd, saved: Saved | null): Outcome {
  if (end.why === "asked") return { result: "ended", saved };
  const failure: AttemptFailure | null = failureOf(end);
  return failure === null ? { result: "done", saved } : { result: "failed", failure, saved };
}

function argvOf(work: Work): Argv | null {
  switch (work.kind) {
    case "run":
      return work.argv;
    case "shell":
      return ["/bin/sh", "-c", work.script];
    case "tools":
      return null;
    default:
      return unreachable(work);
  }
}

function outputIn(folder: string): Output {
  return new Output([join(folder, "stdout.log"), join(folder, "stderr.log")]);
}

/** What its program is told of the attempts before (docs/reference/task.md). */
function earlierVariables(earlier: Earlier | undefined, folder: string): Record<string, string> {
  const { work, red } = earlier ?? { work: null, red: null };
  return {
    ...(work === null ? {} : { ORCHD_PREVIOUS_COMMIT: work.commit, ORCHD_PREVIOUS_REF: work.ref }),
    ...(red === null
      ? {}
      : {
          ORCHD_GATE_COMMAND: red.command.join(" "),
          ORCHD_GATE_OUTPUT: noteGateOutput(folder, red.output),
        }),
  };
}

/** And of an earlier change that lies in its workspace. */
function continuedVariables(
  continues: Continued | undefined,
  laid: Laid | null,
  folder: string,
): Record<string, string> {
  if (continues === undefined || laid === null) return {};
  const conflicted = laid.conflicted.map((path) => Buffer.from(path, "latin1"));
  return {
    ORCHD_CONTINUES: continues.commit,
    ORCHD_CONFLICT_FILES: noteConflicts(folder, conflicted),
  };
}

type Folder =
  { readonly ok: true; readonly path: string } | { readonly ok: false; readonly message: string };

/** A link in the repository must not lead a task out of its workspace. */
function folderInside(root: string, cwd: string): Folder {
  const path = realPath(join(root, cwd));
  if (path === null) return { ok: false, message: `cwd: there is no folder ${cwd} at the base` };
  if (!isInside(path, realPath(root) ?? root))
    return { ok: false, message: `cwd: ${cwd} leads out of the repository` };
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
    return { ok: false, message: `cwd: ${cwd} is not a folder` };
  return { ok: true, path };
}

function realPath(path: string): string | null {
  try {
    return realpathSync.native(path);
  } catch {
    return null;
  }
}
