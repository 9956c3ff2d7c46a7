import { spawnSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { exitCodes } from "../../../ipc/errors.ts";

const unit = "systemd/orchd@.service";
const plist = "systemd/io.orchd.plist";

/** launchd.plist(5); `plistlib` reads a misspelt key without a word. */
const launchdKeys = [
  "EnvironmentVariables",
  "ExitTimeOut",
  "KeepAlive",
  "Label",
  "ProcessType",
  "ProgramArguments",
  "RunAtLoad",
  "SoftResourceLimits",
  "StandardErrorPath",
  "StandardOutPath",
  "ThrottleInterval",
  "Umask",
  "WorkingDirectory",
] as const;

function run(program: string, ...args: readonly string[]): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  return { code: status, said: `${stdout}${stderr}`.trim() };
}

function isMissing(program: string): boolean {
  const missing = spawnSync(program, ["--version"]).error !== undefined;
  if (missing) console.log(`SKIPPED: ${program} is not installed, so this is not tested here`);
  return missing;
}

describe("the systemd unit", () => {
  let folder: string;

  before(function () {
    if (isMissing("systemd-analyze")) this.skip();
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "unit-"));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("is valid for an instance, without a single warning", async () => {
    await cp(unit, join(folder, "orchd@.service"));
    const verified = run("systemd-analyze", "verify", join(folder, "orchd@srv-project.service"));
    expect(verified).to.deep.equal({ code: 0, said: "" });
  });

  it("would not pass with a misspelt key", async () => {
    const text = await readFile(unit, "utf8");
    await writeFile(join(folder, "orchd@.service"), text.replace("WatchdogSec=", "WatchdogSecs="));
    const { said } = run("systemd-analyze", "verify", join(folder, "orchd@srv-project.service"));
    expect(said).to.match(/Unknown key.*WatchdogSecs/);
  });

  it("tries again after a disk that failed or was full, and not after what a person has to change", async () => {
    const text = await readFile(unit, "utf8");
    const final = /^RestartPreventExitStatus=(.*)$/m.exec(text)?.[1]?.split(" ").map(Number);
    expect(final).to.have.members([exitCodes.usage, exitCodes.refused]);
    expect(text).to.match(/^Restart=on-failure$/m);
    expect(text).to.match(/^StartLimitIntervalSec=0$/m);
  });

  it("starts the supervisor in the process that systemd watches", async () => {
    const text = await readFile(unit, "utf8");
    expect(text)
      .to.match(/^Type=notify$/m)
      .and.match(/^NotifyAccess=main$/m);
    expect(text).to.match(/^ExecStart=\/usr\/bin\/env orchd start --foreground --repo %f$/m);
  });
});

describe("the launchd template", () => {
  let content: Record<string, unknown>;

  before(function () {
    if (isMissing("python3")) this.skip();
    const program =
      "import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
    const { code, said } = run("python3", "-c", program, plist);
    expect(code, said).to.equal(0);
    content = JSON.parse(said) as Record<string, unknown>;
  });

  it("has only keys that launchd knows", () => {
    expect(Object.keys(content).filter((key) => !launchdKeys.some((known) => known === key))).to.be
      .empty;
  });

  it("starts again after a failure, and not after a stop", () => {
    expect(content).to.deep.include({ RunAtLoad: true, KeepAlive: { SuccessfulExit: false } });
    expect(content["ProgramArguments"]).to.include.members(["start", "--foreground", "--repo"]);
  });
});
