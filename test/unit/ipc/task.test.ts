import { expect } from "chai";
import fc from "fast-check";
import { mintTaskId } from "../../../ipc/ids.ts";
import { validateSpec } from "../../../ipc/task.ts";
import { parseTaskValue } from "../../../ipc/taskFile.ts";
import type { TaskSpec } from "../../../ipc/taskSpec.ts";

function specOf(fields: object): TaskSpec {
  const made = parseTaskValue(fields, { name: "test", mint: mintTaskId });
  const spec = made.ok ? made.value.specs[0] : undefined;
  if (spec === undefined) throw new Error(JSON.stringify(made));
  return spec;
}

const full = specOf({
  id: "full",
  run: ["npm", "test"],
  claims: { writes: ["src/"], reads: ["docs/*.md"], resources: { "db:staging": 1 } },
  after: ["a"],
  after_any: ["b"],
  not_before: "10m",
  estimate: "5m",
  env: { B: "2", A: "1" },
  secrets: ["TOKEN"],
  labels: ["x"],
  verify: [["npm", "test"]],
  commit: {
    message: "m",
    author: "A B <a@b>",
    trailers: { Fixes: ["1", "2"], "Reviewed-by": "x" },
  },
});

describe("validateSpec", () => {
  it("takes what the task file makes, for every kind of work", () => {
    for (const fields of [
      { run: ["true"] },
      { run: { shell: "echo" } },
      { tools: [] },
      { run: ["true"], workspace: "none" },
      { run: ["true"], not_before: "2026-05-01T08:00:00Z" },
    ]) {
      const spec = specOf(fields);
      expect(validateSpec(spec)).to.deep.equal({ ok: true, value: spec });
    }
    expect(validateSpec(full)).to.deep.equal({ ok: true, value: full });
  });

  it("gives equal specs equal texts, whatever the order of their keys", () => {
    const shuffled = {
      ...Object.fromEntries(Object.entries(full).toReversed()),
      env: { A: "1", B: "2" },
    };
    const checked = validateSpec(shuffled);
    expect(checked.ok && JSON.stringify(checked.value)).to.equal(JSON.stringify(full));
  });

  const hostile: Record<string, [object, string]> = {
    "an unknown key": [{ ...full, extra: 1 }, "extra"],
    "an id that is an option": [{ ...full, id: "--upload-pack=x" }, "id"],
    "an id with two dots": [{ ...full, id: "a..b" }, "id"],
    "a title with an escape sequence": [{ ...full, title: "\u001b[31m" }, "title"],
    "a title that turns the text around": [{ ...full, title: "a\u202eb" }, "title"],
    "a title that is an object": [{ ...full, title: { toString: () => "x" } }, "title"],
    "a claim out of the repository": [
      { ...full, claims: { writes: ["../x"], reads: [], resources: {} } },
      "claims.writes[0]",
    ],
    "a claim that is not in normal form": [
      { ...full, claims: { writes: ["a", "b/"], reads: [], resources: {} } },
      "claims.writes[1]",
    ],
    "too many claims together": [
      {
        ...full,
        claims: {
          writes: Array.from({ length: 200 }, (_, i) => `w${i}`),
          reads: Array.from({ length: 57 }, (_, i) => `r${i}`),
          resources: {},
        },
      },
      "claims",
    ],
    "a resource called constructor": [
      { ...full, claims: { writes: [], reads: [], resources: { constructor: 1 } } },
      "claims.resources",
    ],
    "no program": [{ ...full, work: { kind: "run", argv: [] } }, "work.argv"],
    "an empty program": [{ ...full, work: { kind: "run", argv: [""] } }, "work.argv[0]"],
    "a NUL in a word": [{ ...full, work: { kind: "run", argv: ["a", "b\0"] } }, "work.argv[1]"],
    "a work of no known kind": [{ ...full, work: { kind: "agent" } }, "work"],
    "a work called toString": [{ ...full, work: { kind: "toString" } }, "work"],
    "a work with more in it": [
      { ...full, work: { kind: "shell", script: "x", argv: [] } },
      "work.argv",
    ],
    "a cwd outside": [{ ...full, cwd: "../x" }, "cwd"],
    "a git variable": [{ ...full, env: { GIT_DIR: "/x" } }, "env"],
    "an own variable": [{ ...full, env: { ORCHD_TASK: "x" } }, "env"],
    "a secret that is a variable too": [{ ...full, env: { TOKEN: "x" } }, "secrets"],
    "a timeout without end": [{ ...full, timeout_ms: Infinity }, "timeout_ms"],
    "a priority that is no number": [{ ...full, priority: NaN }, "priority"],
    "a fraction of a retry": [{ ...full, retries: { max: 0.5, backoff_ms: 0 } }, "retries.max"],
    "two times": [{ ...full, not_before: { at_ms: 1, delay_ms: 1 } }, "not_before.at_ms"],
    "an empty command to verify": [{ ...full, verify: [["a"], []] }, "verify[1]"],
    "a trailer of orchd": [
      { ...full, commit: { ...full.commit, trailers: { "orchd-Task": "x" } } },
      "commit.trailers",
    ],
    "an author without address": [
      { ...full, commit: { ...full.commit, author: "me" } },
      "commit.author",
    ],
    "a task that waits for itself": [{ ...full, after: ["full"] }, "after"],
    "a check without a workspace": [{ ...full, workspace: "none" }, "verify"],
    "no claims without a workspace": [
      { ...full, workspace: "none", verify: [], claims: null },
      "claims",
    ],
    "half a surrogate pair": [{ ...full, env: { A: "\ud800" } }, "env.A"],
    "more than a task may hold": [
      { ...full, env: { A: "x".repeat(100_000), B: "x".repeat(100_000), C: "x".repeat(100_000) } },
      "",
    ],
    "an instance of a class": [{ ...full, retries: new Map() }, "retries"],
  };
  for (const [what, [spec, field]] of Object.entries(hostile)) {
    it(`refuses ${what}`, () => {
      const checked = validateSpec(spec);
      expect(checked.ok ? "taken" : checked.failure.problems[0]?.field).to.equal(field);
    });
  }

  for (const field of Object.keys(full)) {
    it(`refuses a spec without ${field}`, () => {
      const { [field as keyof TaskSpec]: _, ...rest } = full;
      expect(validateSpec(rest).ok).to.equal(false);
    });
  }

  it("never throws, whatever comes", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(validateSpec(value).ok).to.equal(false);
      }),
    );
  });

  it("never throws, whatever stands in one field", () => {
    const field = fc.constantFrom(...Object.keys(full));
    fc.assert(
      fc.property(field, fc.anything(), (name, value) => {
        const checked = validateSpec({ ...full, [name]: value });
        if (checked.ok) expect(validateSpec(checked.value)).to.deep.equal(checked);
      }),
      { numRuns: 1_000 },
    );
  });
});
