import type { AttemptKey, Report } from "../ipc/workerMessages.ts";

type Waiting = { readonly report: Report; readonly onDisk: boolean };

/** Reports that the supervisor has not acknowledged yet, oldest first; they are sent again at each connection. */
export class Reports {
  readonly #waiting = new Map<string, Waiting>();

  get size(): number {
    return this.#waiting.size;
  }

  /** `onDisk`: there is an outcome.json that must be marked when the report is acknowledged. */
  add(report: Report, onDisk: boolean): void {
    this.#waiting.set(nameOf(report), { report, onDisk });
  }

  get(key: AttemptKey): Report | null {
    return this.#waiting.get(nameOf(key))?.report ?? null;
  }

  all(): readonly Report[] {
    return [...this.#waiting.values()].map(({ report }) => report);
  }

  /** `null`: it was not waiting, since an acknowledgement may come twice. */
  forget(key: AttemptKey): Waiting | null {
    const waiting = this.#waiting.get(nameOf(key)) ?? null;
    this.#waiting.delete(nameOf(key));
    return waiting;
  }
}

export function nameOf({ task, attempt, fence }: AttemptKey): string {
  return `${task}.${attempt} ${fence}`;
}

export function keyOf({ task, attempt, fence }: AttemptKey): AttemptKey {
  return { task, attempt, fence };
}
