import { drawSomeClaims } from "./plan.ts";
import { holdsClaims } from "../../daemon/core/state.ts";
import { must } from "./violation.ts";
import { Random } from "./random.ts";
import type { ClaimSet } from "../../ipc/taskSpec.ts";
import type { Clients } from "./clients.ts";
import type { Hold } from "../../daemon/core/state.ts";
import type { HoldEnd, HoldOwner } from "../../ipc/hold.ts";
import type { HolderId, HoldId } from "../../ipc/ids.ts";
import type { Machine } from "./machine.ts";

/**
 * Who else than tasks holds claims: processes that ask for a lock (`orchd lock`) and give it back, or
 * end without, and files that somebody puts into the folder of foreign claims. They outlive any
 * supervisor; each one learns of them anew (daemon/holds.ts, of which this is the twin).
 */
type Owner = { alive: boolean };

const pollMs = 300;

export class Holders {
  readonly #machine: Machine;
  /** Of its own, so that what older seeds drew stays. */
  readonly #random: Random;
  readonly #owners = new Map<HoldId, Owner>();
  readonly #files = new Map<HoldId, ClaimSet>();
  #named = 0;
  /** Locks and files that have not come to their end. */
  open = 0;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#random = new Random(machine.scenario.seed ^ 0x01_0c_c5);
  }

  /** Spreads over the storm who will hold what. */
  begin(clients: Clients): void {
    const { scenario, timeline } = this.#machine;
    const { locks, files, breaks } = scenario.holds;
    const spread = (count: number, what: () => void): void => {
      for (let at = 0; at < count; at += 1)
        timeline.after(this.#random.int(0, scenario.stormMs), what);
    };
    spread(locks, () => this.#lock(clients));
    spread(files, () => this.#putFile());
    spread(breaks, () => this.#breakSomething(clients));
  }

  /** A supervisor begins: it looks at the owners and files of what it knows, and at the files there are. */
  take(known: readonly Hold[]): void {
    for (const { id, kind } of known) {
      if (kind === "lock" && this.#owners.get(id)?.alive !== true) this.#end(id, "owner_gone");
      if (kind === "foreign" && !this.#files.has(id)) this.#end(id, "withdrawn");
    }
    for (const id of this.#files.keys()) this.#notice(id);
  }

  /** A person broke it: the process is ended, the file removed. */
  broken({ id, kind }: Hold): void {
    const owner = this.#owners.get(id);
    this.#machine.timeline.after(this.#random.int(0, 3_000), () => {
      if (owner !== undefined) owner.alive = false;
      this.#files.delete(id);
      this.#end(id, kind === "lock" ? "owner_gone" : "withdrawn");
    });
  }

  /** Asks for claims, waits for them or not, works, and gives them back; or ends at any time. */
  #lock(clients: Clients): void {
    const id = `lock:${this.#name()}` as HoldId;
    const owner = { alive: true };
    this.#owners.set(id, owner);
    this.open += 1;
    const claims = drawSomeClaims(this.#machine, this.#random);
    const request = { id, claims, owner: processOf(this.#named), note: id };
    const wait = this.#random.chance(0.8);
    clients.ask(
      () => ({ type: "lock", request, wait }),
      (decision) => {
        must(decision.ok || !wait, "S1", () => `${id} is refused: ${JSON.stringify(decision)}`);
        if (decision.ok && owner.alive) this.#work(clients, id, owner);
        else this.open -= 1;
      },
    );
  }

  #work(clients: Clients, id: HoldId, owner: Owner): void {
    const { timeline } = this.#machine;
    const end = this.#random.pick(["release", "release", "release", "withdraw", "die"]);
    const done = (): void => void (this.open -= 1);
    timeline.after(this.#random.logarithmic(50, 20_000), () => {
      if (end === "die") {
        owner.alive = false;
        this.#end(id, "owner_gone");
        return done();
      }
      if (end === "release") return this.#releaseWhenHeld(clients, id, owner, done);
      return clients.ask(() => ({ type: "unlock", hold: id, because: "withdrawn" }), done);
    });
  }

  /** Whatever it waits for, it is granted in the end. */
  #releaseWhenHeld(clients: Clients, id: HoldId, owner: Owner, done: () => void): void {
    const one = this.#machine.checker.shadow.holds.get(id);
    if (one === undefined || !owner.alive) return done();
    if (one.granted !== null)
      return clients.ask(() => ({ type: "unlock", hold: id, because: "released" }), done);
    this.#machine.timeline.after(pollMs, () => this.#releaseWhenHeld(clients, id, owner, done));
  }

  #putFile(): void {
    const id = `foreign:${this.#name()}` as HoldId;
    const { timeline } = this.#machine;
    const write = (): void => {
      this.#files.set(id, drawSomeClaims(this.#machine, this.#random));
      this.#notice(id);
    };
    this.open += 1;
    write();
    const ms = this.#random.logarithmic(50, 20_000);
    if (this.#random.chance(0.2))
      timeline.after(ms * 0.5, () => {
        if (this.#files.has(id)) write();
      });
    timeline.after(ms, () => {
      this.#files.delete(id);
      this.#end(id, "withdrawn");
      this.open -= 1;
    });
  }

  #breakSomething(clients: Clients): void {
    const { holds, tasks } = this.#machine.checker.shadow;
    const holding = [...tasks.values()].filter(({ life }) => holdsClaims(life));
    const known: HolderId[] = [...holds.keys(), ...holding.map(({ id }) => id)];
    if (known.length === 0) return;
    const holders = this.#random.some(known, this.#random.int(1, 2));
    clients.ask(
      () => ({ type: "breakLocks", holders }),
      () => {},
    );
  }

  #notice(hold: HoldId): void {
    const claims = this.#files.get(hold);
    if (claims === undefined) return;
    this.#machine.supervisor?.tell({
      type: "foreignClaim",
      hold,
      claims,
      owner: null,
      note: hold,
    });
  }

  #end(hold: HoldId, because: HoldEnd): void {
    this.#machine.supervisor?.tell({ type: "unlock", hold, because });
  }

  #name(): string {
    this.#named += 1;
    return `h${this.#named}`;
  }
}

function processOf(pid: number): HoldOwner {
  return { pid, startTime: pid, bootId: "boot", pidNamespace: "1", host: "here" };
}
