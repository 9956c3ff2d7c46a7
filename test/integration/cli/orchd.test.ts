import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { expect } from "chai";
import { parseModule } from "../../../scripts/imports.ts";

const program = "cli/orchd.ts";

/** Runs the program in a Node that claims to be `version`. */
function runAs(version: string, ...args: readonly string[]): { code: number | null; said: string } {
  const pretend = `Object.defineProperty(process, "versions", {
    value: { ...process.versions, node: ${JSON.stringify(version)} },
  });`;
  const flags = [`--import=data:text/javascript,${encodeURIComponent(pretend)}`];
  const { status, stderr } = spawnSync(process.execPath, [...flags, program, ...args], {
    encoding: "utf8",
  });
  return { code: status, said: stderr };
}

describe("the program orchd", () => {
  it("refuses a Node that is too old, in one line, with exit code 2", () => {
    for (const version of ["18.19.0", "20.20.2", "22.21.9"])
      expect(runAs(version, "--version")).to.deep.equal({
        code: 2,
        said: `orchd needs Node 22.22 or newer; this is ${version} (${process.execPath})\n`,
      });
  });

  it("starts on the oldest Node it asks for, and on newer ones", () => {
    for (const version of ["22.22.0", "23.0.0", "24.21.0", "100.0.0"])
      expect(runAs(version, "--version")).to.deep.equal({ code: 0, said: "" });
  });

  it("asks for the same Node as the package", async () => {
    const { engines } = JSON.parse(await readFile("package.json", "utf8")) as {
      engines: { node: string };
    };
    const { said } = runAs("1.0.0");
    expect(said).to.include(`needs Node ${engines.node.replace(">=", "")} or newer`);
  });

  it("imports nothing before it has looked at the version that an old Node might not have", async () => {
    const { imports } = parseModule(program, await readFile(program, "utf8"));
    const early = imports.filter(({ kind }) => kind === "static").map((one) => one.specifier);
    expect(early).to.deep.equal(["node:module"]);
  });
});
