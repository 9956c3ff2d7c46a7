import { expect } from "chai";
import fc from "fast-check";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { problemsMax } from "../../../ipc/document.ts";
import type { Result } from "../../../ipc/errors.ts";
import { mintTaskId } from "../../../ipc/ids.ts";
import { readLimited, taskFileBytesMax } from "../../../ipc/limitedText.ts";
import { validateSpec } from "../../../ipc/task.ts";
import { parseTaskFile, parseTaskValue } from "../../../ipc/taskFile.ts";
import type { TaskFile } from "../../../ipc/taskFile.ts";
import type { TaskSpec } from "../../../ipc/taskSpec.ts";

function parse(text: string | Uint8Array, name = "tasks.yaml"): Result<TaskFile> {
  return parseTaskFile(text, { name, mint: mintTaskId });
}

function specsOf(text: string, name?: string): readonly TaskSpec[] {
  const parsed = parse(text, name);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.failure));
  return parsed.value.specs;
}

function specOf(text: string, name?: string): TaskSpec {
  const [spec] = specsOf(text, name);
  if (spec === undefined) throw new Error("no task");
  return spec;
}

/** `line:column field | message` of every problem. */
function problemsIn(text: string | Uint8Array, name?: string): string[] {
  const parsed = parse(text, name);
  if (parsed.ok) return [];
  expect(parsed.failure.code).to.equal("invalid_task");
  return parsed.failure.problems.map(
    ({ line, column, field, message }) => `${line}:${column} ${field} | ${message}`,
  );
}

describe("parseTaskFile: what it makes", () => {
  it("fills in every default", () => {
    const { id, ...rest } = specOf('{"run":["npm","test"]}', "a.json");
    expect(id).to.match(/^t[0-9a-z]{10}$/);
    expect(rest).to.deep.equal({
      title: "npm test",
      objective: null,
      decision: null,
      labels: [],
      work: { kind: "run", argv: ["npm", "test"] },
      cwd: ".",
      workspace: "clone",
      claims: null,
      after: [],
      after_any: [],
      priority: 0,
      not_before: null,
      estimate_ms: null,
      timeout_ms: 3_600_000,
      retries: { max: 0, backoff_ms: 10_000 },
      env: {},
      secrets: [],
      verify: [],
      commit: { message: null, author: null, trailers: {} },
    });
  });

  it("takes a timeout of the configuration for tasks that name none", () => {
    const parsed = parseTaskValue(
      { run: ["a"] },
      { name: "x", mint: mintTaskId, timeoutMs: 5_000 },
    );
    expect(parsed.ok && parsed.value.specs[0]?.timeout_ms).to.equal(5_000);
  });

  it("reads the same from JSON and YAML, named, guessed or from standard input", () => {
    const json = '{"id":"x","run":["a"],"claims":["src/"],"timeout":"20m"}';
    const yaml = "id: x\nrun: [a]\nclaims:\n  - src/\ntimeout: 20m\n";
    const flow = "{id: x, run: [a], claims: [src/], timeout: 20m}";
    const expected = specOf(json, "a.json");
    expect(expected.claims).to.deep.equal({ writes: ["src/**"], reads: [], resources: {} });
    for (const [text, name] of [
      [json, "stdin"],
      [json, "a.yaml"],
      [yaml, "a.yml"],
      [yaml, "stdin"],
      [flow, "stdin"],
      [`\ufeff${json}`, "a.json"],
    ] as const) {
      expect(specOf(text, name), `${name}: ${text}`).to.deep.equal(expected);
    }
    expect(parse(new TextEncoder().encode(`\ufeff${json}`), "a.json")).to.deep.include({
      ok: true,
    });
  });

  it("writes claims out: a list for writes, a map for the rest, nothing at all", () => {
    expect(specOf("{run: [a], claims: []}").claims).to.deep.equal({
      writes: [],
      reads: [],
      resources: {},
    });
    expect(
      specOf("{run: [a], claims: {reads: [./a//b], resources: {db: 2}}}").claims,
    ).to.deep.equal({
      writes: [],
      reads: ["a/b"],
      resources: { db: 2 },
    });
  });

  it("lets a task without a workspace touch nothing", () => {
    const nothing = { writes: [], reads: [], resources: {} };
    expect(specOf("tools: []")).to.deep.include({ claims: nothing, workspace: "none" });
    expect(specOf("{run: [a], workspace: none}").claims).to.deep.equal(nothing);
    expect(specOf("{run: [a], workspace: none, claims: [a]}").claims?.writes).to.deep.equal(["a"]);
  });

  it("takes a command, a list of them and a shell as `verify`", () => {
    expect(specOf("{run: [a], verify: [npm, test]}").verify).to.deep.equal([["npm", "test"]]);
    expect(specOf("{run: [a], verify: [[npm, test], {shell: 'a | b'}]}").verify).to.deep.equal([
      ["npm", "test"],
      ["sh", "-c", "a | b"],
    ]);
    expect(specOf("{run: [a], verify: {shell: x}}").verify).to.deep.equal([["sh", "-c", "x"]]);
  });

  it("takes retries as a number or with a backoff", () => {
    expect(specOf("{run: [a], retries: 2}").retries).to.deep.equal({ max: 2, backoff_ms: 10_000 });
    expect(specOf("{run: [a], retries: {max: 2, backoff: 1m}}").retries).to.deep.equal({
      max: 2,
      backoff_ms: 60_000,
    });
  });

  it("takes a time or a duration as `not_before`", () => {
    const at = (text: string) =>
      specOf(JSON.stringify({ run: ["a"], not_before: text })).not_before;
    expect(at("20m")).to.deep.equal({ delay_ms: 1_200_000 });
    expect(at("2026-05-01T08:00:00Z")).to.deep.equal({ at_ms: Date.UTC(2026, 4, 1, 8) });
    expect(at("2026-05-01T08:00+02:00")).to.deep.equal({ at_ms: Date.UTC(2026, 4, 1, 6) });
    expect(specOf("{run: [a], not_before: 2026-05-01T08:00:00Z}").not_before).to.deep.equal({
      at_ms: Date.UTC(2026, 4, 1, 8),
    });
  });

  it("makes titles of one line, at most 72 characters, without control characters", () => {
    expect(specOf('{run: {shell: "echo a\\necho b"}}').title).to.equal("echo a");
    expect(specOf('{"run":["a\\u001b[31m\\n","b"]}').title).to.equal("a [31m b");
    const long = specOf(JSON.stringify({ run: ["😀".repeat(100)] })).title;
    expect(long.length).to.be.at.most(72);
    expect(long).to.match(/^(?:😀)+…$/u);
    expect(specOf('{"run":["\\n"]}').title).to.equal("a command");
  });

  it("reads yes, no and dates as texts, as YAML 1.2 does", () => {
    expect(specOf("{run: [no, 2026-01-01]}").work).to.deep.equal({
      kind: "run",
      argv: ["no", "2026-01-01"],
    });
  });

  it("follows anchors", () => {
    const specs = specsOf("tasks:\n- {run: [a], claims: &c [src/]}\n- {run: [b], claims: *c}\n");
    expect(specs[1]?.claims?.writes).to.deep.equal(["src/**"]);
  });
});

describe("parseTaskFile: behavior of a file", () => {
  const tasks =
    "tasks:\n- {id: a, run: [x]}\n- {id: b, run: [x], after: [z], claims: {reads: [r], resources: {db: 1}}}\n- {id: c, run: [x]}\n";

  it("leaves parallel tasks alone", () => {
    expect(specsOf(tasks).map(({ after }) => after)).to.deep.equal([[], ["z"], []]);
  });

  it("puts sequential tasks behind each other", () => {
    const after = specsOf(`behavior: sequential\n${tasks}`).map((spec) => spec.after);
    expect(after).to.deep.equal([[], ["z", "a"], ["b"]]);
  });

  for (const behavior of ["exclusive", "main-only"]) {
    it(`gives each ${behavior} task the whole repository`, () => {
      const specs = specsOf(`behavior: ${behavior}\n${tasks}`);
      expect(specs.map(({ claims }) => claims?.writes)).to.deep.equal([["**"], ["**"], ["**"]]);
      expect(specs[1]?.claims).to.deep.equal({ writes: ["**"], reads: [], resources: { db: 1 } });
      expect(
        specs.every(({ after }) => !after.some((id) => ["a", "b", "c"].includes(id))),
      ).to.equal(true);
    });
  }
});

describe("parseTaskFile: what it refuses", () => {
  const cases: readonly (readonly [what: string, text: string, problem: string, name?: string])[] =
    [
      [
        "what is not JSON",
        "not json",
        '1:1  | is not JSON: expected a value, found "not"',
        "a.json",
      ],
      ["an empty file", "", "1:1  | is empty", "a.json"],
      ["an empty YAML file", " \n", "1:1  | is empty"],
      ["only comments", "# a\n# b\n", "1:1  | holds nothing but comments"],
      [
        "two documents",
        "run: [a]\n---\nrun: [b]\n",
        "2:1  | begins a second document; write one file for each, or one list under `tasks`",
      ],
      [
        "a trailing comma",
        '{"run":["a"],}',
        "1:13  | is not JSON: there is a comma before the `}`",
        "a.json",
      ],
      [
        "a comment in JSON",
        '{"run":["a"] // x\n}',
        "1:14  | is not JSON: expected `,` or `}`, found a comment, which JSON has not (YAML has)",
        "a.json",
      ],
      [
        "single quotes in JSON",
        "{'run':1}",
        "1:2  | is not JSON: expected a key in double quotes, found a single quote; JSON has double quotes only",
        "a.json",
      ],
      [
        "JSON that ends early",
        '{"run":["a"',
        "1:12  | is not JSON: expected `,` or `]`, found the end of the file",
        "stdin",
      ],
      [
        "a text without end",
        '{"run":["a]}',
        "1:9  | is not JSON: the text that begins here has no closing quote",
        "a.json",
      ],
      [
        "a bad escape",
        '{"run":["\\x"]}',
        '1:10  | is not JSON: unknown escape; a backslash itself is written "\\\\"',
        "a.json",
      ],
      [
        "more after the end",
        "{} {}",
        '1:4  | is not JSON: expected the end of the file, found "{"',
        "a.json",
      ],
      ["a list", "- run: [a]\n", '1:1  | is a list; write {"tasks":[…]}, or one task'],
      ["a text", "hello\n", '1:1  | must be a map, not the text "hello"'],
      ["no task at all", "tasks: []\n", "1:8 tasks | has 0 items; at least 1 needed"],
      ["an unknown key", "runn: [a]\n", '1:1 runn | unknown key "runn"; did you mean "run"?'],
      [
        "a prototype key",
        '{"run":["a"],\n"__proto__":{"x":1}}',
        '2:1 __proto__ | unknown key "__proto__"',
        "a.json",
      ],
      [
        "a constructor key in a map of names",
        "{run: [a], env: {constructor: x}}",
        '1:18 env.constructor | unknown key "constructor"',
      ],
      [
        "a key that stands twice",
        "run: [a]\nrun: [b]\nrun: [c]\n",
        "2:1 run | stands twice in one map",
      ],
      [
        "nothing to do",
        "title: x\n",
        '1:1  | has nothing to do; give it `run`, for example ["npm","test"]',
      ],
      [
        "two kinds of work",
        "run: [a]\ntools: []\n",
        "2:1 tools | stands beside `run`; a task has one of them",
      ],
      [
        "tool calls",
        "tools: [x]\n",
        "1:8 tools | cannot hold calls: tool calls are not supported yet",
      ],
      ["an agent", "agent: claude\nrun: [a]\n", "1:1 agent | `agent` is not supported yet"],
      ["a budget", "run: [a]\nbudget: {}\n", "2:1 budget | `budget` is not supported yet"],
      [
        "a behavior of one task",
        "run: [a]\nbehavior: parallel\n",
        '2:1 behavior | `behavior` belongs to a file of several tasks: {"behavior":"…","tasks":[…]}',
      ],
      [
        "an unknown behavior",
        "behavior: paralel\ntasks: [{run: [a]}]\n",
        '1:11 behavior | must be "parallel" or "sequential" or "exclusive" or "main-only"; did you mean "parallel"?',
      ],
      [
        "a command as one text",
        "run: npm test\n",
        '1:6 run | must be a list of words such as ["npm","test"] or {"shell":"npm test"}',
      ],
      [
        "a number as a word",
        "run: [a, 5]\n",
        '1:10 run[1] | must be a text; write it in quotes: "5"',
      ],
      ["no program", "run: ['']\n", "1:7 run[0] | is empty; it must name a program"],
      [
        "a number in env",
        "{run: [a], env: {PORT: 3000}}",
        '1:24 env.PORT | must be a text; write it in quotes: "3000"',
      ],
      [
        "a variable of git",
        "{run: [a], env: {GIT_DIR: x}}",
        "1:18 env.GIT_DIR | GIT_DIR cannot be set by a task: it would change what git does in the workspace",
      ],
      [
        "a key without value",
        "run: [a]\nclaims:\n",
        "2:8 claims | has no value; give it one or leave it out",
      ],
      [
        "a claim that leaves",
        "run: [a]\nclaims: [a, ../b]\n",
        '2:13 claims[1] | "../b" holds `..`, which could lead out of the repository',
      ],
      [
        "an absolute claim",
        "run: [a]\nclaims: {writes: [/etc]}\n",
        '2:19 claims.writes[0] | "/etc" is an absolute path; write it relative to the root of the repository',
      ],
      [
        "a claim with NUL",
        '{"run":["a"],"claims":["a\\u0000"]}',
        '1:24 claims[0] | "a\\u0000" holds a NUL character, which no path can hold',
        "a.json",
      ],
      [
        "a claim in .git",
        "run: [a]\nclaims: [.git/]\n",
        '2:10 claims[0] | ".git/" reaches into `.git`, which belongs to git alone',
      ],
      [
        "a bad duration",
        "run: [a]\ntimeout: soon\n",
        '2:10 timeout | "soon" is no duration; write a duration such as 90s, 20m or 1h30m',
      ],
      [
        "a duration without unit",
        "run: [a]\ntimeout: 90\n",
        "2:10 timeout | 90 has no unit; write a duration such as 90s, 20m or 1h30m",
      ],
      ["a timeout of nothing", "run: [a]\ntimeout: 0s\n", "2:10 timeout | must be at least 10ms"],
      [
        "a time without zone",
        "run: [a]\nnot_before: 2026-05-01T08:00:00\n",
        '2:13 not_before | "2026-05-01T08:00:00" has no time zone; write a time with its zone, as in 2026-05-01T08:00:00Z, or a duration such as 20m',
      ],
      [
        "a day that is not",
        "run: [a]\nnot_before: 2026-02-30T08:00:00Z\n",
        '2:13 not_before | "2026-02-30T08:00:00Z" is no time that exists; write a time with its zone, as in 2026-05-01T08:00:00Z, or a duration such as 20m',
      ],
      [
        "a fraction of a priority",
        "run: [a]\npriority: 1.5\n",
        "2:11 priority | must be a whole number, not 1.5",
      ],
      [
        "a priority out of range",
        "run: [a]\npriority: 1001\n",
        "2:11 priority | is 1001; at most 1000 allowed",
      ],
      [
        "an own dependency",
        "id: a\nrun: [a]\nafter: [b, a]\n",
        "3:12 after[1] | names the task itself, which could then never start",
      ],
      [
        "one id as a text",
        "run: [a]\nafter: b\n",
        '2:8 after | must be a list of task ids such as ["build"]',
      ],
      [
        "an id twice",
        "tasks:\n- {id: a, run: [x]}\n- {id: a, run: [x]}\n",
        '3:8 tasks[1].id | "a" is the id of tasks[0] already',
      ],
      [
        "a circle",
        "tasks:\n- {id: a, run: [x], after: [b]}\n- {id: b, run: [x], after_any: [a]}\n",
        '2:29 tasks[0].after[0] | "a" waits for "b", which waits for "a": a circle, in which none can start',
      ],
      [
        "a circle through the order",
        "behavior: sequential\ntasks:\n- {id: a, run: [x], after: [b]}\n- {id: b, run: [x]}\n",
        '3:29 tasks[0].after[0] | "a" waits for "b", which waits for "a": a circle, in which none can start',
      ],
      [
        "a check where nothing lands",
        "run: [a]\nworkspace: none\nverify: [[b]]\n",
        "3:1 verify | has no meaning with `workspace: none`, where nothing lands",
      ],
      [
        "a commit where nothing lands",
        "tools: []\ncommit: {message: x}\n",
        "2:1 commit | has no meaning with `tools: []`, where nothing lands",
      ],
      [
        "a secret that is a variable too",
        "run: [a]\nenv: {T: x}\nsecrets: [T]\n",
        "3:11 secrets[0] | T stands in `env` too; a variable has one value",
      ],
      [
        "a trailer of orchd",
        "run: [a]\ncommit: {trailers: {Orchd-Task: x}}\n",
        "2:21 commit.trailers.Orchd-Task | Orchd-Task cannot be set: Orchd- trailers are written by orchd alone",
      ],
      [
        "a title with a line end",
        'run: [a]\ntitle: "a\\nb"\n',
        "2:8 title | has a line end; it must be one line",
      ],
      [
        "a cwd with wildcards",
        "run: [a]\ncwd: src/*\n",
        "2:6 cwd | must be one directory; `*`, `?` and braces have no meaning here",
      ],
      [
        "an alias to nothing",
        "run: [*x]\n",
        '1:7  | names "x", but no anchor of that name ended before this place',
      ],
      [
        "an alias in itself",
        "run: &a [*a]\n",
        '1:10  | names "a", but no anchor of that name ended before this place',
      ],
      [
        "a tag",
        "run: [!!binary aGk=]\n",
        "1:7  | is not YAML: a tag (`!…`) that has no meaning here",
      ],
      ["a key that is a list", "? [a]\n: b\n", "1:3  | is not YAML: a key must be a text"],
    ];
  for (const [what, text, problem, name] of cases) {
    it(`refuses ${what}`, () => {
      expect(problemsIn(text, name)).to.deep.equal([problem]);
    });
  }

  for (const id of ["--upload-pack=x", "a..b", "x.lock", "x.", "A", "", "a/b", "a".repeat(65)]) {
    it(`refuses the id ${JSON.stringify(id.slice(0, 20))}`, () => {
      const [problem, ...others] = problemsIn(JSON.stringify({ id, run: ["a"] }), "a.json");
      expect(problem).to.match(/^1:7 id \| .* is no task id; use 1 to 64 of/);
      expect(others).to.deep.equal([]);
    });
  }

  it("reports everything that is wrong, in the order of the file", () => {
    const problems = problemsIn(
      "tasks:\n- run: [a]\n  titel: x\n  timeout: 5\n- id: A\n  run: [a]\n  claims: [..]\n",
    );
    expect(problems.map((problem) => problem.split(" | ")[0])).to.deep.equal([
      "3:3 tasks[0].titel",
      "4:12 tasks[0].timeout",
      "5:7 tasks[1].id",
      "7:12 tasks[1].claims[0]",
    ]);
  });

  it("ends a long list of problems with their number", () => {
    const problems = problemsIn(`tasks: [${"{},".repeat(problemsMax + 7)}]`, "a.yaml");
    expect(problems).to.have.length(problemsMax + 1);
    expect(problems.at(-1)).to.include("and 7 more problems");
  });

  it("pollutes nothing", () => {
    problemsIn(
      '{"__proto__":{"polluted":1},"env":{"__proto__":{"polluted":1}},"run":["a"]}',
      "a.json",
    );
    problemsIn("__proto__: {polluted: 1}\nconstructor: {prototype: {polluted: 1}}\n");
    expect("polluted" in {}).to.equal(false);
  });

  it("names line and column of the first byte that is not UTF-8", () => {
    expect(problemsIn(new Uint8Array([0x61, 0x0a, 0xc3, 0xa4, 0xff, 0x61]))).to.deep.equal([
      "2:2  | is not UTF-8; save the file in that encoding",
    ]);
  });
});

describe("parseTaskFile: hostile sizes", () => {
  it("refuses 20 MB without reading them, and says the size", () => {
    const parsed = parse("x".repeat(20_000_000));
    expect(parsed.ok ? "" : parsed.failure.message).to.equal(
      `tasks.yaml is too large: 20000000 bytes; at most ${taskFileBytesMax} are read`,
    );
  });

  const deep = 10_000;
  for (const [what, text, name] of [
    ["JSON lists", "[".repeat(deep), "a.json"],
    ["JSON maps", '{"a":'.repeat(deep), "a.json"],
    ["closed JSON lists", "[".repeat(deep) + "]".repeat(deep), "stdin"],
    ["YAML flow lists", "[".repeat(deep), "a.yaml"],
    ["YAML flow maps", "{a: ".repeat(deep), "a.yaml"],
    ["YAML block lists", "- ".repeat(deep), "a.yaml"],
    ["YAML keys", "? ".repeat(deep), "a.yaml"],
    [
      "YAML block maps",
      Array.from({ length: 400 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
      "a.yaml",
    ],
    [
      "aliases",
      Array.from({ length: 40 }, (_, i) => `a${i}: &a${i} [[${i === 0 ? "" : `*a${i - 1}`}]]`).join(
        "\n",
      ),
      "a.yaml",
    ],
  ] as const) {
    it(`refuses ${what} that nest too deep`, () => {
      const [problem] = problemsIn(text, name);
      expect(problem).to.include("is nested more than 64 deep");
    });
  }

  it("takes the deepest nesting that is allowed as far as the schema", () => {
    for (const text of ["[".repeat(64) + "]".repeat(64), "- ".repeat(64) + "x"]) {
      expect(problemsIn(text, "a.yaml")).to.deep.equal([
        '1:1  | is a list; write {"tasks":[…]}, or one task',
      ]);
    }
  });

  it("refuses aliases that multiply", () => {
    const lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"];
    for (let i = 1; i < 9; i += 1) {
      lines.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join()}]`);
    }
    const [problem] = problemsIn(lines.join("\n"));
    expect(problem).to.include("aliases multiply this file beyond its limit");
  });

  for (const piece of ["[]", "{}\n", "%x\n", "---\n", "a: 1\n"]) {
    it(`answers soon on a megabyte of ${JSON.stringify(piece)}`, () => {
      const text = piece.repeat(Math.floor(taskFileBytesMax / piece.length));
      expect(problemsIn(text)).to.not.have.length(0);
    }).timeout(30_000);
  }

  it("refuses more directives than anybody writes before an error is made of each", () => {
    expect(problemsIn("%x\n".repeat(101))).to.deep.equal([
      "101:1  | is not YAML: more than 100 lines that begin with %",
    ]);
  });

  it("answers soon on very many unknown keys", () => {
    const keys = Array.from({ length: 60_000 }, (_, i) => `"rum${i}":1`);
    expect(problemsIn(`{${keys.join()}}`, "a.json")).to.have.length(problemsMax + 1);
  });

  it("never throws on any JSON, and what it makes is valid", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        for (const name of ["a.json", "a.yaml", "stdin"]) {
          const parsed = parse(JSON.stringify(value), name);
          expect(parsed.ok || parsed.failure.problems.length > 0).to.equal(true);
        }
      }),
    );
  });

  it("reads JSON as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: "binary" }), (value, word) => {
        const text = JSON.stringify({
          run: ["x", word.toWellFormed().replaceAll("\0", "")],
          env: { A: JSON.stringify(value) },
        });
        const spec = specOf(text, "a.json");
        const { work, env } = spec;
        const read: unknown = { run: work.kind === "run" ? work.argv : null, env };
        expect(read).to.deep.equal(JSON.parse(text));
        expect(validateSpec(spec)).to.deep.equal({ ok: true, value: spec });
      }),
    );
  });

  it("never throws on any text", () => {
    const snippets = fc.constantFrom(
      "run",
      ": ",
      "[",
      "]",
      "{",
      "}",
      "- ",
      "\n",
      "  ",
      "a",
      "&x ",
      "*x",
      "!t ",
      "|",
      ">",
      '"',
      "'",
      "#",
      "?",
      ",",
      "---\n",
      "%Y",
      "\t",
    );
    fc.assert(
      fc.property(fc.array(snippets, { maxLength: 30 }), (parts) => {
        const parsed = parse(parts.join(""), "stdin");
        expect(parsed.ok || parsed.failure.code === "invalid_task").to.equal(true);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("readLimited", () => {
  const limit = { name: "tasks", bytesMax: 1_000, code: "invalid_task" } as const;
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "orchd-read-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("reads a file up to its limit", async () => {
    const file = join(folder, "exact");
    writeFileSync(file, "x".repeat(1_000));
    const read = await readLimited(file, limit);
    expect(read.ok && read.value.length).to.equal(1_000);
  });

  it("refuses a larger file by its size", async () => {
    const file = join(folder, "large");
    writeFileSync(file, "x".repeat(1_001));
    const read = await readLimited(file, limit);
    expect(read.ok ? "" : read.failure.message).to.equal(
      "tasks is too large: 1001 bytes; at most 1000 are read",
    );
  });

  it("stops reading a device without end", async () => {
    const read = await readLimited("/dev/zero", limit);
    expect(read.ok ? "" : read.failure.message).to.include("more than 1000 bytes");
  });

  it("stops reading a stream without end, and closes it", async () => {
    let pulled = 0;
    const endless = new Readable({
      read() {
        pulled += 100;
        this.push(Buffer.alloc(100));
      },
    });
    const read = await readLimited(endless, limit);
    expect(read.ok ? "" : read.failure.message).to.include("more than 1000 bytes");
    expect(endless.destroyed).to.equal(true);
    expect(pulled).to.be.below(200_000);
  });

  it("says what is wrong with a file that cannot be read", async () => {
    const missing = await readLimited(join(folder, "missing"), limit);
    expect(missing.ok ? "" : missing.failure.message).to.equal(
      "cannot read tasks: there is no such file",
    );
    const directory = await readLimited(folder, limit);
    expect(directory.ok ? "" : directory.failure.message).to.equal(
      "cannot read tasks: it is a directory",
    );
  });
});
