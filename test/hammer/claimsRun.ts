import { setTimeout as pause } from "node:timers/promises";
import { runOrchd, supervisorPid } from "../helpers/supervised.ts";
import { isGone } from "../helpers/processes.ts";
import { until } from "../helpers/until.ts";
import { nowMs } from "./barrier.ts";
import { FencedResource } from "./fencedResource.ts";
import { Insiders } from "./insiders.ts";
import { startClaimant } from "./lane.ts";
import { judgeHits } from "./latencies.ts";
import type { Claimant } from "./lane.ts";
import type { ClaimantSaid } from "./claimant.ts";
import type { Fault } from "./faults.ts";
import type { Hit, HitLimits, Outage } from "./latencies.ts";
import type { Observer } from "./observer.ts";
import type { Random } from "../sim/random.ts";
import type { TestRepository } from "../helpers/repository.ts";

/** One run of the hammer of claims: its clients, what they say, and what is done to them. */
export type ClaimsRunOptions = {
  readonly repository: TestRepository;
  readonly random: Random;
  /** By number of the grant, from 1. */
  readonly plan: ReadonlyMap<number, Fault>;
  readonly limits: HitLimits;
  readonly lanes: number;
};

type Said = Exclude<ClaimantSaid, { readonly ready: true }>;
type Accessed = Extract<Said, { op: "begin" | "touch" | "end" }>;

const headStartMs = 5;

export class ClaimsRun {
  readonly resource = new FencedResource();
  readonly violations: string[] = [];
  readonly #options: ClaimsRunOptions;
  readonly #insiders = new Insiders();
  readonly #hits: Hit[] = [];
  readonly #outages: Outage[] = [];
  readonly #crashes: Promise<void>[] = [];
  readonly #began = Promise.withResolvers<number>();
  #notReady: number;
  #grants = 0;
  #met = 0;
  #busy = 0;

  constructor(options: ClaimsRunOptions) {
    this.#options = options;
    this.#notReady = options.lanes;
  }

  /** When all clients were connected and were let go. */
  get began(): Promise<number> {
    return this.#began.promise;
  }

  get grants(): number {
    return this.#grants;
  }

  /** So many claims one after the other, by as many processes as it takes. */
  async lane(claims: number): Promise<void> {
    const { repository, random } = this.#options;
    for (let left = claims, life = 0; left > 0; life += 1) {
      const args = [repository.dir, `${random.int(0, 2 ** 31 - 1)}`, `${left}`];
      const claimant = startClaimant(args, repository.env);
      let end: "unknown" | "hit" | "done" = "unknown";
      for await (const said of claimant.lines) {
        if ("ready" in said) await this.#release(claimant, life === 0);
        else {
          if (said.op === "begin" || said.op === "busy") left -= 1;
          if (said.op === "done") end = "done";
          else if (this.#hear(claimant, said)) end = "hit";
          if (said.op === "done") claimant.answer("ok");
        }
      }
      await claimant.gone;
      if (end === "done") return;
      if (end === "unknown")
        this.violations.push(`process ${claimant.pid} ended, and nobody had hung or killed it`);
    }
  }

  /** When those who were hit lost what they held. */
  async latencies(observer: Observer): Promise<Record<string, number>> {
    const { limits } = this.#options;
    const judged = await judgeHits(this.#hits, this.#outages, observer, limits);
    this.violations.push(...judged.violations);
    return judged.figures;
  }

  figures(): Record<string, number> {
    return {
      grants: this.#grants,
      busy: this.#busy,
      met: this.#met,
      accesses: this.resource.accesses,
      refused: this.resource.refused,
      crashes: this.#outages.length,
    };
  }

  /** No supervisor is being started any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#crashes);
  }

  async #release(claimant: Claimant, isFirst: boolean): Promise<void> {
    if (isFirst) this.#notReady -= 1;
    if (this.#notReady === 0) this.#began.resolve(nowMs() + headStartMs);
    claimant.answer(`claim ${await this.#began.promise}`);
  }

  /** True: the process was killed, or may be before it ends by itself. */
  #hear(claimant: Claimant, said: Said): boolean {
    switch (said.op) {
      case "begin":
        return this.#begin(claimant, said);
      case "touch":
        return this.#access(claimant, said);
      case "end":
        this.#insiders.leave(said.hold);
        return this.#access(claimant, said);
      case "busy":
        this.#busy += 1;
        break;
      case "lost":
        this.violations.push(`${said.hold} was lost, though its process lives`);
        break;
      case "failed":
        this.violations.push(said.message);
        break;
      case "done":
        return false;
    }
    claimant.answer("ok");
    return false;
  }

  #begin(claimant: Claimant, said: Accessed): boolean {
    const { hold, writes, reads, askedAt } = said;
    this.#grants += 1;
    const { beside, met } = this.#insiders.enter(
      hold,
      { pid: claimant.pid, writes, reads },
      askedAt,
    );
    if (met) this.#met += 1;
    this.violations.push(...beside.map((other) => `${other} still lives beside ${hold}`));
    const fault = this.#options.plan.get(this.#grants);
    if (fault !== undefined) {
      this.#hits.push({ fault, hold, at: nowMs() });
      this.#inflict(claimant, fault);
    }
    this.#access(claimant, said);
    return fault === "kill" || fault === "hang" || fault === "wake";
  }

  #access(claimant: Claimant, { op, hold, fence, writes, reads }: Accessed): false {
    const accepted = this.resource.access({ op, fence, writes, reads });
    if (!accepted) this.violations.push(`${op} with fence ${fence} of ${hold} was refused`);
    claimant.answer(accepted ? "ok" : "refused");
    return false;
  }

  #inflict(claimant: Claimant, fault: Fault): void {
    const { random, limits } = this.#options;
    const { staleAfterMs } = limits;
    switch (fault) {
      case "kill":
        return claimant.signal("SIGKILL");
      case "hang":
        return claimant.signal("SIGSTOP");
      case "wake":
        claimant.signal("SIGSTOP");
        return wake(claimant, random.int(staleAfterMs - 300, staleAfterMs + 700));
      case "nap":
        claimant.signal("SIGSTOP");
        return wake(claimant, random.int(10, staleAfterMs / 4));
      case "crash":
        this.#crashes.push(this.#crash());
    }
  }

  async #crash(): Promise<void> {
    await this.#crashes.at(-1);
    const { repository } = this.#options;
    const from = nowMs();
    const pid = supervisorPid(repository);
    process.kill(pid, "SIGKILL");
    await until(() => isGone(pid), { what: `supervisor ${pid} to be gone` });
    const { code, stderr } = await runOrchd(repository, ["start"]);
    if (code !== 0) this.violations.push(`orchd start: ${stderr}`);
    this.#outages.push({ from, to: nowMs() });
  }
}

function wake(claimant: Claimant, afterMs: number): void {
  void pause(afterMs).then(() => claimant.signal("SIGCONT"));
}
