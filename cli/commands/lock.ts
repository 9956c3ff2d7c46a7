import { failure, FailureError } from "../../ipc/errors.ts";
import { holdNoteMax } from "../../ipc/hold.ts";
import { normaliseGlob } from "../../ipc/glob.ts";
import { parseDuration } from "../../ipc/duration.ts";
import { markerVariable } from "../../system/marker.ts";
import { defineCommand } from "../command.ts";
import { takeLock } from "../lockHold.ts";
import { listed, plain } from "../render/text.ts";
import type { ClaimSet } from "../../ipc/taskSpec.ts";
import type { LockView } from "../../ipc/claimViews.ts";
import type { Session, Supervisor } from "../session.ts";

/** A supervisor that is started again meanwhile finds us: there is no time after which we give up. */
const reconnectMs = 2 ** 31 - 1;

export const command = defineCommand({
  usage: "lock [glob..]",
  describe:
    "Run a command while holding claims. The command comes after --: orchd lock [options] -- CMD",
  example: [
    "orchd lock src/api/ -- npm run codegen",
    "Nobody else writes below src/api/ meanwhile",
  ],
  takesCommandLine: true,
  positionals: { glob: { type: "strings", describe: "What the command writes" } },
  options: {
    read: { type: "strings", value: "GLOB", describe: "What it only reads; may be given again" },
    resource: {
      type: "strings",
      value: "NAME[=N]",
      describe: "A named resource; may be given again",
    },
    try: { type: "boolean", describe: "Fail with exit code 5 instead of waiting" },
    timeout: { type: "string", value: "DURATION", describe: "Wait at most that long, such as 90s" },
    note: { type: "string", value: "TEXT", describe: "For people who look at `orchd locks`" },
  },
  run: async (args, session, commandLine) => {
    if (commandLine.length === 0)
      throw usage("a command must follow --: orchd lock src/ -- npm run build");
    const claims = claimsOf(args.glob, args.read, args.resource);
    const timeoutMs = args.timeout === undefined ? null : durationOf(args.timeout);
    const insideTask = session.terminal.env[markerVariable] !== undefined;
    if (insideTask && !args.try)
      throw new FailureError(
        failure("refused", "A task holds claims already, and who holds must not wait for more.", {
          hint: "Inside a task use `orchd lock --try`.",
        }),
      );
    const client = await session.connect({ timeoutMs: reconnectMs });
    const lock = await takeLock(client, {
      claims,
      note: (args.note ?? commandLine.join(" ")).slice(0, holdNoteMax),
      wait: !args.try,
      timeoutMs,
      onWaiting: (inTheWay) => session.remark(waitingWords(inTheWay)),
      onPlaceLost: () =>
        session.remark(
          "This stood still for too long and lost its place; it waits behind the others now.",
        ),
    }).catch(async (error: unknown) => {
      throw insideTask ? await inTheOwnWay(client, claims, session, error) : error;
    });
    const { startUnderLock } = await import("../underLock.ts");
    try {
      const { cwd, env } = session.terminal;
      const child = await startUnderLock({ commandLine, cwd, env, marker: lock.marker });
      const stop = session.terminal.onInterrupt(() => child.end());
      const isLost = lock.lost.then(() => {
        child.end();
        return "lost" as const;
      });
      const exit = await child.exit;
      await child.sweep();
      stop();
      const outcome = await Promise.race([isLost, Promise.resolve("kept" as const)]);
      if (outcome === "lost")
        throw new FailureError(failure("refused", `The lock ${lock.hold} was taken away.`));
      if (session.json) session.printJson({ hold: lock.hold, fence: lock.fence, exit_code: exit });
      return exit;
    } finally {
      await lock.release();
    }
  },
});

/** A task that asks for what it claims itself is told that it need not. */
async function inTheOwnWay(
  client: Supervisor,
  claims: ClaimSet,
  { terminal }: Session,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof FailureError) || error.failure.code !== "busy") return error;
  const own = terminal.env["ORCHD_TASK"];
  const { conflicts } = await client.call("check", { claims }).catch(() => ({ conflicts: [] }));
  if (conflicts.length === 0 || conflicts.some(({ holder }) => holder !== own)) return error;
  const hint = `${own} is the task this runs in, and what it claims is its own: run the command without a lock.`;
  return new FailureError(failure("busy", error.message, { hint }));
}

function claimsOf(
  globs: readonly string[],
  reads: readonly string[],
  resources: readonly string[],
): ClaimSet {
  if (globs.length + reads.length + resources.length === 0)
    throw usage("name what it claims: a glob, --read or --resource");
  return {
    writes: globs.map(normal),
    reads: reads.map(normal),
    resources: Object.fromEntries(resources.map(resourceOf)),
  };
}

function normal(glob: string): string {
  const parsed = normaliseGlob(glob);
  if (parsed.ok) return parsed.glob;
  throw usage(`${plain(glob)}: ${parsed.message}`);
}

function resourceOf(text: string): [string, number] {
  const at = text.lastIndexOf("=");
  if (at < 0) return [text, 1];
  const amount = Number(text.slice(at + 1));
  if (!Number.isInteger(amount) || amount < 1)
    throw usage(`${plain(text)}: the number after = must be a whole one from 1`);
  return [text.slice(0, at), amount];
}

function durationOf(text: string): number {
  const parsed = parseDuration(text);
  if (parsed.ok) return parsed.ms;
  throw usage(`--timeout ${plain(text)}: ${parsed.message}`);
}

function waitingWords(inTheWay: readonly LockView[]): string {
  const names = inTheWay.map(({ holder, note }) =>
    note === null ? holder : `${holder} (${note})`,
  );
  return names.length === 0 ? "Waiting for others." : `Waiting for ${plain(listed(names, 3))}.`;
}

function usage(message: string): FailureError {
  return new FailureError(failure("usage", `lock: ${message}`));
}
