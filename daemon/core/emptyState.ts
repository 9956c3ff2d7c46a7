import { LandingLine } from "./landingLine.ts";
import { FinalIndex } from "./finalIndex.ts";
import { makeSchedule } from "./scheduleIndex.ts";
import type { State } from "./state.ts";

export function emptyState(): State {
  return {
    seq: 0,
    epoch: 0,
    settings: {
      slots: 0,
      follow: "off",
      target: "",
      verify: [],
      verifyTimeoutMs: 0,
      gate: "chain",
      chainMax: 1,
      outsideClaims: "extend",
      resources: {},
      fairnessWindowMs: 0,
      tasksOpenMax: 0,
    },
    paused: false,
    pausedLabels: new Set(),
    tasks: new Map(),
    finals: new FinalIndex(),
    counts: { queued: 0, running: 0, landing: 0, succeeded: 0, failed: 0, cancelled: 0 },
    workers: new Map(),
    landing: {
      tip: null,
      redBase: null,
      followed: null,
      followProblem: null,
      held: null,
      chain: [],
      current: null,
      aside: new Set(),
      window: null,
      waiting: new LandingLine(),
      green: new Set(),
      red: new Map(),
      generated: new Map(),
    },
    push: null,
    rankClock: { shows: 0, sawAt: null },
    holds: new Map(),
    schedule: makeSchedule(),
  };
}
