import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { landedCommits, supervise } from "../helpers/supervised.ts";
import { makeRepository } from "../helpers/repository.ts";
import { until } from "../helpers/until.ts";
import type { GcView } from "../../ipc/gcView.ts";
import type { StatusView } from "../../ipc/statusViews.ts";
import type { TestRepository } from "../helpers/repository.ts";

/**
 * The wall clock of supervisor, workers and agents jumps, the monotonic one goes on: libfaketime,
 * which reads how far it is off from a file at each look.
 */
const libraries = [
  "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
  "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
  "/usr/lib64/faketime/libfaketimeMT.so.1",
];
const library = libraries.find((path) => existsSync(path));
const hourMs = 3_600_000;
const yearMs = 365 * 24 * hourMs;
const jumps = { "+1h": hourMs, "-1h": -hourMs, "+10y": 10 * yearMs, "-10y": -10 * yearMs, "+0": 0 };
const staleAfterMs = 2_000;

describe("a wall clock that jumps", function () {
  this.timeout(120_000);

  before(function () {
    if (library !== undefined) return;
    console.log("SKIPPED: clocks that jump: there is no libfaketime here (Debian: faketime)");
    this.skip();
  });

  it("makes no task hung or late, and leaves ages as they are", async () => {
    const real = await makeRepository({
      config: {
        max_parallel: 2,
        limits: { grace: "500ms", heartbeat: "200ms", stale_after: `${staleAfterMs}ms` },
      },
    });
    const offset = join(dirname(real.dir), "offset");
    writeFileSync(offset, "+0\n");
    await using supervised = await supervise(withClock(real, offset));
    const gate = join(dirname(real.dir), "gate");
    const script = `echo once >> ${gate}.started; while [ ! -e ${gate} ]; do sleep 0.05; done; date +%Y > year.txt`;
    const ids = await supervised.submit({ id: "long", run: { shell: script }, timeout: "5m" });
    const client = await supervised.client();
    const status = (): Promise<StatusView> =>
      client.call("status", { finished_max: 10, open_max: 10 });
    await until(() => existsSync(`${gate}.started`), { timeoutMs: 20_000 });
    for (const [jump, byMs] of Object.entries(jumps)) {
      writeFileSync(offset, `${jump}\n`);
      const passed = performance.now() + staleAfterMs + 500;
      await until(
        async () => {
          const { workers, counts } = await status();
          expect(counts.running, `running after ${jump}`).to.equal(1);
          for (const { worker, heartbeat_age_ms: age } of workers)
            expect(age ?? 0, `age of ${worker} after ${jump}`).to.be.within(0, staleAfterMs);
          return performance.now() > passed;
        },
        { timeoutMs: 10_000, what: `calm after ${jump}` },
      );
      const [quick] = await supervised.submit({ run: ["true"] });
      const [end] = await supervised.wait(quick === undefined ? [] : [quick]);
      expect(end, jump).to.include({ status: "succeeded", attempts: 1 });
      const submitted = (await status()).tasks.find(({ id }) => id === quick)?.submitted_at ?? 0;
      expect(submitted - Date.now(), "the clock did jump").to.be.closeTo(
        byMs,
        Math.max(hourMs / 2, Math.abs(byMs) / 100),
      );
    }
    writeFileSync(gate, "");
    const [end] = await supervised.wait(ids);
    expect(end).to.include({ status: "succeeded", attempts: 1 });
    expect(readFileSync(`${gate}.started`, "utf8")).to.equal("once\n");
    expect((await landedCommits(real)).get("long")).to.have.length(1);
  });

  it("ahead by ten years makes no work old, neither while a supervisor runs nor at its start", async () => {
    const real = await makeRepository();
    const offset = join(dirname(real.dir), "offset");
    writeFileSync(offset, "+0\n");
    await using supervised = await supervise(withClock(real, offset));
    const shell = "echo half > half.txt; exit 1";
    const [end] = await supervised.wait(await supervised.submit({ id: "fails", run: { shell } }));
    expect(end?.status).to.equal("failed");
    const ref = "refs/orchd/attempts/fails/1";
    for (const jump of ["+10y", "-10y", "+20y"]) {
      writeFileSync(offset, `${jump}\n`);
      for (const restarts of [false, true]) {
        if (restarts) expect((await supervised.orchd("restart")).code).to.equal(0);
        const { stdout } = await supervised.orchd("gc", "--json");
        expect((JSON.parse(stdout) as GcView).refs, `${jump}, restart: ${restarts}`).to.deep.equal(
          [],
        );
      }
    }
    expect(await real.git("show", `${ref}:half.txt`)).to.equal("half");
  });

  it("back by ten years does not make a time limit longer", async () => {
    const real = await makeRepository({ config: { max_parallel: 1, limits: { grace: "500ms" } } });
    const offset = join(dirname(real.dir), "offset");
    writeFileSync(offset, "+0\n");
    await using supervised = await supervise(withClock(real, offset));
    const started = join(dirname(real.dir), "started");
    const ids = await supervised.submit({
      id: "late",
      run: { shell: `touch ${started}; exec sleep 60` },
      timeout: "3s",
    });
    await until(() => existsSync(started), { timeoutMs: 20_000 });
    const before = performance.now();
    writeFileSync(offset, "-10y\n");
    const [end] = await supervised.wait(ids);
    expect(performance.now() - before).to.be.lessThan(20_000);
    expect(end?.reason).to.deep.include({ kind: "attempt" });
    expect(JSON.stringify(end?.reason)).to.contain("timeout");
  });
});

function withClock(repository: TestRepository, offset: string): TestRepository {
  const env = {
    ...repository.env,
    LD_PRELOAD: library ?? "",
    FAKETIME_TIMESTAMP_FILE: offset,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
  return { ...repository, env };
}
