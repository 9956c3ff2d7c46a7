import { dirname } from "node:path";
import type { AttemptKey } from "../../ipc/workerMessages.ts";
import type { Desk } from "./desk.ts";

/** What a task gets of the environment its worker was started with; nothing else is passed on. */
const passedOn = ["HOME", "LANG", "LC_ALL", "USER", "LOGNAME", "SHELL", "TZ"] as const;

export type EnvironmentRequest = {
  readonly key: AttemptKey;
  /** A folder of its own for the attempt, outside of the repository. */
  readonly temporary: string;
  /** The workspace; git does not look for a repository above it. `null`: none. */
  readonly workTree: string | null;
  /** `spec.env`, then the values of `spec.secrets`; the later one wins. */
  readonly given: readonly Readonly<Record<string, string>>[];
};

/** The whole environment of a program of an attempt, without `ORCHD_ATTEMPT`, which the child gets as its marker. */
export function attemptEnvironment(
  desk: Desk,
  request: EnvironmentRequest,
): Record<string, string> {
  const inherited = passedOn.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(inherited),
    PATH: desk.settings.path,
    TERM: "dumb",
    TMPDIR: request.temporary,
    ...Object.fromEntries(request.given.flatMap((values) => Object.entries(values))),
    ...(request.workTree === null ? {} : { GIT_CEILING_DIRECTORIES: dirname(request.workTree) }),
    ORCHD_TASK: request.key.task,
    ORCHD_ATTEMPT_NUMBER: `${request.key.attempt}`,
    ORCHD_WORKER: desk.worker,
  };
}
