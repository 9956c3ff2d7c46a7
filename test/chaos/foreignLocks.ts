import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Lock files of somebody else's git, in places where nothing of orchd's own is. */
export class ForeignLocks {
  readonly #gitDir: string;
  readonly #planted = new Map<string, string>();

  constructor(workTree: string, names: readonly string[]) {
    this.#gitDir = join(workTree, ".git");
    for (const name of names) this.plant(name);
  }

  plant(name: string): void {
    const path = join(this.#gitDir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `theirs ${name}\n`, { flag: "wx" });
    this.#planted.set(name, lookAtLock(path));
  }

  /** It is theirs no more; whoever planted it removes it. */
  forget(name: string): void {
    this.#planted.delete(name);
  }

  get names(): readonly string[] {
    return [...this.#planted.keys()];
  }

  /** Those that are not as they were planted. */
  touched(): string[] {
    return [...this.#planted].flatMap(([name, was]) =>
      lookAtLock(join(this.#gitDir, name)) === was ? [] : [name],
    );
  }
}

/** Inode, times and content: what a removal, a rename or a write changes. */
function lookAtLock(path: string): string {
  if (!existsSync(path)) return "gone";
  const { ino, mtimeMs, ctimeMs, size } = lstatSync(path);
  return `${ino} ${mtimeMs} ${ctimeMs} ${size} ${readFileSync(path, "utf8")}`;
}
