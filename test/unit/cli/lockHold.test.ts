import { expect } from "chai";
import { failure, FailureError } from "../../../ipc/errors.ts";
import { takeLock } from "../../../cli/lockHold.ts";
import { until } from "../../helpers/until.ts";
import type { LockWish } from "../../../cli/lockHold.ts";
import type { Supervisor } from "../../../cli/session.ts";

type Called = { readonly method: string; readonly params: { readonly id?: string } };

/** A supervisor that answers `lock` as it is told, and wants to hear of a hold every 20 ms. */
function supervisor(lock: (nth: number) => Promise<unknown>) {
  const calls: Called[] = [];
  const answer = async (method: string, params: Called["params"]): Promise<unknown> => {
    calls.push({ method, params });
    const nth = calls.filter((one) => one.method === "lock").length;
    if (method === "lock") return await lock(nth);
    if (method === "keep") return { held: nth > 0, heartbeat_ms: 20 };
    return method === "locks" ? { locks: [] } : {};
  };
  // The calls that a lock makes, and no others.
  const client = { call: answer } as unknown as Supervisor;
  return { client, of: (method: string) => calls.filter((one) => one.method === method) };
}

const wish: LockWish = {
  claims: { writes: ["src/**"], reads: [], resources: {} },
  note: "make",
  wait: true,
  timeoutMs: null,
  onWaiting: () => {},
  onPlaceLost: () => {},
};

const granted = { hold: "lock:a", fence: 7, marker: "lock:a@r", heartbeat_ms: 20 };

describe("asking for a lock", () => {
  it("gives signs of life while it waits, as often as the supervisor wants them", async () => {
    const { client, of } = supervisor(() => new Promise(() => {}));
    const asked = takeLock(client, { ...wish, timeoutMs: 1_500 });
    await until(() => of("keep").length >= 5, { timeoutMs: 1_400 });
    const why = await asked.then(
      () => null,
      ({ failure: busy }: FailureError) => busy.code,
    );
    expect(why).to.equal("busy");
    expect(of("unlock")).to.have.length(1);
  });

  it("asks again, as another one behind all others, when it has lost its place", async () => {
    const { client, of } = supervisor(async (nth) => {
      if (nth < 3) throw new FailureError(failure("withdrawn", "lost its place"));
      return granted;
    });
    let lost = 0;
    const lock = await takeLock(client, { ...wish, onPlaceLost: () => (lost += 1) });
    expect(lost).to.equal(2);
    expect(new Set(of("lock").map(({ params }) => params.id)).size).to.equal(3);
    expect(lock.fence).to.equal(7);
    await lock.release();
  });

  it("does not ask again when it was refused", async () => {
    const { client, of } = supervisor(async () => {
      throw new FailureError(failure("refused", "broken"));
    });
    const why = await takeLock(client, wish).catch(
      ({ failure: given }: FailureError) => given.code,
    );
    expect(why).to.equal("refused");
    expect(of("lock")).to.have.length(1);
  });
});
