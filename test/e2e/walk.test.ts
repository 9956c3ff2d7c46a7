import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { execa } from "execa";
import { entry, runOrchd } from "../helpers/supervised.ts";
import { makeRepository } from "../helpers/repository.ts";

type Step = { readonly script: string; readonly expected: readonly string[] };

/** Each block of `sh`, with the lines of the block of `text` behind it. */
function stepsOf(page: string): Step[] {
  const blocks = [...page.matchAll(/^```(sh|text)\n([\s\S]*?)^```$/gm)];
  return blocks.flatMap(([, kind, script = ""], at) => {
    if (kind !== "sh") return [];
    const [, next, text = ""] = blocks[at + 1] ?? [];
    return [{ script, expected: next === "text" ? text.split("\n").filter(Boolean) : [] }];
  });
}

/** `…` stands for anything, within a line. */
function patternOf(line: string): RegExp {
  const parts = line.split("…").map((part) => part.trim().replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(parts.join(".*"));
}

describe("docs/walk.md", () => {
  it("is what happens", async function () {
    this.timeout(120_000);
    await using repository = await makeRepository();
    const outside = join(repository.dir, "..");
    const bin = join(outside, "orchd");
    writeFileSync(bin, `#!/bin/sh\nexec '${process.execPath}' '${entry}' "$@"\n`);
    chmodSync(bin, 0o755);
    const env = { ...repository.env, PATH: `${outside}:${repository.env["PATH"]}` };
    const steps = stepsOf(readFileSync(join(import.meta.dirname, "../../docs/walk.md"), "utf8"));
    expect(steps.length).to.be.above(7);
    let cwd = outside;
    try {
      for (const { script, expected } of steps) {
        const ran = await execa("sh", ["-e", "-c", script], {
          cwd,
          env,
          extendEnv: false,
          reject: false,
          all: true,
          stdin: "ignore",
        });
        expect(ran.exitCode, `${script}\n${ran.all}`).to.equal(0);
        const said = ran.all.split("\n").values();
        for (const line of expected) {
          const pattern = patternOf(line);
          expect(
            said.some((one) => pattern.test(one)),
            `${line}\nin\n${ran.all}`,
          ).to.equal(true);
        }
        cwd = join(outside, "shop");
      }
    } finally {
      await runOrchd(repository, ["stop"], { cwd: join(outside, "shop") });
    }
  });
});
