import { Readable } from "node:stream";
import { main } from "../../../cli/main.ts";
import type { Connect, Ports, Supervisor } from "../../../cli/session.ts";
import type { Output, Terminal } from "../../../cli/terminal.ts";
import { failure, FailureError } from "../../../ipc/errors.ts";
import type { EventView } from "../../../ipc/eventView.ts";
import type { MethodName } from "../../../ipc/methods.ts";

/** A command line whose terminal is a recording and whose supervisor answers from a script. */
export type Recording = {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly calls: readonly { readonly method: MethodName; readonly params: unknown }[];
};

/** Answers by method: a value, or a function of the parameters that may throw or return a promise. */
export type Answers = Readonly<Partial<Record<MethodName, unknown>>>;

export type RunOptions = {
  readonly answers?: Answers;
  /** Given to the first subscription, in order. */
  readonly events?: readonly EventView[];
  readonly connect?: Connect;
  readonly input?: string;
  readonly columns?: number | null;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly now?: number;
  readonly supervisor?: Ports["supervisor"];
  /** Of the supervisor's process; by default a number that no process has. */
  readonly pid?: number;
  /** Called with a function that presses Ctrl-C. */
  readonly withInterrupt?: (press: () => void) => void;
};

export async function orchd(words: string, options: RunOptions = {}): Promise<Recording> {
  return await orchdWords(words.split(" ").filter(Boolean), options);
}

export async function orchdWords(
  argv: readonly string[],
  options: RunOptions = {},
): Promise<Recording> {
  const out: string[] = [];
  const err: string[] = [];
  const calls: { method: MethodName; params: unknown }[] = [];
  const terminal = recordedTerminal(out, err, options);
  const connect = options.connect ?? (async () => scriptedSupervisor(options, calls));
  const code = await main(argv, {
    terminal,
    connect,
    supervisor: options.supervisor ?? (() => import("../../../cli/supervisor.ts")),
  });
  return { code, out: out.join(""), err: err.join(""), calls };
}

/** As the real one when nothing listens. */
export const noSupervisor: Connect = () =>
  Promise.reject(
    new FailureError(failure("no_supervisor", "No supervisor runs for /srv/app/.git.")),
  );

/** Above the largest that Linux gives out. */
const noSuchPid = 2 ** 22 + 1;
type Answer = (params: unknown) => unknown;

function scriptedSupervisor(
  { answers = {}, events = [], pid = noSuchPid }: RunOptions,
  calls: { method: MethodName; params: unknown }[],
): Supervisor {
  const closed = Promise.withResolvers<null>();
  const call = async (method: MethodName, params: unknown): Promise<unknown> => {
    calls.push({ method, params });
    if (!Object.hasOwn(answers, method)) throw new Error(`no answer to ${method} was prepared`);
    const answer: unknown = answers[method];
    return typeof answer === "function" ? await (answer as Answer)(params) : answer;
  };
  return {
    call: call as Supervisor["call"],
    subscribe: async (from, onEvent) => {
      setImmediate(() => events.filter((event) => event.seq > (from ?? 0)).forEach(onEvent));
    },
    close: async () => closed.resolve(null),
    closed: closed.promise,
    supervisor: { protocol: 1, version: "0.1.0", pid, epoch: 3 },
  };
}

function recordedTerminal(out: string[], err: string[], options: RunOptions): Terminal {
  const columns = options.columns ?? null;
  const output = (chunks: string[]): Output => ({
    isTerminal: columns !== null,
    colour: false,
    columns: () => columns ?? 120,
    rows: () => 40,
    write: (chunk) =>
      void chunks.push(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString()),
    flush: async () => undefined,
    onResize: () => () => undefined,
  });
  return {
    cwd: options.cwd ?? "/",
    env: options.env ?? {},
    out: output(out),
    err: output(err),
    input: () => Readable.from([Buffer.from(options.input ?? "")]),
    now: () => options.now ?? 1_700_000_000_000,
    onInterrupt: (listener) => {
      options.withInterrupt?.(listener);
      return () => undefined;
    },
  };
}
