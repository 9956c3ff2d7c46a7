import { agesRow, looked, noted, readAges } from "./core/ages.ts";
import type { Ages, AgesRow, Look } from "./core/ages.ts";
import type { Log } from "./observe/log.ts";

export type AgingPorts = {
  readonly time: () => Look;
  /** Where ages are kept; rejects with what the disk says. */
  readonly ages: {
    readonly load: () => Promise<unknown>;
    readonly save: (row: AgesRow) => Promise<void>;
  };
  readonly log: Pick<Log, "warn">;
};

/** What an hour brings is not lost with the process: ages go on by the time since boot. */
const saveMs = 60 * 60 * 1000;

/** The ages of what is over (core/ages.ts), in memory and in their file. */
export class Aging {
  readonly #ports: AgingPorts;
  #ages: Ages | null = null;
  /** As it was saved last. */
  #saved: Ages | null = null;

  constructor(ports: AgingPorts) {
    this.#ports = ports;
  }

  /** `over`: the names of everything that is over now. */
  async note(over: Iterable<string>): Promise<Ages> {
    this.#ages ??= this.#saved = await this.#load();
    this.#ages = noted(looked(this.#ages, this.#ports.time()), over);
    return this.#ages;
  }

  /** Refs and folders have been collected just now. */
  async collected(ages: Ages): Promise<void> {
    this.#ages = { ...ages, collectedMs: ages.passedMs };
    await this.save(this.#ages);
  }

  async save(ages: Ages): Promise<void> {
    if (!isWorthSaving(this.#saved, ages)) return;
    try {
      await this.#ports.ages.save(agesRow(ages));
      this.#saved = ages;
    } catch (error) {
      this.#ports.log.warn("ages cannot be written down", { reason: String(error) });
    }
  }

  /** Without the record everything is as young as if it were over only now. */
  async #load(): Promise<Ages | null> {
    try {
      return readAges(await this.#ports.ages.load());
    } catch (error) {
      this.#ports.log.warn("ages cannot be read and begin anew", { reason: String(error) });
      return null;
    }
  }
}

function isWorthSaving(saved: Ages | null, { since, passedMs, collectedMs }: Ages): boolean {
  if (saved === null || passedMs - saved.passedMs >= saveMs) return true;
  if (collectedMs !== saved.collectedMs || since.size !== saved.since.size) return true;
  return [...since].some(([name, at]) => saved.since.get(name) !== at);
}
