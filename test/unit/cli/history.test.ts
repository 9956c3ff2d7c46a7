import { expect } from "chai";
import type { HistoryRow, HistoryView, TraceEvent, TraceView } from "../../../ipc/historyViews.ts";
import { orchd } from "./recording.ts";
import { commit, id, now, secondsAgo, worker } from "./views.ts";

function finished(given: Partial<HistoryRow>): HistoryRow {
  return {
    seq: 9,
    id: id("t1"),
    title: "Tidy",
    labels: [],
    status: "succeeded",
    attempts: 1,
    submitted_at: secondsAgo(400),
    started_at: secondsAgo(190),
    ended_at: secondsAgo(60),
    duration_ms: 130_000,
    commit,
    reason: null,
    ...given,
  };
}

describe("history", () => {
  it("lists what each task was, how it ended and when", async () => {
    const tasks = [
      finished({}),
      finished({
        id: id("t2"),
        status: "failed",
        commit: null,
        attempts: 3,
        reason: { kind: "lost", attempts: 3 },
      }),
      finished({ id: id("t3"), status: "cancelled", duration_ms: null, attempts: 0, commit: null }),
    ];
    const { out, err, code } = await orchd("history", { answers: { history: { tasks, next: 5 } } });
    expect(code).to.equal(0);
    const lines = out.split("\n").map((line) => line.replace(/ {2,}/g, "|"));
    expect(lines[0]).to.equal("TASK|STATUS|TITLE|ATTEMPTS|TOOK|COMMIT|ENDED");
    expect(lines[1]).to.match(/^t1\|succeeded\|Tidy\|1\|2m10s\|a1b2c3d4e\|20\d\d-/);
    expect(lines[2]).to.match(/^t2\|failed\|Tidy\|3\|2m10s\|its worker died \(3 attempts\)\|/);
    expect(lines[3]).to.match(/^t3\|cancelled\|Tidy\|0\|–\|20/);
    expect(err).to.equal("More: add --before 5, or a larger --limit.\n");
  });

  it("asks page by page until it has what was wanted", async () => {
    const asked: unknown[] = [];
    const answer = (params: unknown): HistoryView => {
      asked.push(params);
      const { before, limit } = params as { before: number | null; limit: number };
      const start = before ?? 1_001;
      const tasks = Array.from({ length: Math.min(limit, start - 1) }, (_, index) =>
        finished({ seq: start - 1 - index }),
      );
      const last = tasks.at(-1)?.seq ?? 1;
      return { tasks, next: last > 1 ? last : null };
    };
    const run = await orchd("history --json --limit 700", { answers: { history: answer } });
    const view = JSON.parse(run.out) as HistoryView;
    expect(view.tasks.map(({ seq }) => seq)).to.deep.equal(
      Array.from({ length: 700 }, (_, index) => 1_000 - index),
    );
    expect(view.next).to.equal(301);
    expect(asked).to.have.length(2);
  });

  it("reads durations before now and times, and refuses what is neither", async () => {
    const answers = { history: { tasks: [], next: null } };
    const words = "history --since 2h --until 2023-11-14T22:00:00Z --status failed --label a";
    const { calls, out } = await orchd(words, { answers, now });
    expect(out).to.equal("No finished task is like that.\n");
    expect(calls[0]?.params).to.deep.equal({
      statuses: ["failed"],
      labels: ["a"],
      since: now - 7_200_000,
      until: Date.UTC(2023, 10, 14, 22),
      before: null,
      limit: 50,
    });
    const wrong = await orchd("history --since yesterday", { answers });
    expect(wrong.code).to.equal(2);
    expect(wrong.err).to.equal(
      'orchd: history: --since: "yesterday" is neither a time nor a duration; write a time with its zone, ' +
        "as in 2026-05-01T08:00:00Z, or a duration such as 20m.\n`--since 1d` means a day before now.\n",
    );
    expect((await orchd("history --limit 0", { answers })).code).to.equal(2);
  });
});

function happened(name: string, given: Partial<TraceEvent>): TraceEvent {
  return {
    seq: 1,
    at: secondsAgo(100),
    name,
    task: id("t1"),
    detail: {},
    epoch: 1,
    elapsed_ms: 0,
    attempt: 1,
    worker: worker("worker-1"),
    fence: 2,
    granted: [],
    released: [],
    ...given,
  };
}

describe("trace", () => {
  it("tells a life in order, with claims, gate, landing, another supervisor and following", async () => {
    const saved = { commit, touched: [] };
    const view: TraceView = {
      id: id("t1"),
      title: "Tidy",
      objective: "less code",
      decision: "remove it",
      labels: [],
      status: "succeeded",
      submitted_at: secondsAgo(100),
      commit,
      reason: null,
      attempt_list: [],
      events: [
        happened("task:submitted", { attempt: null, worker: null, fence: null }),
        happened("task:started", { seq: 2, elapsed_ms: 2_000, granted: ["src/**"] }),
        happened("task:landing", {
          seq: 3,
          epoch: 2,
          elapsed_ms: 62_000,
          detail: {
            result: "done",
            failure: null,
            saved,
            elapsedMs: 60_000,
            next: { to: "landing" },
          },
        }),
        happened("landing:candidate", {
          seq: 4,
          epoch: 2,
          detail: { candidate: commit, onto: commit, gate: true },
        }),
        happened("landing:gate_passed", { seq: 5, epoch: 2, detail: { tree: commit } }),
        happened("task:succeeded", {
          seq: 6,
          epoch: 2,
          elapsed_ms: 70_000,
          detail: { next: { to: "succeeded", commit } },
          released: ["src/**"],
        }),
      ],
      events_omitted: 0,
      followed_at: secondsAgo(29),
    };
    const { out } = await orchd("trace t1", { answers: { trace: view } });
    const lines = out.split("\n").map((line) => line.trim().replace(/ {2,}/g, "|"));
    expect(lines).to.include("objective|less code");
    expect(lines).to.include("decision|remove it");
    expect(lines).to.include(`status|succeeded|${commit}`);
    const life = lines.slice(lines.indexOf("") + 1).map((line) => line.replace(/^[\d:]+\|/, ""));
    expect(life).to.deep.equal([
      "+0s|submitted (supervisor epoch 1)",
      "+2s|#1|started on worker-1, fence 2|holds src/**",
      "— another supervisor (epoch 2) —",
      "+1m02s|#1|attempt done after 1m00s, saved as a1b2c3d4e; waits to land",
      "+0s|#1|candidate a1b2c3d4e on a1b2c3d4e; gate runs (fence 4)",
      "+0s|#1|the gate passed on tree a1b2c3d4e",
      "+1m10s|#1|landed as a1b2c3d4e|lets go of src/**",
      "+1m11s|your branch followed",
      "",
    ]);
  });

  it("tells of an event of a newer supervisor by its name", async () => {
    const view = { events: [happened("task:teleported", {})] };
    const answers = {
      trace: {
        id: "t1",
        title: "",
        labels: [],
        status: "running",
        submitted_at: now,
        objective: null,
        decision: null,
        commit: null,
        reason: null,
        attempt_list: [],
        events_omitted: 0,
        followed_at: null,
        ...view,
      },
    };
    expect((await orchd("trace t1", { answers })).out).to.include("task:teleported");
  });
});
