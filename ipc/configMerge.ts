import { defaultConfig } from "./configDefaults.ts";
import type { ConfigFields } from "./configSchema.ts";
import type { Config, Limits } from "./configSpec.ts";

/** One configuration from layers of which each may say anything; the first that says something wins. */
export function merged(...layers: readonly ConfigFields[]): Config {
  const pick = <Value>(of: (fields: ConfigFields) => Value | undefined, otherwise: Value): Value =>
    layers.map(of).find((value) => value !== undefined) ?? otherwise;
  const { workspace, commit, ...whole } = defaultConfig;
  return {
    max_parallel: pick((fields) => fields.max_parallel, whole.max_parallel),
    target: pick<string | null>((fields) => fields.target, whole.target),
    follow: pick((fields) => fields.follow, whole.follow),
    verify: pick<Config["verify"]>((fields) => fields.verify, whole.verify),
    gate: pick((fields) => fields.gate, whole.gate),
    outside_claims: pick((fields) => fields.outside_claims, whole.outside_claims),
    generated: pick<Config["generated"]>((fields) => fields.generated, whole.generated),
    workspace: {
      root: pick<string | null>((fields) => fields.workspace?.root, workspace.root),
      setup: pick<Config["verify"]>((fields) => fields.workspace?.setup, workspace.setup),
      setup_inputs: pick<readonly string[]>(
        (fields) => fields.workspace?.setup_inputs,
        workspace.setup_inputs,
      ),
      copy: pick<readonly string[]>((fields) => fields.workspace?.copy, workspace.copy),
      clean: pick((fields) => fields.workspace?.clean, workspace.clean),
    },
    commit: {
      message: pick((fields) => fields.commit?.message, commit.message),
      template: pick((fields) => fields.commit?.template, commit.template),
      author: pick<string | null>((fields) => fields.commit?.author, commit.author),
      trailers: pick((fields) => fields.commit?.trailers, commit.trailers),
      sign: pick((fields) => fields.commit?.sign, commit.sign),
      hooks: pick((fields) => fields.commit?.hooks, commit.hooks),
    },
    save: {
      max_file_bytes: pick((fields) => fields.save?.max_file, whole.save.max_file_bytes),
      secrets: pick((fields) => fields.save?.secrets, whole.save.secrets),
      allow: pick<readonly string[]>((fields) => fields.save?.allow, whole.save.allow),
    },
    resources: pick((fields) => fields.resources, whole.resources),
    path: pick<string | null>((fields) => fields.path, whole.path),
    limits: mergedLimits(layers.map((fields) => fields.limits ?? {})),
    retention: {
      attempts: pick((fields) => fields.retention?.attempts, whole.retention.attempts),
      age_ms: pick((fields) => fields.retention?.age, whole.retention.age_ms),
      landed_ms: pick((fields) => fields.retention?.landed, whole.retention.landed_ms),
      unlanded_ms: pick((fields) => fields.retention?.unlanded, whole.retention.unlanded_ms),
      saved: pick((fields) => fields.retention?.saved, whole.retention.saved),
      unsaved_ms: pick((fields) => fields.retention?.unsaved, whole.retention.unsaved_ms),
    },
    maintenance: pick((fields) => fields.maintenance, whole.maintenance),
    push: {
      remote: pick<string | null>((fields) => fields.push?.remote, whole.push.remote),
      branch: pick<string | null>((fields) => fields.push?.branch, whole.push.branch),
      quiet_ms: pick((fields) => fields.push?.quiet, whole.push.quiet_ms),
      every: pick((fields) => fields.push?.every, whole.push.every),
      timeout_ms: pick((fields) => fields.push?.timeout, whole.push.timeout_ms),
      hook: pick((fields) => fields.push?.hook, whole.push.hook),
    },
  };
}

type LimitFields = NonNullable<ConfigFields["limits"]>;

function mergedLimits(layers: readonly LimitFields[]): Limits {
  const pick = (key: keyof LimitFields, otherwise: number): number =>
    layers.map((layer) => layer[key]).find((value) => value !== undefined) ?? otherwise;
  const { limits } = defaultConfig;
  return {
    timeout_ms: pick("timeout", limits.timeout_ms),
    grace_ms: pick("grace", limits.grace_ms),
    setup_timeout_ms: pick("setup_timeout", limits.setup_timeout_ms),
    signing_timeout_ms: pick("signing_timeout", limits.signing_timeout_ms),
    hook_timeout_ms: pick("hook_timeout", limits.hook_timeout_ms),
    verify_timeout_ms: pick("verify_timeout", limits.verify_timeout_ms),
    heartbeat_ms: pick("heartbeat", limits.heartbeat_ms),
    stale_after_ms: pick("stale_after", limits.stale_after_ms),
    adoption_grace_ms: pick("adoption_grace", limits.adoption_grace_ms),
    prediction_ms: pick("prediction", limits.prediction_ms),
    output_bytes: pick("output", limits.output_bytes),
    min_free_disk_bytes: pick("min_free_disk", limits.min_free_disk_bytes),
    workspace_size_bytes: pick("workspace_size", limits.workspace_size_bytes),
    fairness_window_ms: pick("fairness_window", limits.fairness_window_ms),
    tasks_open: pick("tasks_open", limits.tasks_open),
    chain: pick("chain", limits.chain),
  };
}
