import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect } from "chai";

const root = join(import.meta.dirname, "../..");
const pages = globSync(["*.md", "docs/**/*.md"], { cwd: root }).map((name) => join(root, name));

/** Without examples, in which nothing is a heading or a link. */
function proseOf(page: string): string {
  return readFileSync(page, "utf8").replaceAll(/^```[^]*?^```$/gm, "");
}

/** What headings are called in addresses: as GitHub does it. */
function anchorsOf(page: string): string[] {
  return [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-"),
  );
}

function isDead(page: string, link: string): boolean {
  if (/^[a-z]+:/.test(link)) return false;
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : join(dirname(page), path);
  if (!existsSync(target)) return true;
  return anchor !== undefined && !anchorsOf(target).includes(anchor);
}

describe("the pages", () => {
  it("have no link that leads nowhere", () => {
    const links = pages.flatMap((page) =>
      [
        ...proseOf(page)
          .replaceAll(/`[^`\n]*`/g, "")
          .matchAll(/\]\(([^)\s]+)\)/g),
      ].map(([, link = ""]) => ({ page, link })),
    );
    expect(links.length).to.be.above(50);
    const dead = links.filter(({ page, link }) => isDead(page, link));
    expect(dead.map(({ page, link }) => `${relative(root, page)}: ${link}`)).to.deep.equal([]);
  });

  it("are all in the index, but for the decisions", () => {
    const index = readFileSync(join(root, "docs/README.md"), "utf8");
    const listed = pages.filter(
      (page) => page.startsWith(join(root, "docs")) && !/decisions|README/.test(page),
    );
    const missing = listed.filter(
      (page) => !index.includes(`(${relative(join(root, "docs"), page)})`),
    );
    expect(missing.map((page) => relative(root, page))).to.deep.equal([]);
  });
});
