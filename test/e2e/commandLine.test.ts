import { expect } from "chai";
import { makeSupervised, runOrchd } from "../helpers/supervised.ts";
import { onlyAsks, runHere } from "../helpers/commandLine.ts";
import type { Supervised } from "../helpers/supervised.ts";

/** In an order in which none changes what the next one says: all has ended, and stays as it is. */
const lines = [
  ["status"],
  ["show", "good"],
  ["show", "good", "--json"],
  ["trace", "bad"],
  ["history"],
  ["logs", "good"],
  ["workers"],
  ["locks"],
  ["events"],
  ["wait", "good"],
  ["wait", "bad", "--json"],
  ["land"],
  ["pause", "bad"],
  ["resume", "bad"],
  ["cancel", "good"],
  ["retry", "good"],
  ["gc", "--dry-run"],
  ["submit", "missing.yaml"],
];

/** They are asked one after the other: what is told of times and of the asking itself differs. */
function withoutNumbers(said: string): string {
  return said.replaceAll(/\d+(?:\.\d+)?(?: ?(?:ms|[smhd])\b)?/g, "0").replaceAll(/ +/g, " ");
}

describe("a command that asks the supervisor", function () {
  this.timeout(60_000);
  let supervised: Supervised;

  before(async () => {
    supervised = await makeSupervised();
    const [good, bad] = ["echo said; echo hint >&2; echo x > x", "echo no; exit 3"];
    const shells = { good, bad };
    const tasks = Object.entries(shells).map(([id, shell]) => ({ id, run: { shell }, retries: 0 }));
    await supervised.wait(await supervised.submit(...tasks));
  });

  after(async () => {
    await supervised[Symbol.asyncDispose]();
  });

  // What the other tests rely on: they call it without a process of its own.
  for (const words of lines)
    it(`says in the process of a test what it says as a program: ${words.join(" ")}`, async () => {
      expect(onlyAsks(words)).to.equal(true);
      const { repository } = supervised;
      const program = await runOrchd(repository, words);
      const here = await runHere(repository, words);
      expect(`${here.stdout}${here.stderr}`).to.not.equal("");
      for (const stream of ["stdout", "stderr"] as const)
        expect(withoutNumbers(here[stream]), stream).to.equal(withoutNumbers(program[stream]));
      expect(here.code).to.equal(program.code);
    });
});
