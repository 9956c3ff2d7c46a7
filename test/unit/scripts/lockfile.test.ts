import { expect } from "chai";
import { missingEntries } from "../../../scripts/lockfile.ts";

describe("completing the lock file", () => {
  it("adds the optional packages of other platforms that npm left out", () => {
    const missing = missingEntries({
      "node_modules/tool": {
        version: "1.2.3",
        dev: true,
        optionalDependencies: {
          "@tool/linux-x64-musl": "1.2.3",
          "@tool/binding-darwin-arm64": "1.2.3",
        },
      },
    });
    expect(missing).to.deep.equal({
      "node_modules/@tool/linux-x64-musl": {
        version: "1.2.3",
        dev: true,
        optional: true,
        os: ["linux"],
        cpu: ["x64"],
        libc: ["musl"],
      },
      "node_modules/@tool/binding-darwin-arm64": {
        version: "1.2.3",
        dev: true,
        optional: true,
        os: ["darwin"],
        cpu: ["arm64"],
      },
    });
  });

  it("puts a second version beside the package that asks for it", () => {
    const optionalDependencies = { "tool-win32-x64": "2.0.0" };
    const missing = missingEntries({
      "node_modules/user/node_modules/tool": { version: "2.0.0", optionalDependencies },
      "node_modules/tool-win32-x64": { version: "1.0.0" },
    });
    expect(Object.keys(missing)).to.deep.equal(["node_modules/user/node_modules/tool-win32-x64"]);
  });

  it("adds nothing that is there, has a range for a version or names no platform", () => {
    const missing = missingEntries({
      "node_modules/tool": {
        version: "1.0.0",
        optionalDependencies: {
          "tool-linux-arm64": "1.0.0",
          "tool-darwin-x64": "^1.0.0",
          fsevents: "2.3.3",
        },
      },
      "node_modules/tool-linux-arm64": { version: "1.0.0" },
    });
    expect(missing).to.be.empty;
  });
});
