import { chmod, readFile, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { isGone } from "../helpers/processes.ts";
import { supervise } from "../helpers/supervised.ts";
import { makeRepository } from "../helpers/repository.ts";
import { until } from "../helpers/until.ts";
import type { EventView } from "../../ipc/eventView.ts";
import type { PushView } from "../../ipc/pushView.ts";
import type { Supervised } from "../helpers/supervised.ts";

const push = { remote: "origin", quiet: "100ms", timeout: "20s" };

type Pushing = Supervised & { readonly remote: string };

/** With a bare repository beside it, as `origin`. */
async function makePushing(config: object = {}): Promise<Pushing> {
  const repository = await makeRepository({
    config: { max_parallel: 2, limits: { grace: "500ms" }, push, ...config },
  });
  const remote = join(repository.dir, "../remote.git");
  await repository.git("init", "--quiet", "--bare", "--initial-branch=main", remote);
  await repository.git("remote", "add", "origin", remote);
  return { ...(await supervise(repository)), remote };
}

function writes(id: string): object {
  return { id, run: { shell: `echo ${id} > ${id}.txt` }, claims: [`${id}.txt`] };
}

async function pushView({ client }: Supervised): Promise<PushView> {
  const { landing } = await (await client()).call("status", { finished_max: 0, open_max: 0 });
  if (landing.push === null) throw new Error("nothing is pushed");
  return landing.push;
}

async function isPushed({ repository, remote }: Pushing): Promise<boolean> {
  const theirs = await repository.git("--git-dir", remote, "rev-parse", "refs/heads/main");
  return theirs === (await repository.git("rev-parse", "orchd/main"));
}

/** Every push then starts this instead of ssh: it notes its pid and never answers. */
async function hang({ repository }: Pushing): Promise<() => Promise<number[]>> {
  const file = join(repository.dir, "../hanging");
  const pids = join(repository.dir, "../pids");
  await writeFile(file, `#!/bin/sh\necho $$ >> '${pids}'\nwhile :; do sleep 0.2; done\n`);
  await chmod(file, 0o755);
  await repository.git("config", "core.sshCommand", file);
  await repository.git("remote", "set-url", "origin", "host.invalid:x.git");
  return async () =>
    existsSync(pids) ? (await readFile(pids, "utf8")).trim().split("\n").map(Number) : [];
}

describe("what landed", () => {
  it("is pushed, said by an event, and shown", async function () {
    this.timeout(60_000);
    await using supervised = await makePushing();
    const seen: EventView[] = [];
    await (await supervised.client()).subscribe(0, (event) => seen.push(event));
    await supervised.wait(await supervised.submit(writes("a"), writes("b")));
    await until(() => isPushed(supervised), { what: "the push" });
    await until(async () => !(await pushView(supervised)).behind, { what: "its journal" });
    expect(seen.some(({ name }) => name === "push:succeeded")).to.equal(true);
    const { stdout } = await supervised.orchd("status");
    expect(stdout).to.match(/main on origin has everything that landed/);
    // As after any push of the person's own.
    expect(await supervised.repository.git("rev-parse", "origin/main")).to.equal(
      await supervised.repository.git("rev-parse", "main"),
    );
  });

  it("is pushed before a drain ends, though its time had not come; a server that is away delays no stop", async function () {
    this.timeout(60_000);
    await using supervised = await makePushing({ push: { ...push, quiet: "10m" } });
    const { repository, remote, orchd, start } = supervised;
    await supervised.wait(await supervised.submit(writes("a")));
    expect((await pushView(supervised)).behind).to.equal(true);
    expect((await orchd("stop", "--drain")).code).to.equal(0);
    expect(await isPushed(supervised)).to.equal(true);
    await start();
    expect((await pushView(supervised)).behind, "and that is journaled").to.equal(false);
    await repository.git("remote", "set-url", "origin", `${remote}.away`);
    await supervised.wait(await supervised.submit(writes("b")));
    expect((await orchd("stop", "--drain")).code).to.equal(0);
    await repository.git("remote", "set-url", "origin", remote);
    await start();
    expect((await pushView(supervised)).behind).to.equal(true);
  });

  it("waits, and says why, while the remote is away, and is pushed when it is back", async function () {
    this.timeout(60_000);
    await using supervised = await makePushing();
    const { repository, remote } = supervised;
    await repository.git("remote", "set-url", "origin", `${remote}.away`);
    await supervised.wait(await supervised.submit(writes("a")));
    await until(async () => (await pushView(supervised)).state === "waiting", {
      what: "a push that failed",
    });
    const { stdout } = await supervised.orchd("status");
    expect(stdout).to.match(
      /1 landed wait to be pushed to main on origin: last error: .*not appear to be a git.*; next try in/s,
    );
    await repository.git("remote", "set-url", "origin", remote);
    await supervised.orchd("land");
    await until(() => isPushed(supervised), { what: "the push" });
  });

  it("is held when somebody else pushed, and goes on once that was pulled", async function () {
    this.timeout(60_000);
    await using supervised = await makePushing();
    const { repository, remote } = supervised;
    await supervised.wait(await supervised.submit(writes("a")));
    await until(() => isPushed(supervised), { what: "the first push" });
    const theirs = join(repository.dir, "../theirs");
    await repository.git("clone", "--quiet", remote, theirs);
    await writeFile(join(theirs, "theirs.txt"), "theirs\n");
    await repository.git("-C", theirs, "add", ".");
    await repository.git("-C", theirs, "commit", "--quiet", "--message", "Theirs");
    await repository.git("-C", theirs, "push", "--quiet", "origin", "main");
    await supervised.wait(await supervised.submit(writes("b")));
    const held = await until(
      async () => {
        const view = await pushView(supervised);
        return view.problem?.kind === "held" ? view : null;
      },
      { what: "a push that is held" },
    );
    expect(held.problem?.message).to.match(/git pull origin main/);
    await repository.git("pull", "--quiet", "--no-rebase", "origin", "main");
    await supervised.orchd("land");
    await until(() => isPushed(supervised), { what: "the push of both" });
    const files = await repository.git("--git-dir", remote, "ls-tree", "--name-only", "main");
    expect(files.split("\n")).to.include.members(["a.txt", "b.txt", "theirs.txt"]);
  });
});

describe("a push that hangs", () => {
  it("is waited for by no landing and by no stop, and leaves nothing behind", async function () {
    this.timeout(60_000);
    await using supervised = await makePushing();
    const pids = await hang(supervised);
    await supervised.wait(await supervised.submit(writes("a")));
    await until(async () => (await pids()).length > 0, { what: "a push that hangs" });
    await supervised.wait(await supervised.submit(writes("b"), writes("c")));
    expect((await pushView(supervised)).state).to.equal("pushing");
    const { code } = await supervised.orchd("stop");
    expect(code).to.equal(0);
    for (const pid of await pids()) await until(() => isGone(pid), { what: "its end" });
  });

  it("is ended by the next supervisor when its own was killed, and pushed again", async function () {
    this.timeout(60_000);
    await using supervised = await makePushing();
    const { repository, remote } = supervised;
    const pids = await hang(supervised);
    await supervised.wait(await supervised.submit(writes("a")));
    await until(async () => (await pids()).length > 0, { what: "a push that hangs" });
    await supervised.killSupervisor();
    await repository.git("remote", "set-url", "origin", remote);
    await supervised.start();
    for (const pid of await pids()) await until(() => isGone(pid), { what: "its end" });
    await until(() => isPushed(supervised), { what: "the push" });
  });
});
