import { expect } from "chai";
import fc from "fast-check";
import { parsePsLine, parseStat } from "../../../system/processTable.ts";

/** proc_pid_stat(5): 52 fields, each filled with its own number but for those that are given. */
function statLine(name: string, state: string, given: Record<number, number> = {}): string {
  const known: Record<number, number> = { 4: 10, 5: 20, 6: 30, 22: 987654321, ...given };
  const fields = Array.from({ length: 49 }, (_, index) => known[index + 4] ?? index + 4);
  return `4711 (${name}) ${state} ${fields.join(" ")}\n`;
}

describe("a line of /proc/<pid>/stat", () => {
  it("is read by field number", () => {
    expect(parseStat(statLine("node", "S"))).to.deep.equal({
      pid: 4711,
      parent: 10,
      group: 20,
      session: 30,
      startTime: 987654321,
      ended: false,
      environment: "set",
    });
  });

  it("is read the same whatever the program calls itself", () => {
    const names = fc.oneof(fc.string(), fc.constantFrom(") Z 1 1 1", "a b", "((", "\n) R"));
    fc.assert(
      fc.property(names, (name) => {
        expect(parseStat(statLine(name, "S"))).to.deep.equal(parseStat(statLine("node", "S")));
      }),
    );
  });

  it("tells zombies and dead ones from the rest", () => {
    const states = ["R", "S", "D", "T", "t", "I", "Z", "X", "x"];
    const ended = states.filter((state) => parseStat(statLine("sh", state))?.ended);
    expect(ended).to.deep.equal(["Z", "X", "x"]);
  });

  it("tells a process without an environment from one that is in the middle of an exec", () => {
    const environment = (given: Record<number, number>): string | undefined =>
      parseStat(statLine("sh", "R", given))?.environment;
    expect(environment({ 50: 1000, 51: 2000 })).to.equal("set");
    expect(environment({ 50: 1000, 51: 1000 })).to.equal("empty");
    expect(environment({ 50: 0, 51: 0 })).to.equal("unset");
    const kernelThread = 0x0020_8040;
    expect(environment({ 9: kernelThread, 50: 0, 51: 0 })).to.equal("empty");
  });

  it("is nothing when it is cut off or foreign", () => {
    for (const text of ["", "4711", "4711 (sh) S 1 2 3", "x (sh) S 1 2 3"])
      expect(parseStat(text)).to.equal(undefined);
  });
});

describe("a line of ps", () => {
  it("gives parent, group, state and start", () => {
    expect(parsePsLine(7, "    1   501 Ss   Fri Nov 21 03:23:00 2025\n")).to.deep.equal({
      pid: 7,
      parent: 1,
      group: 501,
      session: 0,
      startTime: Date.parse("Fri Nov 21 03:23:00 2025"),
      ended: false,
      environment: "unset",
    });
    expect(parsePsLine(7, " 1 501 Z+ Fri Nov 21 03:23:00 2025")?.ended).to.equal(true);
  });

  it("is nothing when ps said nothing", () => {
    expect(parsePsLine(7, "")).to.equal(undefined);
  });
});
