import { expect } from "chai";
import fc from "fast-check";
import { parsePsLine, parseStat } from "../../../system/processTable.ts";

/** proc_pid_stat(5): number, (name), state, parent, group, session, …, start time as field 22, …. */
function statLine(name: string, state: string): string {
  const between = Array.from({ length: 15 }, (_, index) => `${index + 7}`).join(" ");
  return `4711 (${name}) ${state} 10 20 30 ${between} 987654321 23 24 25\n`;
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
    });
    expect(parsePsLine(7, " 1 501 Z+ Fri Nov 21 03:23:00 2025")?.ended).to.equal(true);
  });

  it("is nothing when ps said nothing", () => {
    expect(parsePsLine(7, "")).to.equal(undefined);
  });
});
