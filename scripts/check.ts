import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/**
 * Everything that can be said about the sources without running them: `npm run check`. All steps
 * run, two at a time, and each says how it ended; what a failed one printed follows below. The two
 * that take longest know files that have not changed, by their content, from `.cache`.
 */
type Step = { readonly name: string; readonly command: readonly [string, ...string[]] };
type Ended = { readonly name: string; readonly passed: boolean; readonly printed: string };

const atOnce = 2;

/** The slow ones first. */
const steps: readonly Step[] = [
  { name: "lint", command: ["oxlint", "--type-aware", "--deny-warnings"] },
  {
    name: "format",
    command: [
      "prettier",
      "--cache",
      "--cache-strategy=content",
      "--cache-location=.cache/format.json",
      "--check",
      "--log-level=warn",
      ".",
    ],
  },
  {
    name: "types",
    command: ["tsc", "--project", ".", "--incremental", "--tsBuildInfoFile", ".cache/types.json"],
  },
  { name: "dead code", command: ["knip"] },
  { name: "layers", command: ["node", "scripts/layers.ts"] },
  { name: "lock file", command: ["node", "scripts/lockfile.ts", "--check"] },
];

const waiting = [...steps];
const ended: Ended[] = [];
await Promise.all(Array.from({ length: atOnce }, worksThrough));

const failed = ended.filter(({ passed }) => !passed);
for (const { name, printed } of failed) console.log(`\n── ${name}\n${printed.trim()}`);
if (failed.length > 0)
  console.log(
    `\n${failed.length} of ${steps.length} checks failed: ${failed.map(({ name }) => name).join(", ")}`,
  );
process.exitCode = failed.length > 0 ? 1 : 0;

async function worksThrough(): Promise<void> {
  for (let step = waiting.shift(); step !== undefined; step = waiting.shift())
    ended.push(await run(step));
}

async function run({ name, command: [program, ...args] }: Step): Promise<Ended> {
  const began = performance.now();
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  const passed = code === 0;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${passed ? "✔" : "✖"} ${name} (${seconds} s)`);
  return { name, passed, printed: out + err };
}
