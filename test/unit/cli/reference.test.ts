import { readFile } from "node:fs/promises";
import { expect } from "chai";
import { verbs } from "../../../cli/verbs.ts";

const page = await readFile(new URL("../../../docs/reference/cli.md", import.meta.url), "utf8");
const sections = new Map(
  page
    .split(/^### orchd /m)
    .slice(1)
    .map((section) => [section.split(/\W/)[0] ?? "", section]),
);

describe("docs/reference/cli.md", () => {
  it("describes the commands there are, in the order of the help", () => {
    expect([...sections.keys()]).to.deep.equal(verbs.map((verb) => verb.name));
  });

  for (const verb of verbs)
    it(`says of \`orchd ${verb.name}\` what its help says`, async () => {
      const command = await verb.load();
      const section = sections.get(verb.name) ?? "";
      expect(command.usage.split(" ")[0]).to.equal(verb.name);
      expect(section.split("\n")[0]).to.equal(command.usage);
      expect(section).to.include(command.describe);
      expect(section).to.include(command.example[0]);
      expect(section).to.include("`--json`: ");
      for (const [name, spec] of Object.entries(command.options))
        if (name !== "words") {
          const written = spec.value === undefined ? `--${name}\`` : `--${name} ${spec.value}\``;
          expect(section).to.include(written);
          expect(section.replace(/\s+/g, " ")).to.include(spec.describe);
        }
    });
});
