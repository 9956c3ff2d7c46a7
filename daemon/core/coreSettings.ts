import type { Argv } from "../../ipc/taskSpec.ts";

/** The part of the configuration that decisions depend on. */
export type CoreSettings = {
  readonly slots: number;
  readonly follow: "auto" | "manual" | "off";
  readonly target: string;
  readonly verify: readonly Argv[];
  readonly verifyTimeoutMs: number;
  /**
   * A digest of what checks run in: their `PATH`, and how workspaces are made. What was green or red in
   * other surroundings is not known any more. Absent in older journals.
   */
  readonly ground?: string;
  /** `each`: every commit is tested; `chain`: only the last of those that land together. */
  readonly gate: "chain" | "each";
  /** Tasks that land together, at most. */
  readonly chainMax: number;
  /** Files that are made anew, not merged as text. Absent in older journals: none. */
  readonly generated?: readonly GeneratedRule[];
  readonly outsideClaims: "extend" | "fail" | "allow";
  readonly resources: Readonly<Record<string, number>>;
  readonly fairnessWindowMs: number;
  readonly tasksOpenMax: number;
  /** `null`, and absent in older journals: nothing is pushed. */
  readonly push?: PushPlace | null;
};

/** Where what landed is pushed to: a remote of the person's, by its name, and a branch there, short. */
export type PushPlace = { readonly remote: string; readonly branch: string };

export type GeneratedRule = {
  readonly paths: readonly string[];
  readonly run: Argv;
  readonly timeoutMs: number;
};
