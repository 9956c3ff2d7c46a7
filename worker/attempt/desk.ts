import type { WorkerId } from "../../ipc/ids.ts";
import type {
  AttemptFailure,
  AttemptKey,
  Outcome,
  Saved,
  WorkerSettings,
} from "../../ipc/workerMessages.ts";
import type { Log } from "../log.ts";
import type { Base, Place, Repository } from "../workspace/place.ts";
import type { AttemptLog } from "./attemptLog.ts";
import type { LiveLooks } from "./live.ts";
import type { Output } from "./output.ts";
import type { Room } from "./program.ts";

/** What every attempt of one worker shares. */
export type Desk = {
  readonly worker: WorkerId;
  /** `.aibrain/<worker>`, absolute. */
  readonly stateFolder: string;
  readonly settings: WorkerSettings;
  /** Looked for once for each settings: they name the same folders as long as they last. */
  readonly place: () => Promise<Place>;
  readonly attempts: AttemptLog;
  readonly log: Log;
};

/**
 * Where an attempt is. Every stage may lead to the end, and only forward:
 *
 *     workspace ──► setup ──► running ──► ending ──► saving ──► hooks
 *
 * `note`: what it waits for, in words.
 */
export type AttemptState =
  | { readonly stage: "workspace"; readonly note?: string }
  | { readonly stage: "setup"; readonly output: Output }
  | { readonly stage: "running"; readonly output: Output; readonly live?: LiveLooks }
  | { readonly stage: "ending"; readonly output: Output }
  | { readonly stage: "saving"; readonly outputBytes: number; readonly note?: string }
  | { readonly stage: "hooks"; readonly output: Output };

/** The link between an attempt that runs and whoever watches it. */
export type Course = {
  readonly key: AttemptKey;
  /** Aborted when the attempt shall end: cancelled, or the worker stops. */
  readonly signal: AbortSignal;
  readonly enter: (state: AttemptState) => void;
};

/** A workspace that is ready to be worked in. */
export type Ground = {
  readonly place: Place;
  readonly repository: Repository;
  readonly base: Base;
};

/** A step that either gave something or settled the outcome of the attempt. */
export type Step<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly outcome: Outcome };

export const waitsForSpace = "waits for space on the disk";

export function failed(failure: AttemptFailure, saved: Saved | null = null): Outcome {
  return { result: "failed", failure, saved };
}

/** What a workspace may take on disk. */
export function roomIn({ settings }: Desk, place: Place): Room {
  return { place, bytesMax: settings.config.limits.workspace_size_bytes };
}

/** Unique among everything on this machine: another repository may have a task of the same name. */
export function markerOf(key: AttemptKey, place: Place): string {
  return `${key.task}.${key.attempt}@${place.repositoryId()}`;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
