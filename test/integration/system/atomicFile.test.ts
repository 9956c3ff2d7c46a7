import { expect } from "chai";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readJsonFile, replaceFile, writeDurably } from "../../../system/atomicFile.ts";

describe("files written whole or not at all", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "atomic-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  for (const [name, write] of [
    ["writeDurably", writeDurably],
    ["replaceFile", replaceFile],
  ] as const)
    describe(name, () => {
      it("makes a private file and private folders above it", async () => {
        const path = join(folder, "a", "b", "file.json");
        await write(path, "content");
        expect(await readFile(path, "utf8")).to.equal("content");
        expect((await stat(path)).mode & 0o777).to.equal(0o600);
        expect((await stat(join(folder, "a"))).mode & 0o777).to.equal(0o700);
        expect((await stat(join(folder, "a", "b"))).mode & 0o777).to.equal(0o700);
      });

      it("replaces an old file, takes bytes and a mode, and leaves nothing else in the folder", async () => {
        const path = join(folder, "file");
        await write(path, "a longer first content");
        await write(path, Uint8Array.of(0, 255), { mode: 0o640 });
        expect([...(await readFile(path))]).to.deep.equal([0, 255]);
        expect((await stat(path)).mode & 0o777).to.equal(0o640);
        expect(await readdir(folder)).to.deep.equal(["file"]);
      });

      it("shows a reader only whole contents while many write", async () => {
        const path = join(folder, "file.json");
        const contents = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(5_000));
        await write(path, contents[0] ?? "");
        const writing = Promise.all(contents.map((content) => write(path, content)));
        const seen = await Promise.all(contents.map(() => readFile(path, "utf8")));
        await writing;
        for (const content of seen) expect(contents).to.include(content);
        expect(await readdir(folder)).to.deep.equal(["file.json"]);
      });

      it("rejects and leaves nothing behind when it cannot put the file in place", async () => {
        const path = join(folder, "taken");
        await mkdir(join(path, "in the way"), { recursive: true });
        const error = await write(path, "content").catch((reason: unknown) => reason);
        expect(error).to.be.instanceOf(Error);
        expect(await readdir(folder)).to.deep.equal(["taken"]);
      });

      it("writes a file whose name is as long as a name may be", async () => {
        const path = join(folder, "n".repeat(255));
        await write(path, "content");
        expect(await readFile(path, "utf8")).to.equal("content");
      });
    });

  describe("readJsonFile", () => {
    const bytesMax = 100;

    it("returns what the file holds, up to its limit", async () => {
      const path = join(folder, "file.json");
      await writeFile(path, JSON.stringify("x".repeat(bytesMax - 2)));
      expect(await readJsonFile(path, bytesMax)).to.equal("x".repeat(bytesMax - 2));
      expect(await readJsonFile(path, bytesMax - 1)).to.equal(undefined);
    });

    it("has nothing to say about what is missing or broken", async () => {
      await writeFile(join(folder, "broken"), '{"a":');
      await writeFile(join(folder, "empty"), "");
      for (const name of ["missing", "broken", "empty", "broken/below", "."])
        expect(await readJsonFile(join(folder, name), bytesMax), name).to.equal(undefined);
    });

    it("does not follow a link, and does not wait at a pipe", async () => {
      await writeFile(join(folder, "target"), "1");
      await symlink(join(folder, "target"), join(folder, "link"));
      execFileSync("mkfifo", [join(folder, "pipe")]);
      expect(await readJsonFile(join(folder, "target"), bytesMax)).to.equal(1);
      expect(await readJsonFile(join(folder, "link"), bytesMax)).to.equal(undefined);
      expect(await readJsonFile(join(folder, "pipe"), bytesMax)).to.equal(undefined);
    });

    it("rejects rather than calling a file absent that cannot be opened", async () => {
      const path = join(folder, "n".repeat(256));
      const error = await readJsonFile(path, bytesMax).catch((reason: unknown) => reason);
      expect(error).to.have.property("code", "ENAMETOOLONG");
    });
  });
});
