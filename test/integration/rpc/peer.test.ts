import { expect } from "chai";
import { join } from "node:path";
import { failure, FailureError } from "../../../ipc/errors.ts";
import { encodeFrame, frameBytesMax } from "../../../ipc/frames.ts";
import { outputBytesMax, requestsInFlightMax } from "../../../ipc/peer.ts";
import type { Peer } from "../../../ipc/peer.ts";
import { ConnectionLost } from "../../../ipc/pending.ts";
import { until } from "../../helpers/until.ts";
import { connectPeers, failureOf, makeFolder } from "./rig.ts";

describe("a peer", () => {
  it("asks and answers in both directions at once", async () => {
    await using folder = await makeFolder();
    await using ends = await connectPeers(
      join(folder.path, "s"),
      { onRequest: (method, params) => ({ left: method, params }) },
      { onRequest: async (method, params) => ({ right: method, params }) },
    );
    const answers = await Promise.all([
      ends.left.request("one", { n: 1 }),
      ends.right.request("two", [2]),
      ends.left.request("three", null),
    ]);
    expect(answers).to.deep.equal([
      { right: "one", params: { n: 1 } },
      { left: "two", params: [2] },
      { right: "three", params: null },
    ]);
  });

  it("keeps notifications in the order they were sent in", async () => {
    await using folder = await makeFolder();
    const heard: unknown[] = [];
    const onNotification = (_method: string, params: unknown): void => void heard.push(params);
    await using ends = await connectPeers(join(folder.path, "s"), {}, { onNotification });
    const sent = Array.from({ length: 5000 }, (_, i) => i);
    for (const n of sent) ends.left.notify("count", n);
    await until(() => heard.length === sent.length, { what: "all notifications" });
    expect(heard).to.deep.equal(sent);
  });

  it("sends what one turn of the event loop asks for in one write", async () => {
    await using folder = await makeFolder();
    await using ends = await connectPeers(join(folder.path, "s"), {}, {});
    let writes = 0;
    const write = ends.leftSocket.write.bind(ends.leftSocket);
    ends.leftSocket.write = (chunk: unknown) => {
      writes += 1;
      return write(chunk as Uint8Array);
    };
    await Promise.all(Array.from({ length: 1000 }, (_, n) => ends.left.request("echo", n)));
    expect(writes).to.equal(1);
  });

  it("passes a handler's failure on with its hint and problems", async () => {
    await using folder = await makeFolder();
    const problem = {
      file: "a.yaml",
      line: 3,
      column: 7,
      field: "tasks[0].run",
      message: "Empty.",
    };
    const reason = failure("invalid_task", "The task is not valid.", { problems: [problem] });
    const onRequest = (): never => {
      throw new FailureError(reason);
    };
    await using ends = await connectPeers(join(folder.path, "s"), {}, { onRequest });
    expect(await failureOf(ends.left.request("submit", {}))).to.deep.equal(reason);
  });

  it("passes a failure on without its problems when they do not fit into a frame", async () => {
    await using folder = await makeFolder();
    const long = "x".repeat(1024);
    const problem = { file: null, line: null, column: null, field: "id", message: long };
    const problems = Array.from({ length: 9000 }, () => problem);
    const onRequest = (): Promise<never> =>
      Promise.reject(new FailureError(failure("invalid_task", "All wrong.", { problems })));
    await using ends = await connectPeers(join(folder.path, "s"), {}, { onRequest });
    const reason = await failureOf(ends.left.request("submit", {}));
    expect(reason).to.include({ code: "invalid_task", message: "All wrong." });
    expect(reason.problems).to.deep.equal([]);
  });

  it("answers internal for a bug, tells only its own side what it was, and goes on", async () => {
    await using folder = await makeFolder();
    const bugs: string[] = [];
    const onRequest = (method: string): unknown => {
      if (method === "throws") throw new Error("secret detail");
      if (method === "rejects") return Promise.reject(new TypeError("secret detail"));
      return method === "unsendable" ? new Date() : "fine";
    };
    const onBug = (error: unknown, method: string): void =>
      void bugs.push(`${method}: ${String(error)}`);
    await using ends = await connectPeers(join(folder.path, "s"), {}, { onRequest, onBug });
    for (const method of ["throws", "rejects", "unsendable"]) {
      const reason = await failureOf(ends.left.request(method, {}));
      expect(reason.code).to.equal("internal");
      expect(JSON.stringify(reason)).not.to.match(/secret|\.ts:/);
    }
    expect(bugs.map((bug) => bug.split(":")[0])).to.deep.equal(["throws", "rejects", "unsendable"]);
    expect(await ends.left.request("fine", {})).to.equal("fine");
  });

  it(`refuses request ${requestsInFlightMax + 1} as busy and serves it when another was answered`, async () => {
    await using folder = await makeFolder();
    const answers: (() => void)[] = [];
    const onRequest = (): Promise<void> => new Promise((resolve) => answers.push(resolve));
    await using ends = await connectPeers(join(folder.path, "s"), {}, { onRequest });
    const asked = Array.from({ length: requestsInFlightMax }, () => ends.left.request("wait", {}));
    const tooMany = await failureOf(ends.left.request("wait", {}));
    expect(tooMany.code).to.equal("busy");
    answers[0]?.();
    await asked[0];
    const again = ends.left.request("wait", {});
    await until(() => answers.length === requestsInFlightMax + 1, { what: "the next request" });
    for (const answer of answers) answer();
    await Promise.all([...asked, again]);
  });

  it("loses a request that has no answer when the other side closes, with the reason it gave", async () => {
    await using folder = await makeFolder();
    let right: Peer | null = null;
    const onRequest = (): Promise<never> => {
      right?.close(failure("stopping", "Closed for the night."));
      return new Promise(() => {});
    };
    await using ends = await connectPeers(join(folder.path, "s"), {}, { onRequest });
    right = ends.right;
    const lost: unknown = await ends.left.request("wait", {}).catch((error: unknown) => error);
    expect(lost).to.be.instanceOf(ConnectionLost);
    const reason = await ends.left.closed;
    expect(reason).to.include({ code: "stopping", message: "Closed for the night." });
    expect((lost as ConnectionLost).failure).to.deep.equal(reason);
    const late: unknown = await ends.left.request("wait", {}).catch((error: unknown) => error);
    expect(late).to.be.instanceOf(ConnectionLost);
  });

  it("delivers what was said before it closes", async () => {
    await using folder = await makeFolder();
    const heard: string[] = [];
    const onNotification = (method: string): void => void heard.push(method);
    await using ends = await connectPeers(join(folder.path, "s"), {}, { onNotification });
    ends.left.notify("last words", {});
    ends.left.close();
    await ends.right.closed;
    expect(heard).to.deep.equal(["last words"]);
  });

  it("rejects a request that is too large for a frame and stays open", async () => {
    await using folder = await makeFolder();
    await using ends = await connectPeers(join(folder.path, "s"), {}, {});
    const reason = await failureOf(ends.left.request("echo", "x".repeat(frameBytesMax)));
    expect(reason.code).to.equal("limit");
    expect(await ends.left.request("echo", "small")).to.equal("small");
  });

  it("drops an other side that never reads once too much waits for it", async () => {
    await using folder = await makeFolder();
    const ended: string[] = [];
    await using ends = await connectPeers(
      join(folder.path, "s"),
      {},
      { onEnd: (reason) => void ended.push(reason.code) },
    );
    ends.leftSocket.pause();
    const chunk = new Uint8Array(1024 * 1024);
    for (let sent = 0; sent <= outputBytesMax && ends.right.isOpen; sent += chunk.length) {
      ends.right.notify("chunk", chunk);
    }
    expect(ends.right.isOpen).to.equal(false);
    expect(ended).to.deep.equal(["limit"]);
    await ends.right.closed;
  });

  for (const [what, message] of [
    ["is no array", { method: "x" }],
    ["has an unknown type", [3, 1, "x", null]],
    ["has a method that is no text", [0, 1, 2, null]],
    ["has a number that is no number", [0, "1", "x", null]],
    ["has too few parts", [0, 1, "x"]],
  ] as const) {
    it(`closes with a reason when a message ${what}`, async () => {
      await using folder = await makeFolder();
      await using ends = await connectPeers(join(folder.path, "s"), {}, {});
      ends.leftSocket.write(encodeFrame(message));
      expect((await ends.right.closed).code).to.equal("invalid_request");
      expect((await ends.left.closed).code).to.equal("invalid_request");
    });
  }

  it("ignores answers that nobody asked for", async () => {
    await using folder = await makeFolder();
    await using ends = await connectPeers(join(folder.path, "s"), {}, {});
    ends.leftSocket.write(encodeFrame([1, 99, null, "surprise"]));
    expect(await ends.right.request("echo", 1)).to.equal(1);
  });
});
