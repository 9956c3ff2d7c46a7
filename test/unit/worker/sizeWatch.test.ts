import { expect } from "chai";
import { outgrown } from "../../../worker/attempt/sizeWatch.ts";
import { manualClock } from "../../helpers/manualClock.ts";

/** A disk with one workspace on it; adding its files up takes `costMs`. */
class Disk {
  readonly clock = manualClock();
  free = 1_000;
  size = 10;
  costMs = 0;
  looks: number[] = [];
  readonly #over = new AbortController();
  ended: number | null | undefined = undefined;

  watch(bytesMax: number): void {
    const ports = {
      clock: this.clock,
      free: () => this.free,
      measure: async () => {
        this.looks.push(this.clock.monotonicMs());
        this.clock.standStill(this.costMs);
        return this.size;
      },
    };
    void outgrown(bytesMax, ports, this.#over.signal).then((end) => {
      this.ended = end;
    });
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      await settled();
      this.clock.advance(Math.min(500, left));
    }
    await settled();
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await settled();
  }
}

/** What is ready to go on has gone on. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe("watching how large a workspace gets", () => {
  it("adds up once the disk has lost as much as would be too much, and not before", async () => {
    const disk = new Disk();
    disk.watch(100);
    disk.free -= 100;
    await disk.pass(3_000);
    expect(disk.looks).to.deep.equal([]);
    disk.free -= 1;
    disk.size = 111;
    await disk.pass(2_000);
    expect(disk.ended).to.equal(111);
    expect(disk.looks).to.have.length(1);
    expect(disk.clock.pending()).to.equal(0);
  });

  it("sees growth that others hide by making room, at the latest after a minute", async () => {
    const disk = new Disk();
    disk.watch(100);
    await disk.pass(200_000);
    disk.size = 101;
    await disk.pass(61_000);
    expect(disk.ended).to.equal(101);
  });

  it("adds up less and less often while nothing happens", async () => {
    const disk = new Disk();
    disk.watch(100);
    await disk.pass(300_000);
    const seconds = disk.looks.map((ms) => ms / 1_000);
    expect(seconds).to.deep.equal([5, 10, 20, 40, 80, 140, 200, 260]);
    await disk.stop();
    expect([disk.ended, disk.clock.pending()]).to.deep.equal([null, 0]);
  });

  it("rests twenty times as long as adding up took, however much the disk loses to others", async () => {
    const disk = new Disk();
    disk.costMs = 1_000;
    disk.watch(100);
    for (let at = 0; at < 60; at += 1) {
      disk.free -= 200;
      await disk.pass(1_000);
    }
    const between = disk.looks.slice(1).map((ms, at) => ms - (disk.looks[at] ?? 0));
    expect(Math.min(...between)).to.be.at.least(20_000);
    await disk.stop();
  });

  it("is over when nobody wants to know any more", async () => {
    const disk = new Disk();
    disk.watch(100);
    await disk.pass(1_500);
    await disk.stop();
    expect([disk.ended, disk.clock.pending()]).to.deep.equal([null, 0]);
  });
});
