import type { Log } from "./log.ts";

/** For what is tried again every few seconds, perhaps for hours: only a new reason is worth a line. */
export class WarnOnce {
  readonly #log: Pick<Log, "warn">;
  readonly #what: string;
  #logged: string | null = null;

  constructor(log: Pick<Log, "warn">, what: string) {
    this.#log = log;
    this.#what = what;
  }

  about(reason: string): void {
    if (this.#logged === reason) return;
    this.#logged = reason;
    this.#log.warn(this.#what, { reason });
  }

  /** It works again. */
  clear(): void {
    this.#logged = null;
  }
}
