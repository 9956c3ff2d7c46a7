import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect } from "chai";

const program = join(import.meta.dirname, "../../../cli/orchd.ts");

async function shell(script: string): Promise<{ out: string; err: string; code: number }> {
  const child = spawn("bash", ["-c", script], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE: process.execPath, ORCHD: program },
  });
  const closed = once(child, "close") as Promise<[number]>;
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { out, err, code };
}

describe("the program in a pipe", () => {
  it("is quiet when its reader goes away, and does not claim success", async () => {
    const { out, err } = await shell(`"$NODE" "$ORCHD" schema | true; echo "\${PIPESTATUS[0]}"`);
    expect(err).to.equal("");
    expect(out).to.equal("141\n");
  });

  it("says that a full disk did not take what it printed, in one line of its own", async () => {
    const { err, code } = await shell(`"$NODE" "$ORCHD" schema > /dev/full`);
    expect(err).to.match(/^orchd: standard output cannot be written: ENOSPC.*\n.*Make room.*\n$/);
    expect(code).to.equal(75);
    const told = await shell(`"$NODE" "$ORCHD" schema --json > /dev/full`);
    expect(JSON.parse(told.err)).to.have.nested.property("error.code", "disk_full");
  });

  it("keeps its exit code where nobody takes what it says on standard error", async () => {
    expect((await shell(`"$NODE" "$ORCHD" nonsense 2> /dev/full`)).code).to.equal(2);
  });

  it("writes all of a long output before it ends", async () => {
    const { out, code } = await shell(`"$NODE" "$ORCHD" schema config | cat`);
    expect(code).to.equal(0);
    expect(JSON.parse(out)).to.have.property("$schema");
  });

  it("prints no colour, unless it is asked for", async () => {
    expect((await shell(`"$NODE" "$ORCHD" --help`)).out).not.to.include("\u001b");
    expect((await shell(`FORCE_COLOR=1 "$NODE" "$ORCHD" --help`)).out).to.include("\u001b[1m");
    expect((await shell(`FORCE_COLOR=1 NO_COLOR=1 "$NODE" "$ORCHD" --help`)).out).not.to.include(
      "\u001b",
    );
  });

  it("exits with the code of the failure", async () => {
    const { err, code } = await shell(`"$NODE" "$ORCHD" nonsense`);
    expect(code).to.equal(2);
    expect(err).to.match(/^orchd: There is no command "nonsense"/);
  });
});
