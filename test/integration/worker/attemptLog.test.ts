import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { TaskId } from "../../../ipc/ids.ts";
import type { AttemptKey, Report } from "../../../ipc/workerMessages.ts";
import { AttemptLog } from "../../../worker/attempt/attemptLog.ts";

function key(number: number): AttemptKey {
  return { task: `t${number}` as TaskId, attempt: 1, fence: number };
}

function report(number: number): Report {
  return { ...key(number), outcome: { result: "done", saved: null }, elapsed_ms: 7 };
}

const cutShort = (number: number) => ({ kind: "cut_short", key: key(number) });
const unreported = (number: number) => ({
  kind: "unreported",
  key: key(number),
  report: report(number),
});

/** What the next process of the worker finds. */
function found(path: string): unknown {
  using log = new AttemptLog(path);
  return log.takeOver();
}

describe("the log of attempts", () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "orchd-attempts-"));
    path = join(folder, ".aibrain", "worker-1", "attempts.log");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("tells what was cut short and what was not acknowledged, and nothing else", () => {
    using log = new AttemptLog(path);
    expect(log.takeOver()).to.deep.equal([]);
    for (const number of [1, 2, 3]) log.begin(key(number));
    for (const number of [1, 2]) log.end(report(number));
    log.acknowledge(key(1));
    expect(found(path)).to.deep.equal([unreported(2), cutShort(3)]);
  });

  it("counts no line that is not whole, wherever the write was torn", () => {
    using log = new AttemptLog(path);
    log.begin(key(1));
    log.end(report(1));
    log.acknowledge(key(1));
    log.begin(key(2));
    const content = readFileSync(path);
    const end = content.indexOf(0);
    const expected = (bytes: number): unknown => {
      const whole = content.toString("utf8", 0, bytes).split("}\n").length - 1;
      return [[], [cutShort(1)], [unreported(1)], [], [cutShort(2)]][whole];
    };
    for (let bytes = 0; bytes <= end; bytes += 1) {
      const torn = Buffer.alloc(content.length);
      content.copy(torn, 0, 0, bytes);
      writeFileSync(path, torn);
      // A line is whole with its closing brace; the line break behind it says nothing.
      const braceOnly = content[bytes] === 10 ? 1 : 0;
      expect(found(path), `${bytes} bytes`).to.deep.equal(expected(bytes + braceOnly));
    }
  });

  it("goes on in a file of the same size when it is full, with all that is open", () => {
    using log = new AttemptLog(path);
    log.begin(key(1));
    log.end(report(1));
    for (let number = 2; number < 2_000; number += 1) {
      log.begin(key(number));
      log.end(report(number));
      log.acknowledge(key(number));
    }
    log.begin(key(2_000));
    expect(statSync(path).size).to.equal(64 * 1024);
    expect(found(path)).to.deep.equal([unreported(1), cutShort(2_000)]);
  });

  it("grows when what is open needs more room", () => {
    using log = new AttemptLog(path);
    const long = { kind: "workspace", message: "x".repeat(100_000) } as const;
    const failed = { ...report(1), outcome: { result: "failed", failure: long, saved: null } };
    log.end(failed as Report);
    log.begin(key(2));
    expect(found(path)).to.deep.equal([
      { kind: "unreported", key: key(1), report: failed },
      cutShort(2),
    ]);
  });

  it("is made again, with all that is open, when .aibrain is deleted under it", () => {
    using log = new AttemptLog(path);
    log.begin(key(1));
    log.begin(key(2));
    rmSync(join(folder, ".aibrain"), { recursive: true });
    log.end(report(1));
    expect(found(path)).to.deep.equal([unreported(1), cutShort(2)]);
    rmSync(join(folder, ".aibrain"), { recursive: true });
    log.acknowledge(key(1));
    expect(found(path)).to.deep.equal([cutShort(2)]);
  });

  it("carries what an earlier process left open until it is acknowledged", () => {
    using earlier = new AttemptLog(path);
    earlier.begin(key(1));
    earlier.begin(key(2));
    earlier.end(report(2));
    using log = new AttemptLog(path);
    log.takeOver();
    log.begin(key(3));
    log.acknowledge(key(2));
    expect(found(path)).to.deep.equal([cutShort(1), cutShort(3)]);
  });

  it("passes over what is no log", () => {
    using log = new AttemptLog(path);
    log.begin(key(1));
    for (const text of [
      "",
      "rubbish",
      "[]\n",
      '{"begun":{"task":"../x","attempt":1,"fence":1}}\n',
    ]) {
      writeFileSync(path, text);
      expect(found(path)).to.deep.equal([]);
    }
  });
});
