import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { bytesWords } from "../../ipc/byteSize.ts";
import type { Argv } from "../../ipc/taskSpec.ts";
import { copyIgnored } from "../workspace/copy.ts";
import { clearHeld, readHeld } from "../workspace/held.ts";
import { linkWorkspace, repositoryOf } from "../workspace/place.ts";
import type { Place, Repository } from "../workspace/place.ts";
import { resetWorkspace, resolveBase, setWorkspaceAside } from "../workspace/reset.ts";
import { findSaved, saveWorkspace } from "../workspace/save.ts";
import { recordSetup, setupDue } from "../workspace/setupState.ts";
import { freshTemporary } from "../workspace/temporary.ts";
import { isOutOfSpace, mustHaveSpace, onceThereIsSpace } from "../workspace/space.ts";
import type { Waiting } from "../workspace/space.ts";
import { failed, markerOf, messageOf, roomIn, waitsForSpace } from "./desk.ts";
import type { Course, Desk, Ground, Step } from "./desk.ts";
import { attemptEnvironment } from "./environment.ts";
import { Output } from "./output.ts";
import { failureOf, runProgram } from "./program.ts";
import type { ProgramEnd } from "./program.ts";

/** Of the end of setup.log, in the message of a setup that failed. */
const setupTailBytes = 1_000;
const noteMax = 200;

export type Preparing = { readonly setup: boolean; readonly freeBytesMin: number };

/**
 * Gets a workspace ready at a revision, in this order because each step needs the one before:
 * what is unsaved is saved, files are reset, ignored files copied, setup run if it is due. Without
 * `setup` that is left out, and the next attempt here will find it due. First of all it waits until the
 * disks have `freeBytesMin`: 0 for what lands, which goes on as long as it can.
 */
export async function prepareGround(
  desk: Desk,
  course: Course,
  revision: string,
  folder: string,
  { setup, freeBytesMin }: Preparing,
): Promise<Step<Ground>> {
  course.enter({ stage: "workspace" });
  try {
    const place = await desk.place();
    const waiting = waitingInWorkspace(desk, course, place);
    const { ground, hash } = await onceThereIsSpace(async () => {
      mustHaveSpace(waiting.folders, freeBytesMin);
      return await layGround(desk, place, revision, setup);
    }, waiting);
    return hash === null
      ? { ok: true, value: ground }
      : await setUp(desk, course, ground, hash, folder);
  } catch (error) {
    desk.log("the workspace cannot be prepared", { ...course.key, error: messageOf(error) });
    return { ok: false, outcome: failed({ kind: "workspace", message: messageOf(error) }) };
  }
}

/** How an attempt that has not begun yet waits for space, and says so. */
export function waitingInWorkspace(desk: Desk, course: Course, place: Place | null): Waiting {
  return {
    folders: [desk.settings.git_dir, desk.stateFolder, ...(place === null ? [] : [place.folder])],
    signal: course.signal,
    onWaiting: (problem, first) => {
      if (!first) return;
      desk.log("the attempt cannot begin yet", { ...course.key, error: problem });
      const [line = ""] = problem.split("\n", 1);
      course.enter({ stage: "workspace", note: `${waitsForSpace}: ${line}`.slice(0, noteMax) });
    },
  };
}

/** Everything up to setup; `hash`: setup is due, and what it is for. */
async function layGround(
  desk: Desk,
  place: Place,
  revision: string,
  setup: boolean,
): Promise<{ readonly ground: Ground; readonly hash: string | null }> {
  const { workspace } = desk.settings.config;
  await mkdir(place.folder, { recursive: true, mode: 0o700 });
  const repository = repositoryOf(desk.settings);
  await keepUnsavedWork(desk, place, repository);
  const base = await resolveBase(repository, revision);
  const { fresh } = await resetWorkspace(place, repository, base, workspace.clean);
  await linkWorkspace(desk.stateFolder, place);
  await freshTemporary(place);
  await copyIgnored(place, repository, base, workspace.copy);
  const hash = setup ? await setupDue(place, workspace, fresh) : null;
  return { ground: { place, repository, base }, hash };
}

/**
 * The last attempt here may have ended without its work being saved (a full disk, a worker killed
 * after `.aibrain` was deleted). It is saved now; if that still fails, the whole workspace is put
 * aside, so nothing is ever reset that is not saved.
 */
async function keepUnsavedWork(desk: Desk, place: Place, repository: Repository): Promise<void> {
  const held = await readHeld(place);
  if (held === null) return;
  const policy = desk.settings.config.save;
  try {
    const saved =
      (await findSaved(repository, held)) ??
      (await saveWorkspace(place, repository, { ...held, policy }));
    desk.log("unsaved work was saved", { task: held.task, attempt: held.attempt, ref: saved?.ref });
  } catch (error) {
    if (isOutOfSpace(error, [place.folder, repository.gitDir])) throw error;
    const aside = await setWorkspaceAside(place, `${held.task}.${held.attempt}.workspace`);
    desk.log("unsaved work was put aside", { folder: aside, error: messageOf(error) });
  }
  await clearHeld(place);
}

async function setUp(
  desk: Desk,
  course: Course,
  ground: Ground,
  hash: string,
  folder: string,
): Promise<Step<Ground>> {
  using output = new Output([join(folder, "setup.log")]);
  course.enter({ stage: "setup", output });
  for (const argv of desk.settings.config.workspace.setup) {
    const end = await runSetup(desk, course, ground, argv, output);
    if (end.why === "asked") return { ok: false, outcome: { result: "ended", saved: null } };
    const failure = failureOf(end);
    if (failure !== null) {
      const said = output.tail(setupTailBytes, 0).toString("utf8").trim();
      const message = `${argv.join(" ")}: ${wordsOf(end)}${said === "" ? "" : `\n${said}`}`;
      return { ok: false, outcome: failed({ kind: "setup", message }) };
    }
  }
  await recordSetup(ground.place, hash);
  return { ok: true, value: ground };
}

async function runSetup(
  desk: Desk,
  course: Course,
  ground: Ground,
  argv: Argv,
  output: Output,
): Promise<ProgramEnd> {
  const { limits } = desk.settings.config;
  const { workTree, temporary } = ground.place;
  return await runProgram({
    request: {
      argv,
      cwd: workTree,
      env: attemptEnvironment(desk, { key: course.key, temporary, workTree, given: [] }),
      stdout: output.paths[0] ?? "/dev/null",
      stderr: "stdout",
      marker: markerOf(course.key, ground.place),
    },
    limits: {
      timeoutMs: limits.setup_timeout_ms,
      graceMs: limits.grace_ms,
      outputBytesMax: limits.output_bytes,
    },
    output,
    room: roomIn(desk, ground.place),
    signal: course.signal,
    onEnding: () => {},
  });
}

/** How a program ended, for the end of a sentence. */
export function wordsOf(end: ProgramEnd): string {
  switch (end.why) {
    case "exited":
      return `exit code ${end.code}`;
    case "signalled":
      return `ended by ${end.signal}`;
    case "timeout":
      return `not done after ${end.timeoutMs} ms`;
    case "output_limit":
      return `more than ${end.limitBytes} bytes of output`;
    case "workspace_size":
      return `its workspace grew beyond ${bytesWords(end.limitBytes)} (limits.workspace_size)`;
    case "not_started":
      return end.message;
    case "asked":
      return "ended on request";
  }
}
