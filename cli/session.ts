import type { Client } from "../ipc/client.ts";
import { painter } from "./render/paint.ts";
import type { Look } from "./render/paint.ts";
import type { Output, Terminal } from "./terminal.ts";

/** What of the client the commands use; tests pass an object of their own. */
export type Supervisor = Pick<Client, "call" | "subscribe" | "close" | "closed" | "supervisor">;

export type Connect = (options: {
  readonly repo: string;
  readonly reconnect: boolean | { readonly timeoutMs: number };
}) => Promise<Supervisor>;

/** The outside world of a command; each is loaded when it is first needed. */
export type Ports = {
  readonly terminal: Terminal;
  readonly connect: Connect;
  /** Starts a supervisor and resolves when it is ready, or runs it here until it ends. */
  readonly supervisor: () => Promise<typeof import("./supervisor.ts")>;
};

/** One invocation: where it stands, how it prints, whom it talks to. */
export type Session = {
  readonly terminal: Terminal;
  readonly json: boolean;
  /** Absolute: `--repo`, or the current directory. */
  readonly directory: string;
  readonly ports: Ports;
  /** Closed at the end of the invocation. `reconnect`: whether a lost connection is dialled again. */
  readonly connect: (reconnect?: boolean | { readonly timeoutMs: number }) => Promise<Supervisor>;
  /** A line or more of the product, on standard output. */
  readonly print: (text: string) => void;
  /** One JSON document, in one line. */
  readonly printJson: (value: unknown) => void;
  /** A remark for people, on standard error; nothing with `--json`. */
  readonly remark: (text: string) => void;
  readonly look: (output?: Output) => Look;
};

export type OpenSession = Session & { readonly close: () => Promise<void> };

export function openSession(
  ports: Ports,
  given: { readonly json: boolean; readonly directory: string },
): OpenSession {
  const { terminal } = ports;
  const open: Supervisor[] = [];
  return {
    ...given,
    terminal,
    ports,
    connect: async (reconnect = false) => {
      const client = await ports.connect({ repo: given.directory, reconnect });
      open.push(client);
      return client;
    },
    print: (text) => terminal.out.write(`${text}\n`),
    printJson: (value) => terminal.out.write(`${JSON.stringify(value)}\n`),
    remark: (text) => {
      if (!given.json) terminal.err.write(`${text}\n`);
    },
    look: (output = terminal.out) => lookOf(output, terminal.now()),
    close: async () => {
      await Promise.all(open.map((client) => client.close()));
    },
  };
}

/** In a pipe or a file nothing is cut: whoever reads it there searches or stores it. */
export function lookOf(output: Output, now: number): Look {
  return {
    width: output.isTerminal ? output.columns() : Infinity,
    paint: painter(output.colour),
    now,
  };
}
