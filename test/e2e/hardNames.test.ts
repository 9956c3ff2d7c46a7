import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { makeRepository } from "../helpers/repository.ts";
import { supervise } from "../helpers/supervised.ts";
import type { Supervised } from "../helpers/supervised.ts";

/** Names as bytes, one character each. */
const names = [
  "-rf",
  "--help",
  "new\nline",
  'qu"ote',
  "quo'te",
  "tab\tback\\slash",
  " leading and trailing ",
  "dot.",
  ":(glob)**",
  ":!not",
  "*",
  "[a-z]",
  "~tilde",
  "#comment",
  "!negated",
  "con",
  "{a,b}",
  "\xff\xfe not UTF-8",
  "\xc3\xa4 composed",
  "a\xcc\x88 decomposed",
  "$(touch x)",
  "n".repeat(255),
  "Twin",
  "twin",
  "TWIN",
] as const;

const program = `
  const fs = require("fs");
  const bytes = (name) => Buffer.from(name, "latin1");
  const names = JSON.parse(process.argv[1]);
  for (const folder of ["", "deep er/", "-d/"]) {
    if (folder !== "") fs.mkdirSync(folder);
    for (const name of names) fs.writeFileSync(bytes(folder + name), name + "\\n", "latin1");
  }
  fs.writeFileSync("empty", "");
  fs.writeFileSync("binary", Buffer.from(Array.from({ length: 4096 }, (_, at) => at % 256)));
  fs.writeFileSync("program", "#!/bin/sh\\n", { mode: 0o755 });
  fs.symlinkSync("deep er/" + "n".repeat(255), "link");
  fs.symlinkSync("/nowhere at all", "dangling");
  fs.chmodSync("was-program", 0o644);
  fs.writeFileSync("crlf.txt", "one\\r\\ntwo\\r\\n");
  fs.writeFileSync("lf.bat", "one\\ntwo\\n");
`;

/** Path (a character a byte) → kind, permission to run, and content. */
function treeOf(folder: string, below = ""): Map<string, string> {
  const found = new Map<string, string>();
  const root = Buffer.from(`${folder}/${below}`, "latin1");
  for (const name of readdirSync(root, { encoding: "buffer" })) {
    const path = below + name.toString("latin1");
    if (path === ".git" || path === ".aibrain") continue;
    const whole = Buffer.concat([root, name]);
    const there = lstatSync(whole);
    if (there.isDirectory())
      for (const [at, what] of treeOf(folder, `${path}/`)) found.set(at, what);
    else if (there.isSymbolicLink()) found.set(path, `link ${readlinkSync(whole)}`);
    else
      found.set(
        path,
        `${(there.mode & 0o100) === 0 ? "file" : "program"} ${readFileSync(whole).toString("latin1")}`,
      );
  }
  return found;
}

async function makeHard(): Promise<Supervised> {
  const repository = await makeRepository({
    files: { "README.md": "# Scratch\n", "was-program": "#!/bin/sh\n" },
  });
  execFileSync("chmod", ["755", "was-program"], { cwd: repository.dir });
  await repository.write(
    ".gitattributes",
    "*.txt text eol=crlf\n*.bat text eol=lf\nbinary binary\n",
  );
  await repository.commit("Attributes");
  return await supervise(repository);
}

describe("names and contents that are hard to keep", () => {
  it("come out of a workspace, land, and stand in the person's checkout, byte for byte", async function () {
    this.timeout(60_000);
    await using supervised = await makeHard();
    const { repository, submit, wait } = supervised;
    const run = [process.execPath, "-e", program, "--", JSON.stringify(names)];
    const ids = await submit({ id: "hard", run });
    expect(await wait(ids)).to.have.nested.property("[0].status", "succeeded");
    const tree = treeOf(repository.dir);
    for (const folder of ["", "deep er/", "-d/"])
      for (const name of names) expect(tree.get(folder + name), name).to.equal(`file ${name}\n`);
    expect(tree.get("empty")).to.equal("file ");
    expect(tree.get("program")).to.equal(`program #!/bin/sh\n`);
    expect(tree.get("was-program")).to.equal("file #!/bin/sh\n");
    expect(tree.get("link")).to.equal(`link deep er/${"n".repeat(255)}`);
    expect(tree.get("dangling")).to.equal("link /nowhere at all");
    expect(tree.get("binary")?.length).to.equal(4096 + 5);
    expect(tree.get("crlf.txt")).to.equal("file one\r\ntwo\r\n");
    expect(tree.get("lf.bat")).to.equal("file one\ntwo\n");
    expect(await repository.git("cat-file", "-p", "HEAD:crlf.txt")).to.equal("one\ntwo");
    expect(await repository.git("status", "--porcelain")).to.equal("");
    // Permissions as the person's own programs give them, not those of orchd's private files.
    const mode = (path: string): number => lstatSync(path).mode & 0o777;
    const landed = ["empty", "program", "deep er"].map((name) => mode(join(repository.dir, name)));
    mkdirSync(join(repository.dir, "..", "folder"));
    const folder = mode(join(repository.dir, "..", "folder"));
    expect(landed).to.deep.equal([mode(join(repository.dir, "README.md")), folder, folder]);

    // The next workspace begins with all of it, and its removal lands as well.
    const check = "test -e -- 2>/dev/null; test -e ./-rf && test -L link && git status --porcelain";
    const second = await submit({
      id: "gone",
      run: {
        shell: `${check}; test -z "$(git status --porcelain)" && git rm -rqf . && touch left`,
      },
    });
    expect(await wait(second)).to.have.nested.property("[0].status", "succeeded");
    expect([...treeOf(repository.dir).keys()]).to.deep.equal(["left"]);
    expect(await repository.git("status", "--porcelain")).to.equal("");
  });
});
