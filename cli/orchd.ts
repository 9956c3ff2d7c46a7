#!/usr/bin/env node
import module from "node:module";

/**
 * The `orchd` program. It is parsed by whatever Node the machine has, so it imports nothing of ours
 * before it has looked at the version: an old Node gets one sentence instead of a syntax error.
 */
const oldestNode = { major: 22, minor: 22 };
const usageExitCode = 2;
const bugExitCode = 70;

if (isTooOld(process.versions.node)) {
  const needed = `${oldestNode.major}.${oldestNode.minor}`;
  process.stderr.write(
    `orchd needs Node ${needed} or newer; this is ${process.versions.node} (${process.execPath})\n`,
  );
  process.exitCode = usageExitCode;
} else {
  process.exitCode = await start();
}

async function start(): Promise<number> {
  module.enableCompileCache?.();
  try {
    const { main } = await import("./main.ts");
    return await main(process.argv.slice(2));
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`orchd: internal error: ${reason}\n`);
    return bugExitCode;
  }
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < oldestNode.major || (major === oldestNode.major && minor < oldestNode.minor);
}
