import { join } from "node:path";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { expect } from "chai";
import { execa } from "execa";
import { connect } from "../../ipc/client.ts";
import { entry } from "../helpers/supervised.ts";
import { makeRepository } from "../helpers/repository.ts";
import { receiveAt } from "../helpers/notifyReceiver.ts";
import { until } from "../helpers/until.ts";

describe("a supervisor in the foreground", () => {
  it("tells the service manager when it is ready, that it lives, reloads and stops", async function () {
    this.timeout(40_000);
    await using repository = await makeRepository({ config: { max_parallel: 1 } });
    const socket = join(repository.dir, "..", "notify.sock");
    await using receiver = await receiveAt(socket);
    const child = execa(process.execPath, [entry, "start", "--foreground"], {
      cwd: repository.dir,
      env: { ...repository.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: "400000" },
      extendEnv: false,
      reject: false,
      stdin: "ignore",
    });
    const exited = once(child.nodeChildProcess, "exit");
    const said = () => receiver.received.flatMap(({ lines }) => lines);
    const count = (line: string) => said().filter((one) => one === line).length;
    await until(() => count("READY=1") === 1, { timeoutMs: 20_000, what: "READY=1" });
    await until(() => count("WATCHDOG=1") >= 2, { what: "two signs of life" });
    expect(new Set(receiver.received.map(({ pid }) => pid))).to.deep.equal(new Set([child.pid]));

    await writeFile(join(repository.dir, "orchd.yaml"), "max_parallel: 2\n");
    child.kill("SIGHUP");
    await until(() => count("READY=1") === 2, { what: "ready again after a reload" });
    expect(said()).to.include("RELOADING=1");
    {
      await using client = await connect({ repo: repository.dir });
      expect((await client.call("config", {})).config.max_parallel).to.equal(2);
      await until(async () => (await client.call("workers", {})).workers.length === 2, {
        what: "a second worker",
      });
    }

    await writeFile(join(repository.dir, "orchd.yaml"), "max_parallel: many\n");
    child.kill("SIGHUP");
    await until(() => count("READY=1") === 3, { what: "ready although the file is invalid" });
    {
      await using client = await connect({ repo: repository.dir });
      expect((await client.call("config", {})).config.max_parallel).to.equal(2);
    }

    child.kill("SIGTERM");
    const [code] = (await exited) as [number | null];
    expect(code).to.equal(0);
    expect(said()).to.include("STOPPING=1");
  });
});
