import { expect } from "chai";
import { capture } from "../../../system/spawn.ts";

const env = { PATH: "/usr/bin:/bin" };
const shell = (
  script: string,
  more: { input?: string; timeoutMs?: number; bytes?: boolean } = {},
) => capture("/bin/sh", ["-c", script], { env, ...more });

describe("running a short program", () => {
  it("tells what it said and how it ended", async () => {
    expect(await shell("echo out; echo err >&2; exit 3")).to.deep.equal({
      code: 3,
      signal: null,
      stdout: "out\n",
      stderr: "err\n",
      problem: null,
    });
    expect(await shell("kill -TERM $$")).to.deep.include({ code: null, signal: "SIGTERM" });
  });

  it("gives it the input, the folder and exactly the environment it was told", async () => {
    const { stdout } = await capture("/bin/sh", ["-c", "pwd; cat; /usr/bin/env"], {
      env: { A: "1" },
      cwd: "/usr",
      input: "given\n",
    });
    expect(stdout.split("\n").filter((line) => !/^(PWD|OLDPWD|SHLVL|_)=/.test(line))).to.deep.equal(
      ["/usr", "given", "A=1", ""],
    );
    expect((await shell("cat")).stdout).to.equal("");
  });

  it("does not mind input that nobody reads", async () => {
    expect(await shell("exit 0", { input: "x".repeat(1_000_000) })).to.deep.include({ code: 0 });
  });

  it("keeps characters whole that come in pieces, and bytes that are none", async () => {
    expect((await shell("printf '\\303'; sleep 0.05; printf '\\244'")).stdout).to.equal("ä");
    expect((await shell("printf '\\377\\300'", { bytes: true })).stdout).to.equal("\u00ff\u00c0");
  });

  it("says why it could not be started", async () => {
    const absent = await capture("/no/such/program", [], { env });
    expect(absent).to.deep.include({ code: null, signal: null });
    expect(absent.problem).to.equal("/no/such/program could not be started (ENOENT)");
    const nowhere = await capture("/bin/true", [], { env, cwd: "/no/such/folder" });
    expect(nowhere.problem).to.contain("could not be started");
    const unspeakable = await capture("/bin/echo", ["a\0b"], { env });
    expect(unspeakable.problem).to.contain("could not be started");
  });

  it("ends what takes too long, also when something it started holds its output open", async () => {
    const begun = performance.now();
    const { problem, stdout } = await shell("echo begun; sleep 3 & exec sleep 60", {
      timeoutMs: 300,
    });
    expect(problem).to.equal("/bin/sh did not end in time");
    expect(stdout).to.equal("begun\n");
    expect(performance.now() - begun).to.be.below(2_500);
  });

  it("ends what prints too much", async () => {
    const { problem } = await capture("/usr/bin/yes", [], { env, outputBytesMax: 10_000 });
    expect(problem).to.equal("/usr/bin/yes printed too much");
  });
});
