import { spawnSync } from "node:child_process";
import { benchClaims } from "./claims.ts";
import { benchJournal } from "./journal.ts";
import { benchLanding } from "./landing.ts";
import { benchLatency } from "./latency.ts";
import { benchMakespan } from "./makespan.ts";
import { benchPlan } from "./plan.ts";
import { benchQueue } from "./queue.ts";
import { benchSchedule } from "./schedule.ts";
import { benchRecovery } from "./recovery.ts";
import { benchSigning } from "./signing.ts";
import { benchSpawn } from "./spawn.ts";
import { benchStartup } from "./startup.ts";
import { benchSubmitFlat } from "./submitFlat.ts";
import { benchWorkspace } from "./workspace.ts";
import { supervisorNodeFlags } from "../../cli/supervisorFlags.ts";

/** `npm run bench -- NAME…`: one JSON line each. Without a name: all of them, one after the other. */
const benches: Readonly<Record<string, () => Promise<Record<string, number | string>>>> = {
  claims: benchClaims,
  journal: benchJournal,
  landing: benchLanding,
  latency: benchLatency,
  makespan: benchMakespan,
  plan: benchPlan,
  queue: benchQueue,
  recovery: benchRecovery,
  schedule: benchSchedule,
  signing: benchSigning,
  spawn: benchSpawn,
  startup: benchStartup,
  "submit-flat": benchSubmitFlat,
  workspace: benchWorkspace,
};

/** What measures the core in this process needs a process like the supervisor's. */
const ofTheCore = new Set(["claims", "makespan", "plan", "schedule"]);
const likeSupervisor = supervisorNodeFlags.every((flag) => process.execArgv.includes(flag));

const asked = process.argv.slice(2);
const names = asked.length === 0 ? Object.keys(benches) : asked;
const unknown = names.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  process.stderr.write(
    `There is no benchmark ${unknown.join(", ")}; there are: ${Object.keys(benches).join(", ")}\n`,
  );
  process.exitCode = 2;
} else
  for (const name of names) {
    if (ofTheCore.has(name) && !likeSupervisor) {
      const args = [...supervisorNodeFlags, import.meta.filename, name];
      const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
      if (status !== 0) process.exitCode = 1;
      continue;
    }
    const figures = await benches[name]?.();
    process.stdout.write(`${JSON.stringify({ bench: name, node: process.version, ...figures })}\n`);
  }
