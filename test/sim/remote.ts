import { isAncestor } from "./git.ts";
import { must } from "./violation.ts";
import { never } from "./timeline.ts";
import { Random } from "./random.ts";
import type { Machine } from "./machine.ts";
import type { Port } from "./port.ts";
import type { PushEffect } from "../../daemon/core/effects.ts";
import type { PushResult } from "../../daemon/push/push.ts";

/**
 * The twin of daemon/push: somebody else's server, where nobody but orchd pushes. It is slow, away, or
 * takes what it is sent and never says so, also after its supervisor has died. Chance of its own, so
 * that seeds without a remote draw what they drew.
 */
export class SimRemote {
  readonly #machine: Machine;
  readonly #random: Random;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#random = new Random(machine.scenario.seed ^ 0x5e_4d_e5);
  }

  get fraction(): number {
    return this.#random.fraction();
  }

  async push({ to, accepted }: PushEffect, port: Port): Promise<PushResult> {
    const { timeline, storming } = this.#machine;
    const random = this.#random;
    if (!port.pass("push begins")) return await never();
    await timeline.elapse(random.logarithmic(10, storming ? 30_000 : 1_000));
    if (!port.alive) {
      if (random.chance(0.5)) this.#receive(to, accepted);
      return await never();
    }
    if (storming && random.chance(0.3))
      return { kind: "failed", message: "the network is unreachable" };
    const result = this.#receive(to, accepted);
    if (storming && random.chance(0.2)) return { kind: "failed", message: "no answer within 5 s" };
    return port.pass("push answered") ? result : await never();
  }

  /** The rules of daemon/push/push.ts. */
  #receive(oid: PushEffect["to"], accepted: PushEffect["accepted"]): PushResult {
    const { repository } = this.#machine;
    const to = repository.objects.get(oid);
    const { remote } = repository;
    if (accepted !== null)
      must(
        repository.remoteForced ||
          (remote !== null && isAncestor(repository.objects.get(accepted), remote)),
        "S5",
        () => `the remote is said to have had ${accepted}, and is at ${remote?.oid}`,
      );
    if (remote !== null && !isAncestor(remote, to)) return { kind: "held", message: "a rewind" };
    repository.remote = to;
    return { kind: "pushed" };
  }
}
