import { hash } from "node:crypto";
import { existsSync } from "node:fs";
import { configOf } from "./configCache.ts";
import { spellClaims, spellPath } from "../system/claimSpelling.ts";
import { workspaceRoot } from "../system/paths.ts";
import type { Config } from "../ipc/configSpec.ts";
import type { CoreSettings, PushPlace } from "./core/coreSettings.ts";
import type { Layout } from "../system/paths.ts";
import type { Result } from "../ipc/errors.ts";
import type { Report, Saved } from "../ipc/workerMessages.ts";
import type { Spelling } from "../system/claimSpelling.ts";
import type { ClaimSet, TaskSpec } from "../ipc/taskSpec.ts";

/** What was given on the command line of the supervisor. */
export type Flags = { readonly max_parallel?: number };

const groundDigits = 16;

/** orchd.yaml with environment and flags on top; `configured`: there is such a file. */
export async function readConfig(
  layout: Layout,
  flags: Flags,
): Promise<Result<{ readonly config: Config; readonly configured: boolean }>> {
  const { configFileBytesMax, readLimited } = await import("../ipc/limitedText.ts");
  const limit = {
    name: "orchd.yaml",
    bytesMax: configFileBytesMax,
    code: "invalid_config",
  } as const;
  const read = existsSync(layout.configFile) ? await readLimited(layout.configFile, limit) : null;
  if (read !== null && !read.ok) return read;
  const text = read === null ? null : read.value;
  const { env } = process;
  const parsed = await configOf({ stateDir: layout.stateDir, text, env, flags }, async () => {
    const { parseConfig } = await import("../ipc/config.ts");
    return parseConfig(text, { name: "orchd.yaml", env, flags });
  });
  if (!parsed.ok) return parsed;
  return { ok: true, value: { config: parsed.value, configured: text !== null } };
}

/** The configuration as workers get it: the root of their workspaces is always named. */
export function workerConfig(config: Config, layout: Layout): Config {
  const root = workspaceRoot(layout, config.workspace.root, process.env);
  return { ...config, workspace: { ...config.workspace, root } };
}

/** `PATH` of tasks and checks. */
export function searchPath(config: Config): string {
  return config.path ?? process.env["PATH"] ?? "";
}

export function coreSettings(config: Config, target: string): CoreSettings {
  const { limits, workspace } = config;
  const ground = hash("sha256", JSON.stringify([searchPath(config), workspace]), "hex").slice(
    0,
    groundDigits,
  );
  return {
    slots: config.max_parallel,
    follow: config.follow,
    target,
    verify: config.verify,
    verifyTimeoutMs: limits.verify_timeout_ms,
    ground,
    gate: config.gate,
    chainMax: limits.chain,
    generated: config.generated.map(({ paths, run, timeout_ms }) => ({
      paths,
      run,
      timeoutMs: timeout_ms ?? limits.verify_timeout_ms,
    })),
    outsideClaims: config.outside_claims,
    resources: config.resources,
    fairnessWindowMs: limits.fairness_window_ms,
    tasksOpenMax: limits.tasks_open,
    push: pushPlace(config, target),
  };
}

function pushPlace({ push: { remote, branch } }: Config, target: string): PushPlace | null {
  return remote === null ? null : { remote, branch: branch ?? target };
}

/** With its claims as the repository spells them. */
export async function completeSpec(spec: TaskSpec, spelling: Spelling): Promise<TaskSpec> {
  if (spec.claims === null) return spec;
  return { ...spec, claims: await completeClaims(spec.claims, spelling) };
}

export async function completeClaims(claims: ClaimSet, spelling: Spelling): Promise<ClaimSet> {
  const [writes, reads] = await Promise.all([
    spellClaims(claims.writes, spelling),
    spellClaims(claims.reads, spelling),
  ]);
  return { ...claims, writes, reads };
}

/** A report with what was touched as the claims are spelled. */
export function completeReport(report: Report, spelling: Spelling): Report {
  const { outcome } = report;
  if (!("saved" in outcome) || outcome.saved === null) return report;
  return { ...report, outcome: { ...outcome, saved: completeSaved(outcome.saved, spelling) } };
}

export function completeSaved(saved: Saved, spelling: Spelling): Saved {
  if (!spelling.foldsCase) return saved;
  return { ...saved, touched: saved.touched.map((path) => spellPath(path, spelling)) };
}
