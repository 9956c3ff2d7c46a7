import { expect } from "chai";
import { bytesWords, formatByteSize, parseByteSize } from "../../../ipc/byteSize.ts";
import { reasonWords, waitWords } from "../../../cli/render/words.ts";
import type { FailureReason, WaitReason } from "../../../ipc/taskViews.ts";
import { id, now, row, secondsAgo, worker } from "./views.ts";

const rows = new Map(
  [
    row({ id: id("t-run"), status: "running", worker: worker("worker-2"), since: secondsAgo(192) }),
    row({ id: id("t-queued"), since: secondsAgo(5) }),
  ].map((task) => [task.id, task]),
);

const waits: readonly (readonly [WaitReason, string])[] = [
  [{ on: "paused", all: true }, "everything is paused"],
  [{ on: "paused", all: false }, "paused"],
  [{ on: "paused", all: false, label: "slow" }, "everything labelled slow is paused"],
  [{ on: "after", tasks: [id("t-run")] }, "waits for t-run (running on worker-2, 3m12s)"],
  [{ on: "after", tasks: [id("t-far"), id("t-run")] }, "waits for t-far and 1 more"],
  [{ on: "time", until: now + 12_000, backoff: true }, "retry in 12s"],
  [{ on: "time", until: now + 7_440_000, backoff: false }, "starts in 2h04m"],
  [
    { on: "claim", claim: "src/auth/**", holder: id("t-run"), their_claim: "src/auth/**" },
    "src/auth/** is held by t-run (running on worker-2, 3m12s)",
  ],
  [
    { on: "claim", claim: "src/a.ts", holder: id("t-far"), their_claim: "src/**" },
    "src/a.ts is held by t-far as src/**",
  ],
  [
    { on: "claim", claim: "src/a.ts", holder: id("t-queued"), their_claim: "src/**" },
    "t-queued (queued, 5s) wants src/** first",
  ],
  [
    { on: "resource", resource: "db:staging", holders: [id("t-run")] },
    "db:staging is used by t-run",
  ],
  [
    { on: "disk", folder: "/w", free_bytes: 700 * 1024 ** 2, needed_bytes: 1024 ** 3 },
    "700 MiB free in /w, less than limits.min_free_disk (1 GiB)",
  ],
  [{ on: "slot" }, "no free worker"],
  [{ on: "workers" }, "no worker is ready yet"],
];

const reasons: readonly (readonly [FailureReason, string])[] = [
  [{ kind: "attempt", failure: { kind: "exit", exit_code: 2 } }, "exit code 2"],
  [{ kind: "attempt", failure: { kind: "signal", signal: "SIGKILL" } }, "ended by SIGKILL"],
  [{ kind: "attempt", failure: { kind: "timeout", timeout_ms: 1_200_000 } }, "timed out after 20m"],
  [
    { kind: "attempt", failure: { kind: "not_started", message: "no such program" } },
    "could not start: no such program",
  ],
  [{ kind: "attempt", failure: { kind: "setup", message: "npm ci" } }, "setup failed: npm ci"],
  [
    { kind: "attempt", failure: { kind: "output_limit", limit_bytes: 10 * 1024 * 1024 } },
    "more than 10 MiB of output",
  ],
  [
    {
      kind: "attempt",
      failure: { kind: "workspace_size", limit_bytes: 1024 ** 3, bytes: 1.5 * 1024 ** 3 },
    },
    "its workspace grew to 1.5 GiB, beyond the 1 GiB of limits.workspace_size",
  ],
  [
    {
      kind: "attempt",
      failure: {
        kind: "kept_back",
        folder: "/aside/t.1",
        files: [{ path: "id_rsa", why: "secret", bytes: 3, committed: true }],
        total: 1,
      },
    },
    "new files that do not belong in git: id_rsa (looks like a secret, in its commits); they are in /aside/t.1, the rest is saved; save.allow lets them through",
  ],
  [{ kind: "lost", attempts: 1 }, "its worker died (1 attempt)"],
  [
    {
      kind: "gate",
      command: ["npm", "test"],
      failure: { kind: "exit", exit_code: 1 },
      output: "",
    },
    "red at the gate: npm test: exit code 1",
  ],
  [
    { kind: "conflict", paths: ["a", "b", "c"], ref: "refs/orchd/conflicts/t1" },
    "conflict in a, b and 1 more; kept as refs/orchd/conflicts/t1",
  ],
  [
    { kind: "conflict", paths: ["a", "b", "c"], paths_total: 9, ref: "refs/orchd/conflicts/t1" },
    "conflict in a, b and 7 more; kept as refs/orchd/conflicts/t1",
  ],
  [{ kind: "outside_claims", paths: ["a"] }, "changed outside its claims: a"],
  [{ kind: "dependency", task: id("t0"), status: "failed" }, "t0 failed"],
  [{ kind: "dependency", task: id("t0"), status: "cancelled" }, "t0 was cancelled"],
];

describe("reasons in words", () => {
  for (const [reason, words] of waits)
    it(`say "${words}"`, () => {
      expect(waitWords(reason, rows, now)).to.equal(words);
    });
  for (const [reason, words] of reasons)
    it(`say "${words}" of a failure`, () => {
      expect(reasonWords(reason)).to.equal(words);
    });

  it("count bytes in units", () => {
    expect([0, 1023, 1024, 1536, 1024 ** 3].map(bytesWords)).to.deep.equal([
      "0 B",
      "1023 B",
      "1 KiB",
      "1.5 KiB",
      "1 GiB",
    ]);
  });

  it("write sizes so that they can be read back", () => {
    const sizes = [0, 1, 1023, 1024, 1500, 2_000_000, 10 * 1024 ** 2, 1024 ** 3, 3 * 1000 ** 3];
    const texts = sizes.map(formatByteSize);
    expect(texts).to.include.members(["0B", "1500B", "2MB", "10MiB", "1GiB", "3GB"]);
    expect(texts.map(parseByteSize)).to.deep.equal(sizes.map((bytes) => ({ ok: true, bytes })));
  });
});
