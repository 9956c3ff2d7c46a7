import { createHash } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { readSupervisorRecord } from "../../ipc/locate.ts";
import { layoutOf } from "../../system/paths.ts";
import { mintRequestId } from "../../ipc/ids.ts";
import type { Oid, TaskId } from "../../ipc/ids.ts";
import type { FailpointPlan } from "../../system/failpoint.ts";
import type { RepositoryContent } from "../helpers/repository.ts";
import { fakeGpg } from "../helpers/signing.ts";
import { conflictingShell } from "../helpers/parking.ts";
import { until } from "../helpers/until.ts";
import { endEverything, isAlive } from "./living.ts";
import { agesRow } from "../../daemon/core/ages.ts";
import type { Site } from "./site.ts";

/**
 * The lives of a supervisor in which failpoints are passed. Each is made of rounds in one repository:
 *
 *     stage    while no supervisor runs: what the round finds
 *     run      while one runs, and whenever it is killed another: submits, and does what people do
 *
 * The cheap ones come first: a failpoint is tried in the first scenario that passes it.
 */
export type Scenario = {
  readonly name: string;
  readonly content: RepositoryContent;
  /** A new repository for each round. */
  readonly fresh?: boolean;
  /** The person has another branch checked out, or none: theirs is not awaited. */
  readonly elsewhere?: boolean;
  readonly stage?: (site: Site, round: number) => Promise<void>;
  /** What is done at some point, as if by somebody else at that moment. */
  readonly meanwhile?: (site: Site) => FailpointPlan["run"];
  readonly run: (site: Site, round: number) => Promise<Submitted>;
  /** Instead of all of it: a round that ends without a supervisor. Answers what went wrong. */
  readonly alone?: (site: Site, plan: FailpointPlan) => Promise<string[]>;
};

export type Submitted = {
  readonly ids: readonly string[];
  /** May run again because another landed first, or because the checks sent it back. */
  readonly conflicting?: readonly string[];
  readonly failing?: readonly string[];
};

/** Nothing hangs in these: on a busy machine a worker is silent for seconds while it makes its workspace. */
const limits = { grace: "300ms", heartbeat: "1s", stale_after: "30s" };
const gate = [["test", "-f", "README.md"]];
const crowdTasks = 2_600;
const setAsideMany = 20;
const archivedMany = 12;

/** A task whose agent notes its start outside of the repository. */
export function task(site: Site, id: string, shell: string, more: object = {}): object {
  const start = `echo started >> ${join(site.startsFolder, id)}`;
  return { id, run: { shell: `${start}; ${shell}` }, retries: 0, ...more };
}

function writes(site: Site, id: string, seconds: number): object {
  const file = `out/${id}.txt`;
  return task(site, id, `sleep ${seconds}; mkdir -p out; echo ${id} > ${file}`, { claims: [file] });
}

async function submitted(site: Site, tasks: readonly object[]): Promise<readonly string[]> {
  return await site.submit(tasks);
}

const small: Scenario = {
  name: "small",
  content: { config: { max_parallel: 2, limits, verify: gate } },
  run: async (site, round) => ({
    ids: await submitted(site, [
      writes(site, `small-${round}-a`, 0.4),
      writes(site, `small-${round}-b`, 0),
    ]),
  }),
};

const first: Scenario = {
  ...small,
  name: "first",
  fresh: true,
  stage: async (site) => {
    // What a supervisor that was killed while it made its journal leaves.
    mkdirSync(site.stateDir, { recursive: true });
    writeFileSync(join(site.stateDir, "journal.db.new"), "");
    await Promise.resolve();
  },
};

const rich: Scenario = {
  name: "rich",
  content: {
    files: {
      "README.md": "# Scratch\n",
      "shared.txt": "0\n",
      ".gitignore": ".env\n",
      ".env": "A=1\n",
    },
    config: {
      max_parallel: 3,
      limits,
      workspace: { copy: [".env"], setup: [["true"]], setup_inputs: ["shared.txt"] },
    },
  },
  stage: async (site, round) => {
    await site.repository.write(".env", "A=1\n");
    await site.repository.write(`person/${round}.txt`, "by a person\n");
    await site.repository.git("add", "person");
    await site.repository.git("commit", "--quiet", "--message", `Person ${round}`);
    const inbox = join(site.brain, "inbox");
    mkdirSync(inbox, { recursive: true });
    const good = writes(site, `rich-${round}-inbox`, 0);
    writeFileSync(join(inbox, `good-${round}.json`), JSON.stringify(good));
    writeFileSync(join(inbox, `bad-${round}.json`), "{");
  },
  run: async (site, round) => {
    const id = (name: string): string => `rich-${round}-${name}`;
    const conflicting = [id("one"), id("two")];
    const ids = await submitted(site, [
      writes(site, id("slow"), 0.6),
      task(site, id("git"), agentWithGit(round)),
      task(site, id("one"), `${startOf(site, id("two"))}; echo ${id("one")} > shared.txt`),
      task(site, id("two"), `${startOf(site, id("one"))}; echo ${id("two")} > shared.txt`),
    ]);
    await taken(site, `good-${round}.json`, "accepted");
    await taken(site, `bad-${round}.json`, "rejected");
    return { ids: [...ids, id("inbox")], conflicting };
  },
};

/** Waits until that task's agent was started: two that wait for each other have nothing of each other. */
function startOf(site: Site, id: string): string {
  return `until [ -e ${join(site.startsFolder, id)} ]; do sleep 0.05; done`;
}

/** One is taken; of the other nothing stays. */
async function resolvedTwiceAtOnce(site: Site, task: TaskId, commit: Oid): Promise<void> {
  const client = await site.client();
  const asked = [mintRequestId(), mintRequestId()].map((request) =>
    client.call("resolve", { request, task, commit }),
  );
  const ends = await Promise.allSettled(asked);
  if (ends.every(({ status }) => status === "rejected")) await Promise.all(asked);
  const { git } = site.repository;
  await until(
    async () => !(await git("for-each-ref", `refs/orchd/resolutions/${task}`)).includes("\n"),
    { what: "the ref of the request that was not taken to go", timeoutMs: 60_000 },
  );
}

/** Conflicts each time until it is parked; then a person's commit takes its place. */
const parked: Scenario = {
  name: "parked",
  content: {
    files: { "README.md": "# Scratch\n", "shared.txt": "first\n" },
    config: { max_parallel: 1, limits },
  },
  run: async (site, round) => {
    const { git, dir } = site.repository;
    const id = `parked-${round}`;
    const ids = await submitted(site, [task(site, id, conflictingShell(dir))]);
    await site.wait(ids);
    const [met, work] = [2, 3].map((side) => `refs/orchd/conflicts/${id}^${side}`);
    const commit = await git("commit-tree", `${work}^{tree}`, "-p", `${met}`, "-m", "Resolved");
    await resolvedTwiceAtOnce(site, id as TaskId, commit as Oid);
    return { ids, conflicting: ids };
  },
};

/** Conflicts, and resolves that in its next attempt. */
const continued: Scenario = {
  ...parked,
  name: "continued",
  run: async (site, round) => {
    const id = `continued-${round}`;
    const shell = `if [ -n "$ORCHD_CONTINUES" ]; then echo resolved ${id} > shared.txt; else ${conflictingShell(site.repository.dir)}; fi`;
    const ids = await submitted(site, [task(site, id, shell, { on_conflict: "continue" })]);
    return { ids, conflicting: ids };
  },
};

/** Runs for long enough to be looked at. */
const foreseen: Scenario = {
  name: "foreseen",
  content: {
    config: { max_parallel: 2, limits: { ...limits, heartbeat: "100ms", prediction: "200ms" } },
  },
  /** What a supervisor left that was killed at the end of an attempt. */
  stage: async ({ repository: { git } }) => {
    await git("update-ref", "refs/orchd/live/gone", "HEAD");
  },
  run: async (site, round) => {
    const ids = [1, 2].map((at) => `foreseen-${round}-${at}`);
    const busy = (id: string): object =>
      task(site, id, `echo ${id} > ${id}.txt; sleep 2.5`, { claims: [`${id}.txt`] });
    return { ids: await submitted(site, ids.map(busy)) };
  },
};

/** Commits, stashes, leaves an embedded repository and a temporary file. */
function agentWithGit(round: number): string {
  return [
    `mkdir -p git && echo own > git/${round}.txt && git add git && git commit -qm own`,
    `echo kept > git/stash-${round}.txt && git add git && git stash -q`,
    `mkdir -p git/inner-${round} && cd git/inner-${round} && git init -q && echo inner > f`,
    "git add f && git -c user.name=a -c user.email=a@b commit -qm inner && echo x > $TMPDIR/left",
  ].join(" && ");
}

async function taken(site: Site, name: string, where: string): Promise<void> {
  await until(() => existsSync(join(site.brain, "inbox", where, name)), {
    what: `${name} to be in ${where}`,
    timeoutMs: 30_000,
  });
}

const odd: Scenario = {
  name: "odd",
  content: { config: { max_parallel: 1, limits } },
  stage: async ({ repository: { dir, git, write } }) => {
    await write(".gitmodules", '[submodule "sub"]\n\tpath = sub\n\turl = ../sub\n');
    mkdirSync(join(dir, "sub"), { recursive: true });
    const head = await git("rev-parse", "HEAD~0");
    await git("add", ".gitmodules");
    await git("update-index", "--add", "--cacheinfo", `160000,${head},sub`);
    await git("commit", "--quiet", "--allow-empty", "--message", "A submodule");
  },
  run: async (site, round) => {
    const id = `odd-${round}`;
    const attributes = "f.txt working-tree-encoding=no-such-encoding";
    const save = `mkdir odd-${round} && cd odd-${round} && echo x > f.txt && echo '${attributes}' > .gitattributes`;
    const left =
      "echo x > sub/left && mkdir -m 500 closed && mkdir left && cd left && echo x > f.txt && echo x > .env && mkfifo pipe && chmod 500 .";
    const ids = await submitted(site, [
      task(site, `${id}-left`, `${left} && ${deepFolders}; exit 1`),
      task(site, id, `${commitsKey} && ${save}; exit 1`),
    ]);
    return { ids, failing: ids };
  },
};

/** Red at the gate, sent back with the output, repaired. */
const sentBack: Scenario = {
  name: "sentBack",
  content: {
    config: { max_parallel: 1, limits, verify: [{ shell: "! ls bad* 2> /dev/null" }] },
  },
  run: async (site, round) => {
    const id = `back-${round}`;
    const shell = `if [ -s "$ORCHD_GATE_OUTPUT" ]; then echo ${id} > good-${round}; else echo > bad; fi`;
    const retries = { max: 3, backoff: "10ms" };
    return { ids: await submitted(site, [task(site, id, shell, { retries })]), conflicting: [id] };
  },
};

/** Two changes of a file that a command makes meet, and the command changes another one besides. */
const generated: Scenario = {
  name: "generated",
  content: {
    files: { "README.md": "# Scratch\n", lock: "begin\n" },
    config: {
      max_parallel: 2,
      limits,
      generated: [{ paths: ["lock"], run: { shell: "echo made >> lock; echo x > beside" } }],
    },
  },
  run: async (site, round) => {
    const ids = ["one", "two"].map((name) => `generated-${round}-${name}`);
    // Each begins when both have begun, so that both begin at the same base.
    const tasks = ids.map((id, at) => {
      const other = join(site.startsFolder, ids[1 - at] ?? "");
      const meet = `for i in $(seq 100); do [ -s ${other} ] && break; sleep 0.05; done`;
      return task(site, id, `${meet}; echo ${id} > lock`);
    });
    return { ids: await submitted(site, tasks), conflicting: ids };
  },
};

/** And takes it away again: it stays in the history. */
const commitsKey =
  "echo key > id_rsa && git add id_rsa && git commit -qm key && git rm -q id_rsa && git commit -qm less";

/** Deeper below the temporary folder than a path can say. */
const deepFolders = [
  "name=$(printf %0200d 0) && cd $TMPDIR",
  "for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do mkdir $name && cd $name || exit 1; done",
  "mkdir -p $name/$name/$name/$name/$name/$name/$name/$name/$name/$name",
].join(" && ");

/** What crashes and people have left lying about. */
const untidy: Scenario = {
  name: "untidy",
  content: { config: { max_parallel: 1, limits, retention: { attempts: 1 } } },
  stage: async (site, round) => {
    await crashed(site, `untidy-${round}-before`);
    const { dir, git } = site.repository;
    mkdirSync(join(dir, ".git/refs/orchd/attempts"), { recursive: true });
    writeFileSync(join(dir, ".git/refs/orchd/attempts/left.lock"), "");
    mkdirSync(join(site.brain, "locks/e0"), { recursive: true });
    writeFileSync(join(site.brain, "locks/e0/left.1.lock"), "");
    for (let epoch = 1; epoch <= archivedMany; epoch += 1)
      mkdirSync(join(site.brain, `locks/earlier/e${epoch}`), { recursive: true });
    writeFileSync(
      join(site.stateDir, "supervisor.db"),
      "this is no database any more\n".repeat(200),
    );
    // Then only the repository and the journal itself know the epoch.
    for (const name of ["supervisor.json", "journal.mark"])
      rmSync(join(site.stateDir, name), { force: true });
    const commit = await git("rev-parse", "main");
    const tree = await git("rev-parse", "main^{tree}");
    spoilWorkspace(site, { commit, tree });
  },
  run: async (site, round) => ({
    ids: await submitted(site, [
      task(site, `untidy-${round}`, `${inTheWay(site, round)}; ${agentWithGit(round)}`),
      { ...writes(site, `untidy-${round}-after`, 0), after: [`untidy-${round}`] },
    ]),
  }),
};

/** Makes a folder where the next attempt will have its own. */
function inTheWay(site: Site, round: number): string {
  return `mkdir -p ${join(site.brain, `worker-1/attempts/untidy-${round}-after.1`)}`;
}

/** Work of nobody that cannot be saved, in a workspace that is none, and a broken `own.git`. */
function spoilWorkspace(site: Site, base: { commit: string; tree: string }): void {
  const homes = join(site.repository.env["XDG_STATE_HOME"] ?? "", "orchd");
  const [id] = existsSync(homes) ? readdirSync(homes) : [];
  const worker = join(homes, id ?? "", "worker-1");
  if (id === undefined || !existsSync(worker)) return;
  const held = { task: "nobody", attempt: 1, fence: 1, startedAt: 1_700_000_000_000, base };
  writeFileSync(join(worker, "held.json"), JSON.stringify(held));
  for (const name of ["workspace", "own.git", "tmp"])
    rmSync(join(worker, name), { recursive: true, force: true });
  writeFileSync(join(worker, "workspace"), "");
  writeFileSync(join(worker, "own.git"), "");
  mkdirSync(join(worker, "tmp"));
  writeFileSync(join(worker, "tmp/left"), "");
  for (let at = 0; at < setAsideMany; at += 1)
    mkdirSync(join(worker, "set-aside", `old.${at}`), { recursive: true });
}

/** A life that ends with a kill of everything, once it has done something. */
async function crashed(site: Site, id: string): Promise<void> {
  await site.orchd(["start"]);
  await site.wait(await site.submit([writes(site, id, 0)]));
  await endEverything(site.repository);
}

/** A follow that was cut off at `at`, and what somebody did to the checkout before the next start. */
function cutOff(
  name: string,
  at: string,
  meddle: (site: Site, round: number) => Promise<void>,
): Scenario {
  return {
    name,
    content: {
      files: { "README.md": "# Scratch\n", "long.txt": long("old"), "gone.txt": "gone\n" },
      config: { max_parallel: 1, limits },
    },
    stage: async (site, round) => {
      const folder = await site.pointsFolder();
      const kill = [{ role: "supervisor", at }] as const;
      await site.orchd(["start"], { folder, kill });
      const id = `${name}-${round}-before`;
      const shell = [
        "seq 1 4000 > long.txt",
        `echo ${id} >> long.txt`,
        `mkdir -p new/${round} && echo new > new/${round}/f.txt`,
        "if [ -e gone.txt ]; then git rm -q gone.txt; else echo gone > gone.txt; fi",
      ].join("; ");
      await site.submit([task(site, id, shell)]);
      const pid = readSupervisorRecord(site.stateDir)?.pid ?? 0;
      await until(() => existsSync(join(folder, `supervisor.${at}`)) && !isAlive(pid), {
        what: `the supervisor to die at ${at}`,
        timeoutMs: 30_000,
      });
      await meddle(site, round);
    },
    run: async (site, round) => ({
      ids: [
        `${name}-${round}-before`,
        ...(await submitted(site, [writes(site, `${name}-${round}-after`, 0)])),
      ],
    }),
  };
}

const long = (word: string): string => `${word}\n`.repeat(3_000);

/** Files that git was writing, half-way: one that was there before, and one that was not. */
const back = cutOff("back", "follow.syncIndex:after", async ({ repository: { dir } }, round) => {
  const path = join(dir, "long.txt");
  writeFileSync(path, readFileSync(path).subarray(0, 4096));
  writeFileSync(join(dir, `new/${round}/f.txt`), "");
  await Promise.resolve();
});

/** The person removed a lock that was in their way. */
const forth = cutOff("forth", "follow.target:after", async ({ repository: { dir } }) => {
  rmSync(join(dir, ".git/index.lock"));
  rmSync(join(dir, "long.txt"));
  await Promise.resolve();
});

const elsewhere: Scenario = {
  name: "elsewhere",
  content: { config: { target: "main", max_parallel: 1, limits } },
  elsewhere: true,
  stage: async ({ repository: { git } }) => {
    await git("checkout", "--quiet", "--detach");
  },
  run: async (site, round) => ({
    ids: await submitted(site, [writes(site, `apart-${round}`, 0)]),
  }),
};

/** With a remote, which has everything in the end. */
const pushing: Scenario = {
  ...small,
  name: "pushing",
  content: { config: { max_parallel: 2, limits, push: { remote: "origin", quiet: "50ms" } } },
  stage: async ({ repository: { dir, git } }) => {
    const remote = join(dir, "../remote.git");
    if (existsSync(remote)) return;
    await git("init", "--quiet", "--bare", remote);
    // As with an editor: somebody's config.lock lies there, which git would respect.
    appendFileSync(join(dir, ".git/config"), `[remote "origin"]\n\turl = ${remote}\n`);
  },
  run: async (site, round) => {
    const { dir, git } = site.repository;
    const ids = await submitted(site, [writes(site, `pushing-${round}`, 0)]);
    await site.wait(ids);
    const ref = join(dir, "../remote.git/refs/heads/main");
    await until(
      async () =>
        existsSync(ref) &&
        readFileSync(ref, "utf8").trim() === (await git("rev-parse", "orchd/main")),
      { what: "the remote to have what landed", timeoutMs: 60_000 },
    );
    return { ids };
  },
};

/**
 * Refs are removed and objects packed; a repack of before left its temporary files, and there are a copy
 * of a damaged journal and the workspace of a worker that there is no more.
 */
const tidied: Scenario = {
  ...small,
  name: "tidied",
  content: { config: { max_parallel: 2, limits, retention: { saved: 1 } } },
  stage: async ({ repository: { dir, env } }) => {
    const left = join(dir, ".git/objects/pack/tmp_pack_left12");
    writeFileSync(left, "");
    const copy = join(dir, ".git/orchd/damaged-left");
    const layout = layoutOf({ commonDir: join(dir, ".git"), workTree: dir });
    const workspace = join(realpathSync(env["XDG_STATE_HOME"] ?? ""), "orchd", layout.repositoryId);
    const own = join(workspace, "worker-9/own.git");
    mkdirSync(join(own, "objects/info"), { recursive: true });
    writeFileSync(join(own, "objects/info/alternates"), join(dir, ".git/objects\n"));
    mkdirSync(copy, { recursive: true });
    seenLongAgo(dir, [left, copy, own]);
    await Promise.resolve();
  },
  run: async (site, round) => {
    const before = await submitted(site, [writes(site, `tidied-${round}-a`, 0)]);
    await site.wait(before);
    await (await site.client()).call("gc", { dry_run: false });
    const after = await submitted(site, [writes(site, `tidied-${round}-b`, 0)]);
    return { ids: [...before, ...after] };
  },
};

function seenLongAgo(dir: string, names: readonly string[]): void {
  const dayMs = 24 * 60 * 60 * 1000;
  const last = { bootId: "an earlier one", uptimeMs: 0, wallMs: 0 };
  const since = new Map(names.map((name) => [name, 0]));
  mkdirSync(join(dir, ".git/orchd"), { recursive: true, mode: 0o700 });
  const row = agesRow({ passedMs: 400 * dayMs, last, collectedMs: null, since });
  writeFileSync(join(dir, ".git/orchd/ages.json"), JSON.stringify(row));
}

/** Somebody checks the branch out in the instant in which it moves. */
const barging: Scenario = {
  ...elsewhere,
  name: "barging",
  meanwhile: checksOut,
};

function checksOut({ repository: { dir } }: Site): NonNullable<FailpointPlan["run"]> {
  const command = ["git", "-C", dir, "checkout", "-q", "main"] as const;
  return [{ role: "supervisor", at: "unseen.move:before", command }];
}

const rewound: Scenario = {
  ...small,
  name: "rewound",
  stage: async (site, round) => {
    const { git } = site.repository;
    await site.orchd(["start"]);
    await site.wait(await site.submit([writes(site, `rewound-${round}-before`, 0)]));
    await until(
      async () => (await git("rev-parse", "main")) === (await git("rev-parse", "orchd/main")),
      { what: "the target to be followed", timeoutMs: 60_000 },
    );
    await site.orchd(["stop"]);
    await git("reset", "--quiet", "--hard", "HEAD~1");
  },
  run: async (site, round) => {
    await (await site.client()).call("land", { accept_rewind: true });
    return { ids: await submitted(site, [writes(site, `rewound-${round}`, 0)]) };
  },
};

/** The person's commits are signed and go through hooks, and so does what lands. */
const personal: Scenario = {
  ...small,
  name: "personal",
  stage: async (site) => {
    await fakeGpg(site.repository, "", "--global");
    const hooks = join(site.repository.dir, ".git/hooks");
    mkdirSync(hooks, { recursive: true });
    const formats = 'mkdir -p hooked && echo x > "hooked/$ORCHD_TASK"';
    for (const [name, text] of [
      ["pre-commit", formats],
      ["commit-msg", 'echo hooked >> "$1"'],
    ] as const)
      writeFileSync(join(hooks, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  },
};

/** Enough events for a snapshot. */
const crowd: Scenario = {
  ...small,
  name: "crowd",
  run: async (site, round) => {
    const many = Array.from({ length: crowdTasks }, (_, at) => ({
      id: `crowd-${round}-${at}`,
      run: ["true"],
      not_before: "2099-01-01T00:00:00Z",
    }));
    const ids = await site.submit(many);
    await site.orchd(["cancel", ...ids.map(String)]);
    return { ids: await submitted(site, [writes(site, `crowd-${round}`, 0)]) };
  },
};

/** The journal is damaged while nobody has it open; afterwards it is put back. */
const damaged: Scenario = {
  ...small,
  name: "damaged",
  alone: async (site, plan) => {
    await site.orchd(["start"]);
    await site.wait(await site.submit([writes(site, `damaged-${hashOf(plan.folder)}`, 0)]));
    await site.orchd(["stop"]);
    const kept = join(dirname(site.repository.dir), "kept");
    cpSync(site.stateDir, kept, { recursive: true });
    const journal = join(site.stateDir, "journal.db");
    const bytes = readFileSync(journal);
    bytes.fill(0xff, 4096, 8192);
    writeFileSync(journal, bytes);
    await site.orchd(["start"], plan);
    const refused = await site.orchd(["start"]);
    const reports = readdirSync(site.stateDir).filter((name) =>
      existsSync(join(site.stateDir, name, "report.json")),
    );
    cpSync(join(kept, "journal.db"), journal);
    rmSync(kept, { recursive: true });
    for (const name of readdirSync(site.stateDir))
      if (name.startsWith("damaged-")) rmSync(join(site.stateDir, name), { recursive: true });
    const again = await site.orchd(["start"]);
    await site.orchd(["stop"]);
    return [
      ...(refused.stderr.includes("damaged") ? [] : [`damage was not refused: ${refused.stderr}`]),
      ...(reports.length === 1 ? [] : [`${reports.length} reports of the damage`]),
      ...(again.code === 0 ? [] : [`the journal put back is refused: ${again.stderr}`]),
    ];
  },
};

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 10);
}

export const scenarios: readonly Scenario[] = [
  small,
  first,
  rich,
  parked,
  continued,
  foreseen,
  odd,
  sentBack,
  generated,
  back,
  forth,
  elsewhere,
  pushing,
  tidied,
  barging,
  rewound,
  personal,
  damaged,
  untidy,
  crowd,
];
