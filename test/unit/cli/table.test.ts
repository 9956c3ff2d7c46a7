import { expect } from "chai";
import { painter } from "../../../cli/render/paint.ts";
import { fields, table } from "../../../cli/render/table.ts";
import { displayWidth } from "../../../cli/render/text.ts";

const look = (width: number, colour = false) => ({ width, paint: painter(colour), now: 0 });

describe("a table", () => {
  it("aligns columns and leaves no blanks at the end of a line", () => {
    const rows = [
      ["a", "one", "1"],
      ["bbbb", "t", "22"],
    ];
    expect(table([{}, {}, { align: "right" }], rows, look(80))).to.equal(
      "a     one   1\nbbbb  t    22",
    );
    expect(
      table(
        [{}, {}],
        [
          ["a", ""],
          ["b", "x"],
        ],
        look(80),
      ),
    ).to.equal("a\nb  x");
  });

  it("drops a column in which nothing stands", () => {
    expect(table([{}, {}, {}], [["a", "", "c"]], look(80))).to.equal("a  c");
  });

  it("cuts the column that gives way first, then the widest", () => {
    const columns = [{}, { shrinkTo: 6, first: true }, { shrinkTo: 8 }] as const;
    const rows = [["id", "a long title", "a longer reason"]];
    expect(table(columns, rows, look(28))).to.equal("id  a long…  a longer reason");
    expect(table(columns, rows, look(24))).to.equal("id  a lon…  a longer re…");
  });

  it("keeps what may not be cut, even where it is too wide", () => {
    expect(table([{}], [["0123456789"]], look(4))).to.equal("0123456789");
  });

  it("has the same width in every line with wide characters in it", () => {
    const lines = table(
      [{}, {}],
      [
        ["日本", "|"],
        ["abcdef", "|"],
      ],
      look(80),
    ).split("\n");
    expect(lines.map(displayWidth)).to.deep.equal([9, 9]);
  });

  it("paints after measuring, so that colour moves nothing", () => {
    const rows = [[{ text: "ok", style: "good" }, "next"]] as const;
    const bare = table([{}, {}], rows, look(80));
    const painted = table([{}, {}], rows, look(80, true));
    expect(painted).to.equal("\u001b[32mok\u001b[39m  next");
    expect(bare).to.equal("ok  next");
  });

  it("has headings only when it has rows", () => {
    expect(table([{ heading: "ID" }], [], look(80))).to.equal("");
    expect(table([{ heading: "ID" }, { heading: "AGE" }], [["t1", "3s"]], look(80))).to.equal(
      "ID  AGE\nt1  3s",
    );
  });

  it("of names and values has its names in one column", () => {
    expect(
      fields(
        [
          ["a", "1"],
          ["long", "2"],
        ],
        look(80),
      ),
    ).to.equal("a     1\nlong  2");
  });
});
