import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ChildProcess } from "node:child_process";
import type { ClaimantSaid } from "./claimant.ts";

/** One client of the hammer of claims: a process at a time, and a new one for each that was killed. */
export type Claimant = {
  readonly pid: number;
  readonly signal: (signal: NodeJS.Signals) => void;
  readonly answer: (line: string) => void;
  readonly lines: AsyncIterable<ClaimantSaid>;
  readonly gone: Promise<unknown>;
};

const program = fileURLToPath(new URL("claimant.ts", import.meta.url));

/** It says `{"ready":true}` when it has loaded everything and is connected. */
export function startClaimant(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Claimant {
  const child = spawn(process.execPath, [program, ...args], {
    env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  // It may be killed while it is told something.
  child.stdin.on("error", () => {});
  const gone = once(child, "exit");
  return {
    pid: child.pid ?? 0,
    signal: (signal) => void child.kill(signal),
    answer: (line) => void child.stdin.write(`${line}\n`),
    lines: linesOf(child),
    gone,
  };
}

async function* linesOf({ stdout }: ChildProcess): AsyncIterable<ClaimantSaid> {
  if (stdout === null) throw new Error("a claimant without standard output");
  for await (const line of createInterface(stdout)) {
    // The last line of a process that was killed may be half a line.
    const said = parsed(line);
    if (said !== null) yield said;
  }
}

function parsed(line: string): ClaimantSaid | null {
  try {
    return JSON.parse(line) as ClaimantSaid;
  } catch {
    return null;
  }
}
