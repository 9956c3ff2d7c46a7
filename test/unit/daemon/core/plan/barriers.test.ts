import { expect } from "chai";
import { ids, spec, World } from "../../../../helpers/core.ts";
import { withBarriers } from "../../../../../daemon/core/plan/barriers.ts";

describe("waves with barriers", () => {
  const specs = [
    spec("a"),
    spec("b"),
    spec("c", { after: ["a"] }),
    spec("d", { after_any: ["b"] }),
    spec("e"),
  ];
  const waves = [ids("a", "b"), ids("c", "d"), ids("e")];
  const made = withBarriers(specs, waves, { mark: "x", afterMax: 1_000 });
  const world = () => World.ready({ slots: 4 }).submit(...made.specs);

  it("put one task between two waves, which comes after the first however its tasks end", () => {
    expect(made.barriers).to.deep.equal(["wave-1-x", "wave-2-x"]);
    const after = made.specs.map((one) => [one.id, one.after.join(), one.after_any.join()]);
    expect(after).to.deep.equal([
      ["a", "", ""],
      ["b", "", ""],
      ["c", "a", "wave-1-x"],
      ["d", "", "b,wave-1-x"],
      ["e", "", "wave-2-x"],
      ["wave-1-x", "", "a,b"],
      ["wave-2-x", "", "c,d"],
    ]);
  });

  it("hold back a wave until the last of the one before has ended", () => {
    const one = world();
    expect(one.running()).to.deep.equal(["a", "b"]);
    one.done("a");
    expect(one.running()).to.deep.equal(["b"]);
    one.done("b");
    expect(one.running()).to.deep.equal(["wave-1-x"]);
    one.done("wave-1-x");
    expect(one.running()).to.deep.equal(["c", "d"]);
  });

  it("go on behind a task that failed, without those that come after it", () => {
    const one = world().fail("a").done("b").done("wave-1-x");
    expect(one.status("c")).to.equal("failed");
    expect(one.running()).to.deep.equal(["d"]);
    expect(one.done("d").done("wave-2-x").running()).to.deep.equal(["e"]);
  });

  it("give a wave that is too large for one barrier several", () => {
    const large = withBarriers(specs, [ids("a", "b", "c"), ids("d"), ids("e")], {
      mark: "x",
      afterMax: 2,
    });
    expect(large.barriers).to.deep.equal(["wave-1-x-1", "wave-1-x-2", "wave-2-x"]);
    expect(large.specs[3]?.after_any).to.deep.equal(ids("b", "wave-1-x-1", "wave-1-x-2"));
  });
});
