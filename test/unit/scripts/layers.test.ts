import { expect } from "chai";
import { breachesOf } from "../../../scripts/layers.ts";

function rulesBroken(file: string, ...lines: readonly string[]): string[] {
  return breachesOf({ file, text: lines.join("\n") }).map(({ line, rule }) => `${line} ${rule}`);
}

describe("the rules of layers", () => {
  it("let each layer import what lies below it", () => {
    expect(rulesBroken("ipc/a.ts", 'import { b } from "./b.ts";')).to.be.empty;
    expect(rulesBroken("system/a.ts", 'import { b } from "../ipc/b.ts";')).to.be.empty;
    expect(rulesBroken("daemon/pool/a.ts", 'import { b } from "../core/b.ts";')).to.be.empty;
    expect(rulesBroken("daemon/pool/a.ts", 'import { b } from "../../system/b.ts";')).to.be.empty;
    expect(rulesBroken("daemon/loop.ts", 'import { b } from "./journal/b.ts";')).to.be.empty;
    expect(rulesBroken("worker/a/b.ts", 'import { b } from "../c/d.ts";')).to.be.empty;
    expect(rulesBroken("cli/commands/a.ts", 'import { b } from "../../system/b.ts";')).to.be.empty;
  });

  it("report an import that points up, in whatever form it is written", () => {
    const broken = rulesBroken(
      "ipc/a.ts",
      'import { git } from "../system/git.ts";',
      'import type { Finished } from "../system/spawn.ts";',
      'export * from "../system/git.ts";',
      'export { git } from "../system/git.ts";',
      'const later = await import("../system/git.ts");',
      'type Spawn = typeof import("../system/spawn.ts");',
      'const old = require("../system/spawn.ts");',
    );
    expect(broken).to.deep.equal([1, 2, 3, 4, 5, 6, 7].map((line) => `${line} layer`));
  });

  it("keep worker, command line and daemon apart", () => {
    expect(rulesBroken("worker/a.ts", 'import "../daemon/core/state.ts";')).to.have.length(1);
    expect(rulesBroken("cli/a.ts", 'import type { A } from "../worker/a.ts";')).to.have.length(1);
    expect(rulesBroken("daemon/pool/a.ts", 'import "../../worker/main.ts";')).to.have.length(1);
    expect(rulesBroken("system/a.ts", 'import "../test/helpers/until.ts";')).to.have.length(1);
  });

  it("keep the folders of daemon apart", () => {
    expect(rulesBroken("daemon/pool/a.ts", 'import "../journal/b.ts";')).to.deep.equal(["1 layer"]);
    expect(rulesBroken("daemon/pool/a.ts", 'import "../loop.ts";')).to.deep.equal(["1 layer"]);
    expect(rulesBroken("daemon/core/a.ts", 'import "../pool/b.ts";')).to.deep.equal(["1 layer"]);
  });

  it("let only the starters import the supervisor, and only when they run it", () => {
    const later = 'const daemon = await import("../../daemon/main.ts");';
    expect(rulesBroken("cli/commands/start.ts", later)).to.be.empty;
    expect(rulesBroken("cli/commands/stop.ts", later)).to.deep.equal(["1 layer"]);
    expect(
      rulesBroken("cli/commands/start.ts", 'import { main } from "../../daemon/main.ts";'),
    ).to.deep.equal(["1 layer"]);
  });

  it("keep each package in its home", () => {
    expect(rulesBroken("worker/child.ts", 'import { execa } from "execa";')).to.be.empty;
    expect(rulesBroken("system/git.ts", 'import { execa } from "execa";')).to.deep.equal([
      "1 home",
    ]);
    expect(rulesBroken("ipc/frames.ts", 'import { Packr } from "msgpackr/pack";')).to.be.empty;
    expect(rulesBroken("cli/a.ts", 'import type { Packr } from "msgpackr";')).to.have.length(1);
    expect(rulesBroken("daemon/pool/a.ts", 'import "node:sqlite";')).to.deep.equal(["1 home"]);
    expect(rulesBroken("system/a.ts", 'createRequire(import.meta.url)("koffi");')).to.deep.equal([
      "1 home",
    ]);
    expect(rulesBroken("worker/a.ts", 'import leftPad from "left-pad";')).to.deep.equal(["1 home"]);
  });

  it("report an import that is computed", () => {
    expect(rulesBroken("worker/a.ts", "await import(path);")).to.deep.equal(["1 computed"]);
    expect(rulesBroken("worker/a.ts", "await import(`./${name}.ts`);")).to.have.length(1);
  });

  it("keep clock, chance, waiting and the outside world out of the core", () => {
    const broken = rulesBroken(
      "daemon/core/a.ts",
      'import { readFileSync } from "node:fs";',
      'import { failure } from "../../ipc/errors.ts";',
      "const now = Date.now();",
      "const dice = Math.random();",
      "const soon = performance.now();",
      "async function later() {}",
      "const arrow = async () => {};",
      "setTimeout(later, 1);",
      "await arrow();",
      "for await (const one of many) one();",
      "const pid = process.pid;",
    );
    expect(broken).to.deep.equal([
      "1 home",
      "2 layer",
      ...[3, 4, 5, 6, 7, 8, 9, 10, 11].map((line) => `${line} pure`),
    ]);
  });

  it("let the core use types of ipc and words that only look impure", () => {
    const broken = rulesBroken(
      "daemon/core/a.ts",
      'import type { TaskId } from "../../ipc/ids.ts";',
      'import { type Failure } from "../../ipc/errors.ts";',
      'type Spec = import("../../ipc/taskSpec.ts").TaskSpec;',
      "type Found = { readonly process: number; crypto?: string };",
      "const found: Found = { process: task.process };",
      "const smallest = Math.min(1, 2);",
    );
    expect(broken).to.be.empty;
  });

  it("never let the package lockfile get its stale option", () => {
    const home = "daemon/locks/a.ts";
    const load = 'const { default: lockfile } = await import("lockfile");';
    expect(rulesBroken(home, load, "lockfile.lock(path, { wait: 5 }, done);")).to.be.empty;
    expect(rulesBroken(home, load, "lockfile.lock(path, { stale: 5 }, done);")).to.deep.equal([
      "2 stale",
    ]);
    expect(rulesBroken(home, load, 'const options = { "stale": 5 };')).to.deep.equal(["2 stale"]);
    expect(rulesBroken(home, load, "options.stale = 5;")).to.deep.equal(["2 stale"]);
    expect(rulesBroken("daemon/pool/a.ts", load)).to.deep.equal(["1 home"]);
  });

  it("say what is wrong and what to do", () => {
    const [breach] = breachesOf({ file: "cli/a.ts", text: '\nimport "../daemon/loop.ts";' });
    expect(breach).to.include({ file: "cli/a.ts", line: 2, rule: "layer" });
    expect(breach?.message).to.match(/^cli imports daemon\/loop\.ts; .*put the message into ipc$/);
  });
});
