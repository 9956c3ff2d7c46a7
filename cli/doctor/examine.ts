import { existsSync } from "node:fs";
import { defaultConfig } from "../../ipc/configDefaults.ts";
import type { Config } from "../../ipc/configSpec.ts";
import { FailureError } from "../../ipc/errors.ts";
import { layoutOf } from "../../system/paths.ts";
import { findRepository } from "../../system/repository.ts";
import { readSettings } from "../configFile.ts";
import { problemLine } from "../render/failure.ts";
import type { Session } from "../session.ts";
import { checkDisk } from "./disk.ts";
import { choice, fine, problem } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { askJournal, journalFindings, setAsideFindings } from "./journal.ts";
import { checkProcesses } from "./processes.ts";
import { checkPrograms } from "./programs.ts";
import { checkRepository, refsFinding, tasksOfRefs } from "./repository.ts";
import { findSupervisor, supervisorFindings } from "./supervisor.ts";

/**
 * Looks at everything that orchd depends on, in the order in which a person would repair it. Nothing
 * is changed, no lock is taken. Without a git that can be run it looks at the programs alone. Rejects
 * with `not_a_repository`, or why git cannot read it.
 */
export async function examine(session: Session, deep: boolean): Promise<Finding[]> {
  const { env } = session.terminal;
  const programs = await checkPrograms(env);
  const found = await findRepository(session.directory);
  if (!found.ok) {
    if (programs.some(({ check, level }) => check === "git" && level === "problem"))
      return programs;
    throw new FailureError(found.failure);
  }
  const { commonDir, workTree } = found.value;
  const { settings, findings: config } = await checkConfig(session);
  const repository = await checkRepository(found.value, settings.target, env);
  if (workTree === null) return [...programs, ...repository];
  const layout = layoutOf({ commonDir, workTree });
  const supervisor = await findSupervisor(layout, session.directory);
  const live = supervisor.kind === "answers" || supervisor.kind === "hung";
  const tasks = await tasksOfRefs(commonDir);
  const [disk, processes, journal, aside] = await Promise.all([
    checkDisk(layout, settings),
    checkProcesses(layout, supervisor),
    askJournal(layout, { deep, live, tasks }),
    setAsideFindings(layout),
  ]);
  const isRead = journal.verdict.kind === "good" || journal.verdict.kind === "absent";
  return [
    ...programs,
    ...disk,
    ...repository,
    ...config,
    ...supervisorFindings(supervisor),
    ...processes,
    ...journalFindings(journal.verdict, layout, supervisor),
    ...aside,
    ...(isRead ? [refsFinding(journal.unknown)] : []),
  ];
}

const problemsShown = 5;

/** A configuration that cannot be read is one finding, and the rest is looked at with the defaults. */
async function checkConfig(
  session: Session,
): Promise<{ readonly settings: Config; readonly findings: Finding[] }> {
  try {
    const { file, config } = await readSettings(session);
    const message =
      file === null ? "There is no orchd.yaml; the defaults are used" : `${file} is valid`;
    return {
      settings: config,
      findings: [fine("config", message), ...pathFindings(config.path)],
    };
  } catch (error) {
    if (!(error instanceof FailureError) || error.failure.code !== "invalid_config") {
      if (error instanceof FailureError) return { settings: defaultConfig, findings: [] };
      throw error;
    }
    const { message, problems } = error.failure;
    const where = problems.slice(0, problemsShown).map(problemLine);
    const finding = problem("config", {
      message: [message, ...where].join("; "),
      meaning:
        "The supervisor does not start with it, and a running one keeps the settings it has.",
      choices: [choice("See every line that is wrong.", "orchd config check")],
    });
    return { settings: defaultConfig, findings: [finding] };
  }
}

/** Where agents look for their programs. */
function pathFindings(path: string | null): Finding[] {
  const missing = (path ?? "").split(":").filter((folder) => folder !== "" && !existsSync(folder));
  if (missing.length === 0) return [];
  return [
    problem("config", {
      message: `\`path\` in orchd.yaml names folders that do not exist: ${missing.join(", ")}.`,
      meaning: "Programs in them are not found by tasks.",
      choices: [choice("Correct `path`, or leave it out.")],
    }),
  ];
}
