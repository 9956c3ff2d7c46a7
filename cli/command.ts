import type { Session } from "./session.ts";

/**
 * A command of the command line, described by values: the parser, `--help`, completion and the
 * reference are all made from the same description.
 *
 *     export const command = defineCommand({
 *       usage: "show <id>",
 *       …
 *       run: async ({ id }, session) => exitCodes.done,
 *     });
 */
export type Spec = {
  readonly type: "boolean" | "string" | "number" | "strings";
  readonly describe: string;
  readonly alias?: string;
  /** What stands for the value in `--help`: `DIR`. */
  readonly value?: string;
  readonly choices?: readonly string[];
  /** Of a positional: it must be given. */
  readonly required?: true;
};
export type Specs = Readonly<Record<string, Spec>>;

/** `strings` may be given several times and is empty when absent; a `boolean` is false then. */
export type ValueOf<S extends Spec> = S["type"] extends "boolean"
  ? boolean
  : S["type"] extends "strings"
    ? readonly string[]
    : | (S["type"] extends "number" ? number : string)
      | (S["required"] extends true ? never : undefined);
export type ValuesOf<S extends Specs> = { readonly [Name in keyof S]: ValueOf<S[Name]> };

export type CommandOf<Positionals extends Specs, Options extends Specs> = {
  /** `submit <file..>`: the verb, then what must (`<>`) and may (`[]`) follow. */
  readonly usage: string;
  readonly describe: string;
  readonly example: readonly [command: string, what: string];
  readonly positionals: Positionals;
  readonly options: Options;
  /** Takes everything after `--` as a command line of its own. */
  readonly takesCommandLine?: true;
  /** Returns the exit code; rejects with a `FailureError`. */
  readonly run: (
    args: ValuesOf<Positionals> & ValuesOf<Options>,
    session: Session,
    commandLine: readonly string[],
  ) => Promise<number>;
};

/** Any command; what its `run` takes is known only to itself, so `main` passes what `parse` made. */
export type Command = Omit<CommandOf<Specs, Specs>, "run"> & {
  readonly run: (args: never, session: Session, commandLine: readonly string[]) => Promise<number>;
};

/** Infers the types of the arguments from their descriptions. */
export function defineCommand<const Positionals extends Specs, const Options extends Specs>(
  command: CommandOf<Positionals, Options>,
): CommandOf<Positionals, Options> {
  return command;
}

/** Understood by every command. */
export const commonOptions = {
  json: { type: "boolean", describe: "Print JSON; failures too, on standard error" },
  repo: { type: "string", value: "DIR", describe: "A directory in the repository (default: here)" },
} as const satisfies Specs;

export const taskIds = {
  id: { type: "strings", describe: "Task ids, as `orchd status` shows them", required: true },
} as const satisfies Specs;
