import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { until } from "./until.ts";

/**
 * Binds a datagram socket and prints `listening`, then one JSON line a message with the sender's
 * pid. `systemd-notify` waits until the descriptor that comes with its `BARRIER=1` is closed.
 */
const receiverProgram = `
import array, json, os, socket, struct, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
name = sys.argv[1]
receiver.bind("\\0" + name[1:] if name.startswith("@") else name)
print("listening", flush=True)
while True:
    text, extra, _, _ = receiver.recvmsg(8192, socket.CMSG_SPACE(12) + socket.CMSG_SPACE(4))
    pid = 0
    for _, kind, content in extra:
        if kind == socket.SCM_CREDENTIALS:
            pid = struct.unpack("3i", content)[0]
        else:
            os.close(array.array("i", content)[0])
    if text == b"BARRIER=1":
        continue
    print(json.dumps({"pid": pid, "lines": text.decode().rstrip("\\n").split("\\n")}), flush=True)
`;

export type Received = { readonly pid: number; readonly lines: readonly string[] };

export type Receiver = {
  readonly received: readonly Received[];
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

export async function receiveAt(socket: string): Promise<Receiver> {
  const child = spawn("python3", ["-c", receiverProgram, socket], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const printed: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => printed.push(line));
  await until(() => printed[0] === "listening", { what: "the receiver listens" });
  return {
    get received() {
      return printed.slice(1).map((line) => JSON.parse(line) as Received);
    },
    [Symbol.asyncDispose]: async () => {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}
