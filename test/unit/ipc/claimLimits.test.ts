import { expect } from "chai";
import fc from "fast-check";
import {
  claimBranchesMax,
  claimLettersMax,
  claimsFault,
  claimsMax,
  intricateLettersMax,
} from "../../../ipc/claimLimits.ts";
import { expandBraces } from "../../../daemon/core/glob.ts";
import { checkClaims, checkHoldRequest } from "../../../ipc/holdCheck.ts";
import { ownIdentity } from "../../../system/processIdentity.ts";

function many(count: number, glob: (at: number) => string): string[] {
  return Array.from({ length: count }, (_, at) => glob(at));
}

function faultOf(writes: readonly string[], reads: readonly string[] = []): string | null {
  return claimsFault({ writes, reads });
}

describe("the limits of claims", () => {
  it("leave room for what people and programs write", () => {
    expect(faultOf(many(256, (at) => `packages/package-${at}/src/components/**`))).to.equal(null);
    expect(faultOf(many(128, (at) => `apps/app-${at}/**/*.{js,jsx,ts,tsx}`))).to.equal(null);
    expect(faultOf(many(100, (at) => `**/test-${at}/**/*.ts`))).to.equal(null);
    expect(faultOf(many(100, (at) => `logs/????-??-??-${at}`))).to.equal(null);
  });

  it("name what is too much, and what to do", () => {
    expect(faultOf(many(200, String), many(57, String))).to.equal(
      `has more than ${claimsMax} writes and reads together; claim directories instead`,
    );
    expect(faultOf(many(129, (at) => `${at}/*.{a,b}{c,d}`)))
      .to.include("stands for 516 globs")
      .and.include(`${claimBranchesMax} are allowed; claim directories`);
    expect(faultOf(many(256, (at) => `${"x".repeat(130)}${at}`))).to.include(
      `${claimLettersMax} are allowed`,
    );
    for (const glob of [
      "**/aaaaaaaaaa/**",
      "a*aaaaaaaaaaaa*b",
      "??-aaaaaaaaaaaaa",
      "*-aaa?aaaaaaaaa",
    ])
      expect(
        faultOf(many(200, (at) => `${glob}${at}`.replace(/\*\*(\d+)$/, "**/$1"))),
        glob,
      ).to.include(`${intricateLettersMax} are allowed; claim directories, or name files with one`);
  });

  it("count globs as they are when their braces are written out", () => {
    const list = fc.array(fc.constantFrom("", "a", "bc"), { minLength: 2, maxLength: 3 });
    const part = fc.oneof(
      fc.constantFrom("x", "yz/"),
      list.map((branches) => `{${branches.join(",")}}`),
    );
    const globs = fc.array(
      fc.array(part, { maxLength: 4 }).map((parts) => parts.join("")),
      {
        maxLength: 150,
      },
    );
    const property = fc.property(globs, fc.nat(250), (writes, padding) => {
      const padded = writes.map((glob) => "p".repeat(padding) + glob);
      const all = padded.flatMap(expandBraces);
      const letters = all.join("").length;
      const fault = faultOf(padded);
      if (all.length > claimBranchesMax) expect(fault).to.include(`stands for ${all.length} globs`);
      else if (letters > claimLettersMax) expect(fault).to.include(`has ${letters} characters`);
      else expect(fault).to.equal(null);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("hold for whoever asks over the socket", () => {
    const claims = {
      writes: many(256, (at) => `*${"a".repeat(20)}*${at}`),
      reads: [],
      resources: {},
    };
    expect(checkClaims(claims)).to.have.nested.property("failure.code", "invalid_request");
    const request = { id: "lock:a", claims, owner: ownIdentity(), note: "" };
    expect(checkHoldRequest(request)).to.have.nested.property("failure.code", "invalid_request");
    const fewer = { ...claims, writes: claims.writes.slice(0, 10) };
    expect(checkHoldRequest({ ...request, claims: fewer }).ok).to.equal(true);
  });
});
