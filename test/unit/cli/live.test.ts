import { expect } from "chai";
import { cropped, fullScreen, liveLine } from "../../../cli/live.ts";
import { hasColour } from "../../../cli/terminal.ts";
import type { Output } from "../../../cli/terminal.ts";

function recordedOutput(columns: number, rows: number): Output & { readonly text: () => string } {
  let text = "";
  return {
    isTerminal: true,
    colour: false,
    columns: () => columns,
    rows: () => rows,
    write: (chunk) => {
      text += String(chunk);
    },
    flush: async () => undefined,
    onResize: () => () => undefined,
    text: () => text,
  };
}

describe("a line that replaces itself", () => {
  it("is cut to the window, drawn only when it changes, and gone at the end", () => {
    const output = recordedOutput(10, 5);
    {
      using line = liveLine(output);
      line.draw("a longer line than that");
      line.draw("a longer line than that");
      line.draw("b");
    }
    expect(output.text()).to.equal("\u001b[2K\ra longer…\u001b[2K\rb\u001b[2K\r");
  });

  it("writes nothing when nothing was drawn", () => {
    const output = recordedOutput(10, 5);
    liveLine(output)[Symbol.dispose]();
    expect(output.text()).to.equal("");
  });
});

describe("a full screen", () => {
  it("gives the terminal back as it was, also after an exception", () => {
    const output = recordedOutput(10, 5);
    expect(() => {
      using screen = fullScreen(output);
      screen.draw("a\nb");
      throw new Error("stop");
    }).to.throw("stop");
    expect(output.text()).to.equal(
      "\u001b[?1049h\u001b[?25l\u001b[?7l" +
        "\u001b[Ha\u001b[K\r\nb\u001b[K\u001b[J" +
        "\u001b[?7h\u001b[?25h\u001b[?1049l",
    );
  });

  it("counts the lines that do not fit", () => {
    const lines = ["a", "b", "c", "d"];
    expect(cropped(lines, 4)).to.deep.equal(lines);
    expect(cropped(lines, 3)).to.deep.equal(["a", "b", "… 2 more lines"]);
    expect(cropped(lines, 1)).to.deep.equal(["… 4 more lines"]);
  });
});

describe("colour", () => {
  it("is used on a terminal, unless NO_COLOR is set or it is dumb", () => {
    expect(hasColour(true, {})).to.equal(true);
    expect(hasColour(false, {})).to.equal(false);
    expect(hasColour(true, { NO_COLOR: "1" })).to.equal(false);
    expect(hasColour(true, { NO_COLOR: "" })).to.equal(true);
    expect(hasColour(true, { TERM: "dumb" })).to.equal(false);
  });

  it("is forced by FORCE_COLOR, but never against NO_COLOR", () => {
    expect(hasColour(false, { FORCE_COLOR: "1" })).to.equal(true);
    expect(hasColour(true, { FORCE_COLOR: "0" })).to.equal(false);
    expect(hasColour(false, { FORCE_COLOR: "1", NO_COLOR: "1" })).to.equal(false);
  });
});
