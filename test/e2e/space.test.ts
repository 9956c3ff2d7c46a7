import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { makeSupervised } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";

/** More than any disk has. */
const limits = { min_free_disk: "4000000GiB" };

describe("a supervisor whose disks have less than limits.min_free_disk", () => {
  it("starts nothing, says why with numbers everywhere, and goes on by itself", async () => {
    await using one = await makeSupervised({ config: { max_parallel: 1, limits } });
    const { dir } = one.repository;
    const [id = ""] = await one.submit({ id: "wants", run: { shell: "echo x > x.txt" } });
    const short = /\S+ \wiB free in \/.+, less than limits.min_free_disk \(3906 TiB\)/;
    const status = await one.orchd("status");
    expect(status.stdout).to.match(new RegExp(`nothing starts: ${short.source}`));
    expect((await one.orchd("show", id)).stdout).to.match(short);
    const client = await one.client();
    const { queue, daemon } = await client.call("status", { finished_max: 0, open_max: 0 });
    expect(queue.waiting_on.disk).to.equal(1);
    expect(daemon.space).to.include({ needed_bytes: 4_000_000 * 1024 ** 3 });
    expect((await client.slots()).closed_because[0]).to.include({ because: "disk" });
    const doctor = await one.orchd("doctor");
    expect(doctor.stdout).to.contain("less than limits.min_free_disk (3906 TiB)");
    const log = () => readFileSync(join(dir, ".aibrain/logs/orchd.log"), "utf8");
    await until(() => log().includes("nothing starts: a disk has too little space"));
    writeFileSync(join(dir, "orchd.yaml"), "max_parallel: 1\n");
    await client.call("reload", {});
    const [end] = await one.wait([id as never]);
    expect(end?.status).to.equal("succeeded");
    expect(log()).to.contain("there is enough space on the disk again");
  });
});
