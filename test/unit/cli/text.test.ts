import { expect } from "chai";
import { displayWidth, fit, listed, plain, plural } from "../../../cli/render/text.ts";

describe("text from others on a terminal", () => {
  it("loses every escape sequence and control character", () => {
    const hostile = "a\u001b]0;owned\u0007b\u001b[2Jc\rd\te\u0000f\u009b31mg\u202eh";
    expect(plain(hostile)).to.match(/^abc d ef.*g?h$/);
    expect(plain(hostile)).not.to.match(/[\p{Cc}\u202e]/u);
  });

  it("is one line, whatever it was", () => {
    expect(plain("first\r\nsecond\n\nthird")).to.equal("first second third");
  });

  it("counts wide characters twice and combining marks not at all", () => {
    expect(displayWidth("abc")).to.equal(3);
    expect(displayWidth("日本")).to.equal(4);
    expect(displayWidth("e\u0301")).to.equal(1);
    expect(displayWidth("🚀")).to.equal(2);
  });

  it("is cut to a width with an ellipsis, never in the middle of a wide character", () => {
    expect(fit("abcdef", 6)).to.equal("abcdef");
    expect(fit("abcdef", 5)).to.equal("abcd…");
    expect(fit("日本語", 4)).to.equal("日…");
    expect(fit("word next", 6)).to.equal("word…");
    expect(fit("abc", 0)).to.equal("");
  });

  it("names the first of many and counts the rest", () => {
    expect(listed(["a", "b"], 2)).to.equal("a, b");
    expect(listed(["a", "b", "c", "d"], 2)).to.equal("a, b and 2 more");
    expect(plural(1, "task")).to.equal("1 task");
    expect(plural(0, "task")).to.equal("0 tasks");
  });
});
