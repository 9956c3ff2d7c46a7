import { expect } from "chai";
import fc from "fast-check";
import { parseConfig, settings, variableOf } from "../../../ipc/config.ts";
import type { ConfigSources } from "../../../ipc/config.ts";
import { defaultConfig } from "../../../ipc/configDefaults.ts";
import type { Config } from "../../../ipc/configSpec.ts";

type Layers = Partial<Pick<ConfigSources, "env" | "flags">>;

function parse(text: string | null, layers: Layers = {}) {
  return parseConfig(text, { name: "orchd.yaml", env: {}, flags: {}, ...layers });
}

function configOf(text: string | null, layers: Layers = {}): Config {
  const parsed = parse(text, layers);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.failure));
  return parsed.value;
}

function problemsIn(text: string | null, layers: Layers = {}): string[] {
  const parsed = parse(text, layers);
  if (parsed.ok) return [];
  expect(parsed.failure.code).to.equal("invalid_config");
  return parsed.failure.problems.map(
    ({ line, column, field, message }) => `${line}:${column} ${field} | ${message}`,
  );
}

describe("parseConfig", () => {
  it("gives the defaults without a file, with an empty one and with one of comments", () => {
    for (const text of [null, "", "# nothing yet\n\n   # here\n", "{}"]) {
      expect(configOf(text)).to.deep.equal(defaultConfig);
    }
  });

  it("reads every key", () => {
    const text = `
max_parallel: 8
target: main
follow: manual
verify: [[npm, test], { shell: "a | b" }]
gate: each
outside_claims: fail
generated:
  - { paths: [lock.json, dist/], run: [make, lock], timeout: 1m }
  - { paths: [bundle.js], run: { shell: make b } }
workspace:
  root: /var/lib/work
  setup: { shell: npm ci }
  setup_inputs: [package-lock.json, packages/]
  copy: [".env*"]
  clean: all
commit:
  message: agent
  template: "{id}"
  author: Ada <a@b>
  trailers: { Co-authored-by: [Ada <a@b>, Bob <b@c>], Fixes: "1" }
  sign: required
  hooks: off
save: { max_file: 2MB, secrets: allow, allow: ["test/**"] }
resources: { "db:staging": 2 }
path: /usr/local/bin:/usr/bin
limits:
  timeout: 30m
  grace: 5s
  setup_timeout: 1h
  signing_timeout: 1m
  hook_timeout: 2m
  verify_timeout: 2h
  heartbeat: 1s
  stale_after: 10s
  adoption_grace: 1m
  prediction: 45s
  output: 256MiB
  min_free_disk: 2GiB
  workspace_size: 5GB
  fairness_window: 1m
  tasks_open: 100
  chain: 4
retention:
  attempts: 50
  age: 7d
  landed: 14d
  unlanded: 365d
  unsaved: 90d
  saved: 200
maintenance: off
push: { remote: origin, branch: release, quiet: 5s, every: 3, timeout: 1m, hook: true }
`;
    expect(configOf(text)).to.deep.equal({
      max_parallel: 8,
      target: "main",
      follow: "manual",
      verify: [
        ["npm", "test"],
        ["sh", "-c", "a | b"],
      ],
      gate: "each",
      outside_claims: "fail",
      generated: [
        { paths: ["lock.json", "dist/**"], run: ["make", "lock"], timeout_ms: 60_000 },
        { paths: ["bundle.js"], run: ["sh", "-c", "make b"], timeout_ms: null },
      ],
      workspace: {
        root: "/var/lib/work",
        setup: [["sh", "-c", "npm ci"]],
        setup_inputs: ["package-lock.json", "packages/**"],
        copy: [".env*"],
        clean: "all",
      },
      commit: {
        message: "agent",
        template: "{id}",
        author: "Ada <a@b>",
        trailers: { "Co-authored-by": ["Ada <a@b>", "Bob <b@c>"], Fixes: "1" },
        sign: "required",
        hooks: "off",
      },
      save: { max_file_bytes: 2_000_000, secrets: "allow", allow: ["test/**"] },
      resources: { "db:staging": 2 },
      path: "/usr/local/bin:/usr/bin",
      limits: {
        timeout_ms: 1_800_000,
        grace_ms: 5_000,
        setup_timeout_ms: 3_600_000,
        signing_timeout_ms: 60_000,
        hook_timeout_ms: 120_000,
        verify_timeout_ms: 7_200_000,
        heartbeat_ms: 1_000,
        stale_after_ms: 10_000,
        adoption_grace_ms: 60_000,
        prediction_ms: 45_000,
        output_bytes: 256 * 1024 ** 2,
        min_free_disk_bytes: 2 * 1024 ** 3,
        workspace_size_bytes: 5 * 1000 ** 3,
        fairness_window_ms: 60_000,
        tasks_open: 100,
        chain: 4,
      },
      retention: {
        attempts: 50,
        age_ms: 604_800_000,
        landed_ms: 1_209_600_000,
        unlanded_ms: 31_536_000_000,
        unsaved_ms: 7_776_000_000,
        saved: 200,
      },
      maintenance: "off",
      push: {
        remote: "origin",
        branch: "release",
        quiet_ms: 5_000,
        every: 3,
        timeout_ms: 60_000,
        hook: true,
      },
    });
  });

  it("takes one command without the list around it", () => {
    expect(configOf("verify: [npm, test]").verify).to.deep.equal([["npm", "test"]]);
    expect(configOf("workspace: {setup: [npm, ci]}").workspace.setup).to.deep.equal([
      ["npm", "ci"],
    ]);
  });

  it("lets flags win over the environment, that over the file, that over the defaults", () => {
    const file = "max_parallel: 4\nfollow: off\nlimits: {timeout: 1m}\n";
    const env = { ORCHD_MAX_PARALLEL: "5", ORCHD_LIMITS_GRACE: "1s", ORCHD_FOLLOW: "" };
    const config = configOf(file, { env, flags: { max_parallel: 6, "workspace.root": "/w" } });
    expect(config).to.deep.equal({
      ...defaultConfig,
      max_parallel: 6,
      follow: "off",
      workspace: { ...defaultConfig.workspace, root: "/w" },
      limits: { ...defaultConfig.limits, timeout_ms: 60_000, grace_ms: 1_000 },
    });
    expect(configOf(file, { env }).max_parallel).to.equal(5);
  });

  it("refuses a template for commits with a placeholder that nobody knows", () => {
    expect(problemsIn('commit: {template: "{titel}"}\n')[0]).to.match(/commit\.template.*titel/);
    const env = { ORCHD_COMMIT_TEMPLATE: "{titel}" };
    expect(problemsIn(null, { env })[0]).to.match(/ORCHD_COMMIT_TEMPLATE.*titel/);
    expect(problemsIn("commit: {trailers: {Orchd-Task: x}}\n")[0]).to.match(/orchd alone/);
  });

  it("says how long attempts are kept, at least an hour", () => {
    const { retention } = configOf("retention: {attempts: 20, age: 2h}\n");
    expect(retention).to.deep.equal({
      ...defaultConfig.retention,
      attempts: 20,
      age_ms: 7_200_000,
    });
    expect(problemsIn("retention: {unlanded: 4000d}\n")[0]).to.include("longer than 3650d");
    expect(problemsIn("retention: {age: 1m}\n")[0]).to.include("retention.age");
  });

  it("has one variable for each setting, and ignores the other ORCHD_ variables", () => {
    expect(settings.map(variableOf)).to.include("ORCHD_LIMITS_STALE_AFTER");
    expect(new Set(settings.map(variableOf)).size).to.equal(settings.length);
    expect(configOf(null, { env: { ORCHD_ATTEMPT: "x.1", ORCHD_TASK: "x" } })).to.deep.equal(
      defaultConfig,
    );
  });

  it("takes features that do not exist yet only when they say nothing", () => {
    expect(configOf("agents: {}\nhooks: []\npush: off\nmetrics:\n")).to.deep.equal(defaultConfig);
    expect(problemsIn("agents: {claude: {}}\n")).to.deep.equal([
      "1:1 agents | `agents` is not supported yet",
    ]);
  });

  for (const [what, text, problem] of [
    [
      "an unknown key",
      "max_paralel: 4\n",
      '1:1 max_paralel | unknown key "max_paralel"; did you mean "max_parallel"?',
    ],
    [
      "a key of the parsed form",
      "limits: {timeout_ms: 5}\n",
      '1:10 limits.timeout_ms | unknown key "timeout_ms"; the keys here are timeout, grace, setup_timeout, signing_timeout, hook_timeout, verify_timeout, heartbeat, stale_after, adoption_grace, prediction, output, min_free_disk, workspace_size, fairness_window, tasks_open, chain',
    ],
    [
      "a prototype key",
      "__proto__: {max_parallel: 1}\n",
      '1:1 __proto__ | unknown key "__proto__"',
    ],
    [
      "a key that stands twice",
      "follow: off\nfollow: auto\n",
      "2:1 follow | stands twice in one map",
    ],
    ["no workers", "max_parallel: 0\n", "1:15 max_parallel | is 0; at least 1 needed"],
    ["too many workers", "max_parallel: 65\n", "1:15 max_parallel | is 65; at most 64 allowed"],
    [
      "a duration without unit",
      "limits: {timeout: 60}\n",
      "1:19 limits.timeout | 60 has no unit; write a duration such as 90s, 20m or 1h30m",
    ],
    [
      "a size without unit",
      "limits: {output: 60}\n",
      "1:18 limits.output | 60 has no unit; write a size such as 512MiB",
    ],
    [
      "a size that is none",
      "limits: {output: much}\n",
      '1:18 limits.output | "much" is no size; write a size such as 512MiB or 2GB',
    ],
    [
      "a silence shorter than heartbeats",
      "limits:\n  heartbeat: 2m\n",
      "2:3 limits.stale_after | is 5m, less than three heartbeats of 2m; raise it or lower limits.heartbeat",
    ],
    [
      "a relative root",
      "workspace: {root: ../w}\n",
      '1:19 workspace.root | "../w" is not absolute; begin it with `/`',
    ],
    [
      "a relative search path",
      "path: /bin:node_modules/.bin\n",
      '1:7 path | has the entry "node_modules/.bin", which is not absolute',
    ],
    [
      "a copy from outside",
      "workspace: {copy: [../.env]}\n",
      '1:20 workspace.copy[0] | "../.env" holds `..`, which could lead out of the repository',
    ],
    [
      "orchd's own branch as target",
      "target: orchd/main\n",
      "1:9 target | orchd's own branches cannot be the target",
    ],
    [
      "a ref as target",
      "target: refs/heads/main\n",
      '1:9 target | "refs/heads/main" is a whole ref; write the branch, as in main',
    ],
    ["a bad branch", "target: a..b\n", '1:9 target | "a..b" is no name for a branch'],
    [
      "a bad resource",
      "resources: {'-x': 1}\n",
      '1:13 resources["-x"] | "-x" is no name for a resource; use letters, digits and `. _ : / -`, at most 64, a letter or digit first',
    ],
    ["a list", "- a\n", "1:1  | must be a map, not a list"],
    [
      "what is not YAML",
      "a: [\n",
      "2:1  | is not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]",
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(problemsIn(text)[0]).to.equal(problem);
    });
  }

  it("names the variable or the flag that is wrong, beside what is wrong in the file", () => {
    const layers = {
      env: { ORCHD_MAX_PARALLEL: "many", ORCHD_TARGET: "7" },
      flags: { follow: "always" },
    };
    expect(problemsIn("follw: off\n", layers)).to.deep.equal([
      '1:1 follw | unknown key "follw"; did you mean "follow"?',
      'null:null ORCHD_MAX_PARALLEL | must be a number, not the text "many"',
      'null:null --follow | must be "auto" or "manual" or "off"',
    ]);
  });

  it("does not blame the file for a flag", () => {
    const parsed = parse("follow: off\n", { flags: { max_parallel: 999 } });
    const message = parsed.ok ? "" : parsed.failure.message;
    expect(message).to.equal("what flags and environment set is not a valid configuration");
  });

  it("never throws, whatever the text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const parsed = parse(text);
        expect(parsed.ok || parsed.failure.code === "invalid_config").to.equal(true);
      }),
    );
  });
});
