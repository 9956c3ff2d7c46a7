import { expect } from "chai";
import { lastLineOf } from "../../../worker/attempt/output.ts";

describe("the last line of output", () => {
  it("is the last one that has ended and is not blank", () => {
    expect(lastLineOf("one\ntwo\n\n  \nthr")).to.equal("two");
    expect(lastLineOf("not ended")).to.equal(null);
    expect(lastLineOf("")).to.equal(null);
  });

  it("comes without colours, titles and control characters", () => {
    expect(lastLineOf("\u001b[1;32mok\u001b[0m \u001b]0;title\u0007done\u0000\tx\n")).to.equal(
      "ok done  x",
    );
  });

  it("is what a redrawn progress line shows in the end", () => {
    expect(lastLineOf("10 %\r50 %\r100 %\r\n")).to.equal("100 %");
  });

  it("has at most 200 characters, none of them cut in half", () => {
    expect(Array.from(lastLineOf(`${"😀".repeat(300)}\n`) ?? "")).to.have.length(200);
  });
});
