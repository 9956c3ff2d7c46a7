import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { glob } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closingLine } from "./reporter.ts";
import type { Counts } from "./reporter.ts";

/**
 * Runs the fast suite: `node scripts/test.ts`, or only the folders and files named after it.
 *
 * Unit tests first, in two processes. What starts processes of its own mostly waits, for disks and for
 * children, so four files of it run at the same time, in the order of their names. The last line is
 * `N passed, N failed` for all of it; the exit code is 0 only if some test ran and none failed.
 */
type Lane = { readonly paths: readonly string[]; readonly options: readonly string[] };

/** Stages follow each other, the lanes of one run at the same time. */
const fastSuite: readonly (readonly Lane[])[] = [
  [{ paths: ["test/unit", "test/sim"], options: ["--parallel", "--jobs=2"] }],
  [
    {
      paths: ["test/e2e", "test/person", "test/integration"],
      options: ["--parallel", "--jobs=4"],
    },
  ],
  // What asserts how long something takes has the machine for itself.
  [{ paths: ["test/timing"], options: [] }],
];
const laneTimeoutMs = 10 * 60_000;

const named = process.argv.slice(2);
const stages = named.length > 0 ? [[{ paths: named, options: [] }]] : fastSuite;
const counts: Counts[] = [];
for (const stage of stages)
  counts.push(...(await Promise.all(stage.map((lane) => runLane(lane, stage.length > 1)))));

const total = counts.reduce(sum, { passed: 0, failed: 0, skipped: 0 });
if (total.passed === 0) console.error("No test passed: that is a failure too.");
console.log(closingLine(total));
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

async function runLane({ paths, options }: Lane, beside: boolean): Promise<Counts> {
  const files = await testFiles(paths);
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const folder = mkdtempSync(join(tmpdir(), "orchd-counts-"));
  const file = join(folder, "counts.json");
  try {
    const args = [...options, `--reporter-option=counts=${file}`, ...files];
    const code = await runMocha(args, beside);
    return withExitCode(readCounts(file), code);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function testFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const pattern = /[*[]/.test(path) ? `${path}.test.ts` : `${path}/**/*.test.ts`;
    if (path.endsWith(".test.ts")) files.push(path);
    else for await (const file of glob(pattern)) files.push(file);
  }
  return files.toSorted();
}

/** `beside`: others run too, so what it prints is kept together. */
async function runMocha(args: readonly string[], beside: boolean): Promise<number | null> {
  const output = beside ? "pipe" : "inherit";
  const child = spawn("mocha", args, { stdio: ["ignore", output, output] });
  const printed: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => printed.push(chunk));
  const timer = setTimeout(() => {
    console.error(`The tests did not end within ${laneTimeoutMs / 60_000} minutes.`);
    child.kill("SIGKILL");
  }, laneTimeoutMs);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  process.stdout.write(Buffer.concat(printed));
  return code;
}

/** What the reporter wrote; nothing if mocha never came to its end. */
function readCounts(file: string): Counts {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Counts;
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

/** A run that ends badly without a failed test (a file that does not load, a loop that never drains) has failed once. */
function withExitCode(result: Counts, code: number | null): Counts {
  return code === 0 || result.failed > 0 ? result : { ...result, failed: 1 };
}

function sum(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}
