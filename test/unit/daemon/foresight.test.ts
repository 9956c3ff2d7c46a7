import { expect } from "chai";
import { setImmediate as turn } from "node:timers/promises";
import { Foresight } from "../../../daemon/foresight.ts";
import { World, id, oid, spec } from "../../helpers/core.ts";
import type { Command } from "../../../daemon/core/commands.ts";
import type { Log } from "../../../daemon/observe/log.ts";
import { GitError } from "../../../system/git.ts";
import type { Oid } from "../../../ipc/ids.ts";

/** Two tasks that run, a git that answers by the script of the test, rests that end at once. */
function scene(
  answer: (one: Oid, two: Oid) => readonly string[],
  settings: Parameters<typeof World.ready>[0] = {},
) {
  const world = World.ready(settings).submit(spec("a"), spec("b"));
  const asked: string[] = [];
  const told: Command[] = [];
  const swept: string[][] = [];
  let atWork = 0;
  const quiet = { info: () => {}, warn: () => {}, error: () => {} } as unknown as Log;
  const foresight = new Foresight({
    loop: { state: world.state, tell: (command) => void told.push(command) },
    landing: {
      foresee: async (one, two, leftOut) => {
        atWork += 1;
        expect(atWork, "gits at a time").to.equal(1);
        asked.push(`${one.replaceAll(".", "")} ${two.replaceAll(".", "")}`);
        await turn();
        atWork -= 1;
        return answer(one, two).filter((path) => leftOut?.(path) !== true);
      },
      sweepLive: async (running) => {
        await turn();
        swept.push([...running]);
      },
    },
    wallMs: () => world.at,
    setTimer: (_ms, run) => {
      const timer = setImmediate(run);
      return { cancel: () => clearImmediate(timer) };
    },
    log: quiet,
  });
  const seen = (name: string, commit: string) =>
    foresight.seen({ task: id(name), attempt: 1, fence: world.landingFence(name) }, oid(commit));
  const settled = async (): Promise<void> => {
    for (let turns = 0; turns < 30; turns += 1) await turn();
  };
  return { world, foresight, asked, told, swept, seen, settled };
}

describe("foreseen conflicts", () => {
  it("are looked for once in each pair as it is, and told when they begin, change and end", async () => {
    let paths: readonly string[] = ["x"];
    const { asked, told, seen, settled, foresight } = scene(() => paths);
    seen("a", "a1");
    seen("b", "b1");
    seen("b", "b1");
    await settled();
    expect(asked).to.deep.equal(["a1 b1"]);
    expect(told).to.deep.equal([{ type: "foresee", task: "a", other: "b", paths: ["x"] }]);
    expect(foresight.views()[0]).to.deep.include({ task: "a", with: "b", paths: ["x"] });
    seen("a", "a2");
    await settled();
    expect(told, "the same files").to.have.length(1);
    paths = ["x", "y"];
    seen("b", "b2");
    await settled();
    paths = [];
    seen("a", "a3");
    await settled();
    expect(told.slice(1).map((one) => one.type === "foresee" && one.paths)).to.deep.equal([
      ["x", "y"],
      [],
    ]);
    expect(foresight.views()).to.deep.equal([]);
    expect(asked).to.deep.equal(["a1 b1", "a2 b1", "a2 b2", "a3 b2"]);
    await foresight.close();
  });

  it("end with either task, whose running state is swept; what has landed is compared", async () => {
    const { world, told, seen, settled, foresight, swept, asked } = scene(() => ["x"]);
    seen("a", "a1");
    seen("b", "b1");
    await settled();
    world.done("b", ["x"]).merged("b").moved("b");
    foresight.afterBatch();
    await settled();
    expect(swept).to.deep.equal([["a"]]);
    expect(asked.at(-1)).to.equal("a1 c-b");
    expect(told.at(-1)).to.deep.equal({ type: "foresee", task: "a", other: null, paths: ["x"] });
    expect(foresight.views().map((one) => one.with)).to.deep.equal([null]);
    await foresight.close();
  });

  it("stay as they are known where git fails, and nobody asks it again and again", async () => {
    const result = { code: 128, signal: null, stdout: "", stderr: "gone", problem: null };
    const { asked, told, seen, settled, foresight } = scene(() => {
      throw new GitError(["merge-tree"], result);
    });
    seen("a", "a1");
    seen("b", "b1");
    seen("a", "stale");
    await settled();
    expect(asked.length).to.be.at.most(2);
    expect(told).to.deep.equal([]);
    await foresight.close();
  });

  it("are none in files that are made anew, from the moment on that these are declared", async () => {
    const { told, seen, settled, foresight, world, asked } = scene(() => ["lock.json", "x"]);
    seen("a", "a1");
    seen("b", "b1");
    await settled();
    const rule = { paths: ["*.json"], run: ["make"], timeoutMs: 1 } as const;
    const settings = { ...world.state.settings, generated: [rule] };
    world.turn({ type: "settingsChanged", settings });
    foresight.afterBatch();
    await settled();
    expect(told.map((one) => one.type === "foresee" && one.paths)).to.deep.equal([
      ["lock.json", "x"],
      ["x"],
    ]);
    expect(asked).to.deep.equal(["a1 b1", "a1 b1"]);
    await foresight.close();
  });

  it("are not looked for, and nothing is swept, once it is closed; a sweep under way is waited for", async () => {
    const { world, seen, settled, foresight, swept, asked } = scene(() => ["x"]);
    seen("a", "a1");
    await settled();
    const before = asked.length;
    foresight.begin();
    await foresight.close();
    expect(swept, "finished").to.deep.equal([["a", "b"]]);
    seen("b", "b1");
    world.done("a");
    foresight.afterBatch();
    await settled();
    expect([swept.length, asked.length]).to.deep.equal([1, before]);
  });
});
