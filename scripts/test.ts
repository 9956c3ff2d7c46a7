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
 * Unit tests run in two processes. What starts processes of its own runs one file after the other:
 * on two cores a second file would only make the first one slower than its limits allow.
 * The last line is `N passed, N failed` for all of it; the exit code is 0 only if some test ran and
 * none failed.
 */
type Phase = { readonly paths: readonly string[]; readonly options: readonly string[] };

const fastSuite: readonly Phase[] = [
  { paths: ["test/unit"], options: ["--parallel", "--jobs=2"] },
  { paths: ["test/integration", "test/e2e"], options: [] },
];
const phaseTimeoutMs = 10 * 60_000;

const named = process.argv.slice(2);
const phases = named.length > 0 ? [{ paths: named, options: [] }] : fastSuite;
const counts: Counts[] = [];
for (const phase of phases) counts.push(await runPhase(phase));

const total = counts.reduce(sum, { passed: 0, failed: 0, skipped: 0 });
if (total.passed === 0) console.error("No test passed: that is a failure too.");
console.log(closingLine(total));
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

async function runPhase({ paths, options }: Phase): Promise<Counts> {
  const files = await testFiles(paths);
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const folder = mkdtempSync(join(tmpdir(), "orchd-counts-"));
  const file = join(folder, "counts.json");
  try {
    const code = await runMocha([...options, `--reporter-option=counts=${file}`, ...files]);
    return withExitCode(readCounts(file), code);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function testFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    if (path.endsWith(".test.ts")) files.push(path);
    else for await (const file of glob(`${path}/**/*.test.ts`)) files.push(file);
  }
  return files.toSorted();
}

async function runMocha(args: readonly string[]): Promise<number | null> {
  const child = spawn("mocha", args, { stdio: ["ignore", "inherit", "inherit"] });
  const timer = setTimeout(() => {
    console.error(`The tests did not end within ${phaseTimeoutMs / 60_000} minutes.`);
    child.kill("SIGKILL");
  }, phaseTimeoutMs);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
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
