import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { makeRepository } from "./repository.ts";
import { supervise } from "./supervised.ts";
import { until } from "./until.ts";
import type { Supervised } from "./supervised.ts";
import type { TaskId } from "../../ipc/ids.ts";

/** A supervisor whose checks can be held up, so that landings gather behind the first one. */
export type Gated = {
  readonly supervised: Supervised;
  /** The checks of whatever is tested wait, until `release`. */
  readonly hold: () => void;
  readonly release: () => void;
  /** How often the checks were run so far. */
  readonly runs: () => number;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

type Settings = Readonly<Record<string, unknown>>;

/** `check`: a shell line that fails on a bad tree; it and `config` are given the folder beside the repository. */
export async function makeGated(
  check: string | ((root: string) => string),
  config: Settings | ((root: string) => Settings) = {},
): Promise<Gated> {
  const repository = await makeRepository();
  const [count, held] = ["runs", "held"].map((name) => join(dirname(repository.dir), name));
  if (count === undefined || held === undefined) throw new Error("no names");
  const line = typeof check === "string" ? check : check(dirname(repository.dir));
  const shell = `echo run >> '${count}'; while [ -e '${held}' ]; do sleep 0.1; done; ${line}`;
  const more = typeof config === "function" ? config(dirname(repository.dir)) : config;
  const settings = { max_parallel: 3, verify: [{ shell }], ...more };
  await repository.write("orchd.yaml", JSON.stringify(settings));
  await repository.commit("configured");
  const supervised = await supervise(repository);
  return {
    supervised,
    hold: () => writeFileSync(held, ""),
    release: () => rmSync(held),
    runs: () => (existsSync(count) ? readFileSync(count, "utf8").trim().split("\n").length : 0),
    [Symbol.asyncDispose]: () => supervised[Symbol.asyncDispose](),
  };
}

export function writing(file: string): object {
  return { title: `write ${file}`, run: { shell: `echo ${file} > ${file}` }, claims: [file] };
}

/** The first is at the gate, which is held, and the others wait to land behind it. */
export async function gather(gated: Gated, tasks: readonly object[]): Promise<TaskId[]> {
  const { supervised, runs } = gated;
  gated.hold();
  const before = runs();
  const first = await supervised.submit(writing(`first${before}`));
  await until(() => runs() > before, { what: "the first at the gate" });
  const ids = await supervised.submit(...tasks);
  const client = await supervised.client();
  await until(
    async () => {
      const { counts } = await client.call("status", { open_max: 0, finished_max: 0 });
      return counts.landing === ids.length + first.length;
    },
    { what: "all of them to wait to land", timeoutMs: 30_000 },
  );
  return [...first, ...ids];
}

/** The checks of `oneGuilty`: a file whose name begins with `bad` is red, and named. */
export const noBadFile = "! ls bad* 2>/dev/null";

/** Ten wait to land, and the one at `place` (from 1) is red: nine land, by at most six gate runs. */
export async function oneGuilty(gated: Gated, place: number): Promise<void> {
  const { supervised, runs, release } = gated;
  const { repository } = supervised;
  const files = Array.from({ length: 10 }, (_, at) =>
    at + 1 === place ? `bad${place}` : `round${place}.${at + 1}`,
  );
  const tip = await repository.git("rev-parse", "orchd/main");
  const ids = await gather(
    gated,
    files.map((file) => writing(file)),
  );
  const before = runs();
  release();
  const ends = await supervised.wait(ids);
  const expected = files.map((file) => (file.startsWith("bad") ? "failed" : "succeeded"));
  expect(ends.map(({ status }) => status)).to.deep.equal(["succeeded", ...expected]);
  expect(ends[place]?.reason).to.deep.include({ kind: "gate", output: `bad${place}\n` });
  expect(runs() - before, `guilty is number ${place}`).to.be.within(1, 6);
  const log = await repository.git("log", "--format=%s", `${tip}..orchd/main`);
  const subjects = log.split("\n");
  expect(new Set(subjects).size, "each landed once").to.equal(subjects.length);
  expect(subjects).to.have.length(1 + 9);
  const landed = await filesOn(supervised, "orchd/main");
  expect(landed.filter((file) => file.startsWith("bad"))).to.deep.equal([]);
}

export async function filesOn(supervised: Supervised, branch: string): Promise<string[]> {
  return (await supervised.repository.git("ls-tree", "--name-only", branch)).split("\n");
}
