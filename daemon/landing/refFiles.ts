import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isOid } from "../../ipc/ids.ts";
import type { Oid } from "../../ipc/ids.ts";

/**
 * Refs read from the files in which git keeps them (gitrepository-layout(5)), without starting a git:
 *
 *     <common-dir>/refs/heads/main    "<object name>\n"; counts before
 *     <common-dir>/packed-refs        "<object name> refs/heads/main\n", one a line; replaced whole
 *
 * The order matters: `git pack-refs` writes the second file before it removes the first, so whoever
 * misses a ref in the first and then looks into the second does not miss it. What is neither (a
 * symbolic ref, a folder in its place, another way of keeping refs) is for git to read.
 *
 * Reading is all that is done this way: a ref moves in a transaction of git's, which compares.
 */
export class RefFiles {
  readonly #gitDir: string;
  #packed: { readonly stamp: string; readonly bytes: Buffer } | null = null;

  constructor(gitDir: string) {
    this.#gitDir = gitDir;
  }

  /** Names in full → where they point; `null` in the place of the map: git has to be asked. */
  read(names: readonly string[]): ReadonlyMap<string, Oid | null> | null {
    const loose = names.map((name) => this.#loose(name));
    const packed = loose.includes("missing") ? this.#packedRefs() : Buffer.alloc(0);
    if (loose.includes("unclear") || packed === null) return null;
    return new Map(
      names.map((name, at) => {
        const oid = loose[at];
        return [name, oid === undefined || !isOid(oid) ? packedAt(packed, name) : oid];
      }),
    );
  }

  #loose(name: string): Oid | "missing" | "unclear" {
    try {
      const text = readFileSync(join(this.#gitDir, name), "latin1").trimEnd();
      return isOid(text) ? text : "unclear";
    } catch (error) {
      return isMissing(error) ? "missing" : "unclear";
    }
  }

  /** Read again when it was replaced; `null`: it cannot be read. */
  #packedRefs(): Buffer | null {
    const path = join(this.#gitDir, "packed-refs");
    try {
      const { ino, size, mtimeNs } = statSync(path, { bigint: true });
      const stamp = `${ino} ${size} ${mtimeNs}`;
      if (this.#packed?.stamp !== stamp) this.#packed = { stamp, bytes: readFileSync(path) };
      return this.#packed.bytes;
    } catch (error) {
      return isMissing(error) ? Buffer.alloc(0) : null;
    }
  }
}

function packedAt(packed: Buffer, name: string): Oid | null {
  const at = packed.indexOf(` ${name}\n`);
  if (at < 0) return null;
  const oid = packed.toString("latin1", packed.lastIndexOf("\n", at) + 1, at);
  return isOid(oid) ? oid : null;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
