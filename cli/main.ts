import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { exitCodeOf, exitCodes, failure, FailureError } from "../ipc/errors.ts";
import type { Failure } from "../ipc/errors.ts";
import { packageVersion } from "../ipc/version.ts";
import type { Command } from "./command.ts";
import { nearest } from "../ipc/nearest.ts";
import { failureJson, failureText } from "./render/failure.ts";
import { helpPage } from "./render/help.ts";
import { painter } from "./render/paint.ts";
import { openSession } from "./session.ts";
import type { Ports } from "./session.ts";
import { processTerminal } from "./terminal.ts";
import { findVerb, verbs } from "./verbs.ts";
import { readWords } from "./words.ts";
import type { Words } from "./words.ts";

/**
 * The command line from its words to its exit code:
 *
 *     words ─► verb ─► its file is loaded ─► parsed ─► run ─► exit code
 *       └─────────┴──── a failure of any step: told on standard error, with its exit code
 *
 * @param argv what follows the program's name
 */
export async function main(argv: readonly string[], ports: Ports = realPorts()): Promise<number> {
  const words = readWords(argv);
  let code: number;
  try {
    code = await dispatch(words, ports);
  } catch (error) {
    code = await tell(error, words.json, ports);
  }
  await Promise.all([ports.terminal.out.flush(), ports.terminal.err.flush()]);
  return code;
}

export function realPorts(): Ports {
  return {
    terminal: processTerminal(),
    connect: async (options) => (await import("../ipc/client.ts")).connect(options),
    supervisor: () => import("./supervisor.ts"),
  };
}

async function dispatch(words: Words, ports: Ports): Promise<number> {
  const { out } = ports.terminal;
  if (words.verb === null) return withoutVerb(words, ports);
  if (words.verb === "help") return await helpFor(wordAfter(words), words, ports);
  const verb = findVerb(words.verb);
  if (verb === undefined) throw unknownVerb(words.verb);
  const command: Command = await verb.load();
  const own = command.takesCommandLine === true ? words.own : words.all;
  const { parse } = await import("./parse.ts");
  const parsed = await parse(command, own, out.columns());
  if (parsed.kind === "help") {
    out.write(`${parsed.text}\n`);
    return exitCodes.done;
  }
  const directory = resolve(ports.terminal.cwd, parsed.repo ?? ".");
  if (parsed.repo !== undefined && !existsSync(directory)) throw noDirectory(parsed.repo);
  const session = openSession(ports, { json: parsed.json, directory });
  try {
    return await command.run(parsed.args as never, session, words.commandLine);
  } catch (error) {
    const { withSuggestion } = await import("./suggestion.ts");
    throw await withSuggestion(error, session);
  } finally {
    await session.close();
  }
}

function withoutVerb(words: Words, ports: Ports): number {
  const { out } = ports.terminal;
  if (words.all.some((word) => word === "--version" || word === "-V")) {
    out.write(
      words.json ? `${JSON.stringify({ version: packageVersion() })}\n` : `${packageVersion()}\n`,
    );
    return exitCodes.done;
  }
  if (words.all.some((word) => word === "--help" || word === "-h")) {
    out.write(`${helpPage(verbs, painter(out.colour))}\n`);
    return exitCodes.done;
  }
  const hint = "`orchd --help` lists the commands.";
  throw new FailureError(failure("usage", "No command is given.", { hint }));
}

/** The command that help is wanted for, which options may stand in front of. */
function wordAfter({ own, verbAt }: Words): string | undefined {
  return own.slice(verbAt + 1).find((word) => !word.startsWith("-"));
}

async function helpFor(name: string | undefined, words: Words, ports: Ports): Promise<number> {
  const all = name === undefined ? ["--help"] : [name, "--help"];
  return await dispatch({ ...readWords(all), json: words.json }, ports);
}

function noDirectory(named: string): FailureError {
  return new FailureError(
    failure("usage", `--repo: there is no directory ${JSON.stringify(named)}.`),
  );
}

/** What other programs of this kind call it. */
const namedElsewhere: ReadonlyMap<string, string> = new Map([
  ["add", "submit"],
  ["down", "stop"],
  ["kill", "cancel"],
  ["list", "status"],
  ["log", "logs"],
  ["ls", "status"],
  ["ps", "status"],
  ["rm", "cancel"],
  ["unlock", "locks break"],
  ["up", "start"],
  ["version", "--version"],
]);

function unknownVerb(name: string): FailureError {
  const similar =
    namedElsewhere.get(name) ??
    nearest(
      name,
      verbs.map((verb) => verb.name),
    );
  const suggestion = similar === null ? "" : `Did you mean \`orchd ${similar}\`? `;
  const hint = `${suggestion}\`orchd --help\` lists the commands.`;
  return new FailureError(
    failure("usage", `There is no command ${JSON.stringify(name)}.`, { hint }),
  );
}

async function tell(error: unknown, json: boolean, ports: Ports): Promise<number> {
  const { err } = ports.terminal;
  const reason = await failureOf(error);
  const text = json ? failureJson(reason) : failureText(reason, painter(err.colour));
  err.write(`${text}\n`);
  const isBug = error instanceof Error && !(error instanceof FailureError);
  if (reason.code === "internal" && !json && isBug && error.stack !== undefined)
    err.write(`${error.stack}\n`);
  return exitCodeOf(reason.code);
}

/** What git or the machine refuses is a condition; any other exception is a bug. */
async function failureOf(error: unknown): Promise<Failure> {
  if (error instanceof FailureError) return error.failure;
  const { systemFailure } = await import("../system/systemFailure.ts");
  const ofTheMachine = systemFailure(error);
  if (ofTheMachine !== null) return ofTheMachine;
  const message = error instanceof Error ? error.message : String(error);
  const { gitAbsence, GitError } = await import("../system/git.ts");
  if (error instanceof GitError) return gitAbsence(error) ?? failure("refused", message);
  return failure("internal", message);
}
