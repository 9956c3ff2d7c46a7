import { failure, FailureError } from "../ipc/errors.ts";

/** What `orchd run` was told; names as in its options. */
export type RunRequest = {
  readonly id: string | undefined;
  readonly title: string | undefined;
  readonly claim: readonly string[];
  readonly read: readonly string[];
  readonly after: readonly string[];
  readonly priority: number | undefined;
  readonly timeout: string | undefined;
  readonly retries: number | undefined;
  readonly env: readonly string[];
  readonly verify: readonly string[];
  readonly "no-workspace": boolean;
  readonly shell: string | undefined;
};

/**
 * The task as a file would hold it, so that the one schema checks it: `--claim src/` becomes
 * `{"claims":{"writes":["src/"]}}`. Claims stay undeclared unless one is given.
 */
export function taskOf(request: RunRequest, commandLine: readonly string[]): object {
  const { claim, read, after, verify } = request;
  return {
    ...given("id", request.id),
    ...given("title", request.title),
    run: work(request.shell, commandLine),
    ...(claim.length + read.length === 0 ? {} : { claims: { writes: claim, reads: read } }),
    ...(after.length === 0 ? {} : { after }),
    ...given("priority", request.priority),
    ...given("timeout", request.timeout),
    ...given("retries", request.retries),
    ...(request.env.length === 0 ? {} : { env: Object.fromEntries(request.env.map(assignment)) }),
    ...(verify.length === 0 ? {} : { verify: verify.map((line) => ["sh", "-c", line]) }),
    ...(request["no-workspace"] ? { workspace: "none" } : {}),
  };
}

/** The option that a field of the task came from; for the words of a problem. */
export function optionOf(field: string): string {
  const top = /^[a-z_]+(?:\.(?:writes|reads))?/.exec(field)?.[0] ?? "";
  return options[top] ?? field;
}

const options: Readonly<Record<string, string>> = {
  id: "--id",
  title: "--title",
  run: "the command",
  "claims.writes": "--claim",
  "claims.reads": "--read",
  claims: "--claim",
  after: "--after",
  priority: "--priority",
  timeout: "--timeout",
  retries: "--retries",
  env: "--env",
  verify: "--verify",
  workspace: "--no-workspace",
};

function work(shell: string | undefined, commandLine: readonly string[]): unknown {
  if (shell !== undefined && commandLine.length > 0)
    throw usage("run: --shell and a command after -- exclude each other.");
  if (shell !== undefined) return { shell };
  if (commandLine.length === 0) throw usage("run: there is no command.");
  return commandLine;
}

function assignment(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw usage(`run: --env takes NAME=VALUE, not ${JSON.stringify(text)}.`);
}

function given(name: string, value: string | number | undefined): object {
  return value === undefined ? {} : { [name]: value };
}

function usage(message: string): FailureError {
  const hint = "For example: orchd run --title 'Tidy up' -- npm run tidy";
  return new FailureError(failure("usage", message, { hint }));
}
