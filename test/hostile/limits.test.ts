import { expect } from "chai";
import { execa } from "execa";
import { connect } from "node:net";
import { join } from "node:path";
import {
  entry,
  landedCommits,
  makeSupervised,
  runOrchd,
  supervise,
  supervisorPid,
} from "../helpers/supervised.ts";
import { makeRepository } from "../helpers/repository.ts";
import { until } from "../helpers/until.ts";
import type { Ran } from "../helpers/commandLine.ts";
import type { Socket } from "node:net";
import type { TestRepository } from "../helpers/repository.ts";

/** Too few open files for a supervisor, and a supervisor whose connections take all there are. */
describe("a limit of open files", function () {
  this.timeout(120_000);

  for (const limit of [30, 60, 255])
    it(`of ${limit} is too low for a supervisor: it is refused, and nothing is lost`, async () => {
      await using supervised = await makeSupervised({ config: { max_parallel: 1 } });
      const ids = await supervised.submit(writes("before"));
      await supervised.wait(ids);
      await supervised.orchd("stop");
      const started = await limited(supervised.repository, limit, ["start"]);
      expect(started.code, started.stderr).to.equal(5);
      expect(started.stderr).to.contain(`Too few open files are allowed: ${limit}`);
      expect((await supervised.orchd("start")).code).to.equal(0);
      expect((await supervised.wait(ids))[0]?.status).to.equal("succeeded");
    });

  it("that connections use up keeps some for work: the others are told, tasks land, and nothing is lost", async () => {
    const repository = await makeRepository({ config: { max_parallel: 2 } });
    await using supervised = await supervise(repository);
    await supervised.orchd("stop");
    const started = await limited(repository, 300, ["start"]);
    expect(started.code, started.stderr).to.equal(0);
    const before = await supervised.submit(writes("first"));
    const sockets = await idleConnections(join(repository.dir, ".aibrain/orchd.sock"), 200);
    try {
      const refused = await supervised.orchd("status");

      expect(refused.code).to.equal(5);
      expect(refused.stderr).to.contain("connections are open already");
      const ids = [...before, ...(await supervised.submit(writes("a"), writes("b")))];
      const ends = await supervised.wait(ids);
      expect(ends.map(({ status }) => status)).to.deep.equal(ids.map(() => "succeeded"));
      const landed = await landedCommits(repository);
      for (const id of ids) expect(landed.get(id), id).to.have.length(1);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
    await until(async () => (await runOrchd(repository, ["status"])).code === 0, {
      timeoutMs: 10_000,
    });
    expect(supervisorPid(repository)).to.be.greaterThan(0);
  });
});

function writes(id: string): object {
  return { id, run: { shell: `mkdir -p out; echo ${id} > out/${id}.txt` } };
}

/** Strangers that say hello and nothing more; the supervisor closes some of them at once. */
async function idleConnections(path: string, count: number): Promise<Socket[]> {
  const { encodeFrame } = await import("../../ipc/frames.ts");
  const { protocolVersion } = await import("../../ipc/protocol.ts");
  const hello = { role: "client", protocol: protocolVersion, version: "0.0.0" };
  const sockets: Socket[] = [];
  for (let at = 0; at < count; at += 1) {
    const socket = connect(path);
    sockets.push(socket.on("error", () => {}));
    socket.write(encodeFrame([0, 1, "hello", hello]));
    await new Promise((heard) => socket.once("data", heard).once("close", heard));
  }
  return sockets;
}

async function limited(
  repository: TestRepository,
  files: number,
  args: readonly string[],
): Promise<Ran> {
  const command = ["-c", `ulimit -n ${files}; exec "$@"`, "sh", process.execPath, entry, ...args];
  const result = await execa("sh", command, {
    cwd: repository.dir,
    env: repository.env,
    extendEnv: false,
    reject: false,
    stdin: "ignore",
  });
  return { code: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}
