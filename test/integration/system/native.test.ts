import { expect } from "chai";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, connect } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { peerCredentials } from "../../../system/native.ts";

const native = JSON.stringify(new URL("../../../system/native.ts", import.meta.url).href);

/** In a process of its own: adopting orphans cannot be tried on the one that runs the tests. */
async function runAlone(script: string, env: Record<string, string> = {}): Promise<unknown> {
  const child = spawn(
    process.execPath,
    ["--input-type=module", "-e", `import * as native from ${native};\n${script}`],
    { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] },
  );
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(child, "close");
  return JSON.parse(Buffer.concat(chunks).toString());
}

const until = JSON.stringify(new URL("../../helpers/until.ts", import.meta.url).href);

/** The orphan lives until its standard input ends. */
const orphanAndReap = `
  import { spawn } from "node:child_process";
  import { once } from "node:events";
  import { readFileSync } from "node:fs";
  import { until } from ${until};
  const adopts = native.becomeSubreaper();
  const parent = spawn("sh", ["-c", "exec 3<&0; cat <&3 >/dev/null 2>&1 & echo $!"], { stdio: ["pipe", "pipe", "inherit"] });
  const [[said]] = await Promise.all([once(parent.stdout, "data"), once(parent, "exit")]);
  const pid = Number(said);
  const stat = () => { try { return readFileSync("/proc/" + pid + "/stat", "latin1"); } catch { return "gone"; } };
  const isMine = stat().split(") ")[1]?.split(" ")[1] === String(process.pid);
  parent.stdin.end();
  const reaped = adopts ? await until(() => native.reapZombies([pid])) : native.reapZombies([pid]);
  console.log(JSON.stringify({ adopts, isMine, reaped, after: adopts ? stat() : "gone" }));`;

describe("the calls that need koffi", () => {
  it("adopt an orphan and reap it", async () => {
    expect(await runAlone(orphanAndReap)).to.deep.equal({
      adopts: true,
      isMine: true,
      reaped: 1,
      after: "gone",
    });
  });

  it("say that they are not available without it", async () => {
    const result = await runAlone(orphanAndReap, { ORCHD_NO_NATIVE: "1" });
    expect(result).to.deep.include({ adopts: false, isMine: false, reaped: 0 });
  });

  it("tell who is at the other end of a socket, and nothing of a file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "peer-"));
    const server = createServer().listen(join(folder, "s"));
    await once(server, "listening");
    const client = connect(join(folder, "s"));
    const [socket] = (await once(server, "connection")) as [Socket & { _handle: { fd: number } }];
    expect(peerCredentials(socket._handle.fd)).to.deep.equal({
      pid: process.pid,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
    });
    expect(peerCredentials(-1)).to.equal(undefined);
    client.destroy();
    socket.destroy();
    server.close();
    await once(server, "close");
    await rm(folder, { recursive: true });
  });

  it("load nothing until they are called", async () => {
    const result = await runAlone(`
      import { readFileSync } from "node:fs";
      console.log(JSON.stringify(readFileSync("/proc/self/maps", "utf8").includes("koffi")));`);
    expect(result).to.equal(false);
    expect(readFileSync("/proc/self/maps", "utf8")).to.include("koffi");
  });
});
