import type { Config } from "./configSpec.ts";
import { timeoutMsDefault } from "./taskRules.ts";

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const dayMs = 24 * 60 * minuteMs;
const mebibyte = 1024 ** 2;
const gibibyte = 1024 ** 3;

/** What holds where neither flag, environment nor file says otherwise. */
export const defaultConfig: Config = {
  max_parallel: 3,
  target: null,
  follow: "auto",
  verify: [],
  gate: "chain",
  outside_claims: "extend",
  generated: [],
  workspace: { root: null, setup: [], setup_inputs: [], copy: [], clean: "untracked" },
  commit: {
    message: "task",
    template: "{title}",
    author: null,
    trailers: {},
    sign: "auto",
    hooks: "run",
  },
  save: { max_file_bytes: 10 * mebibyte, secrets: "refuse", allow: [] },
  resources: {},
  path: null,
  limits: {
    timeout_ms: timeoutMsDefault,
    grace_ms: 10 * secondMs,
    setup_timeout_ms: 30 * minuteMs,
    signing_timeout_ms: 30 * secondMs,
    hook_timeout_ms: 10 * minuteMs,
    verify_timeout_ms: 30 * minuteMs,
    heartbeat_ms: 5 * secondMs,
    stale_after_ms: 5 * minuteMs,
    adoption_grace_ms: 15 * minuteMs,
    prediction_ms: 30 * secondMs,
    output_bytes: gibibyte,
    min_free_disk_bytes: gibibyte,
    workspace_size_bytes: 50 * gibibyte,
    fairness_window_ms: 30 * secondMs,
    tasks_open: 200_000,
    chain: 16,
  },
  retention: {
    attempts: 1_000,
    age_ms: 30 * dayMs,
    landed_ms: 30 * dayMs,
    unlanded_ms: 180 * dayMs,
    saved: 10_000,
    unsaved_ms: 180 * dayMs,
  },
  maintenance: "auto",
  push: {
    remote: null,
    branch: null,
    quiet_ms: 2 * secondMs,
    every: 20,
    timeout_ms: 5 * minuteMs,
    hook: false,
  },
};
