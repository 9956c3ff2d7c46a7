import { existsSync } from "node:fs";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestRepository } from "../helpers/repository.ts";
import type { Random } from "../sim/random.ts";
import { personSlots, slotPaths, withWord } from "./texts.ts";

/** A person at a shell and an editor. A command that git refuses is one they gave in vain. */
export class Person {
  readonly #repository: TestRepository;
  readonly #random: Random;
  #words = 0;

  constructor(repository: TestRepository, random: Random) {
    this.#repository = repository;
    this.#random = random;
  }

  /** Does one thing and says what; what git refuses at once is no thing. */
  async act(): Promise<string> {
    const said: string[] = [];
    while (said.length < triesMax) {
      said.push(await this.#try());
      if (!/: (fatal|error|nothing)|^commit[^:]*: $/.test(said.at(-1) ?? "")) break;
    }
    return said.join(" / ");
  }

  async #try(): Promise<string> {
    const total = moves.reduce((sum, [weight]) => sum + weight, 0);
    let left = this.#random.int(0, total - 1);
    for (const [weight, name, move] of moves) {
      left -= weight;
      if (left >= 0) continue;
      const came = await move(this);
      return `${name}: ${came}`;
    }
    throw new Error("no move");
  }

  async git(...args: string[]): Promise<string> {
    return await this.#repository.git(...args).then(
      () => "done",
      (error: { stderr?: string }) => (error.stderr ?? "").trim().split("\n")[0] ?? "refused",
    );
  }

  async edit(): Promise<string> {
    const path = this.#random.pick(slotPaths);
    const file = join(this.#repository.dir, path);
    if (!existsSync(file)) return `${path} is not there`;
    const word = `p${++this.#words}`;
    const text = await readFile(file, "utf8");
    const next = withWord(text, this.#random.pick(personSlots), word);
    await writeFile(file, next);
    return next === text ? "nothing" : `${word} into ${path}`;
  }

  /** Names that agents use too. */
  async writeNew(): Promise<string> {
    const path = this.#random.pick(sharedPaths);
    if (existsSync(join(this.#repository.dir, path))) return `${path} is there`;
    await this.#repository.write(path, `p${++this.#words}\n`);
    return path;
  }

  async removeFile(): Promise<string> {
    const path = this.#random.pick([...sharedPaths, ...slotPaths]);
    await rm(join(this.#repository.dir, path), { force: true });
    return path;
  }

  async changeMode(): Promise<string> {
    const file = join(this.#repository.dir, this.#random.pick(slotPaths));
    if (existsSync(file)) await chmod(file, this.#random.chance(0.5) ? 0o755 : 0o644);
    return file;
  }

  /** As a git that waits for an editor, or that was killed. */
  async lock(): Promise<string> {
    return await writeFile(this.#lockFile, "theirs", { flag: "wx" }).then(
      () => "taken",
      () => "there is one",
    );
  }

  async unlock(): Promise<string> {
    const text = await readFile(this.#lockFile, "utf8").catch(() => "");
    if (text === "theirs") await rm(this.#lockFile);
    return text;
  }

  get #lockFile(): string {
    return join(this.#repository.dir, ".git", "index.lock");
  }

  word(): string {
    return `p${++this.#words}`;
  }

  back(): string {
    return `HEAD~${this.#random.int(1, 3)}`;
  }

  before(): string {
    return `HEAD@{${this.#random.int(1, 6)}}`;
  }

  /** Everything they began comes to an end, and they are on the target again with nothing open. */
  async settle(): Promise<void> {
    await this.unlock();
    for (const operation of ["rebase", "merge", "cherry-pick", "revert"])
      await this.git(operation, "--abort");
    // What cannot be aborted any more, as its branch got another name, is left where it is.
    await this.git("rebase", "--quit");
    await this.git("branch", "-m", "trunk", "main");
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "-m", "what was left");
    await this.git("checkout", "--quiet", "main");
  }

  async mergeOurs(): Promise<void> {
    if ((await this.git("merge", "-q", "--no-edit", "-X", "ours", "orchd/main")) === "done") return;
    await this.git("merge", "--abort");
    await this.git("merge", "-q", "--no-edit", "-s", "ours", "orchd/main");
  }
}

const triesMax = 4;

export const sharedPaths = ["n/0.txt", "n/1.txt", "n/2.txt"] as const;

type Move = (person: Person) => Promise<string>;
const git =
  (...args: string[]): Move =>
  (person) =>
    person.git(...args);

const rebaseWithBreak: Move = (person) =>
  person.git("-c", "sequence.editor=sed -i 1ibreak", "rebase", "-q", "-i", "HEAD~2");

const moves: readonly (readonly [weight: number, name: string, move: Move])[] = [
  [16, "edit", (person) => person.edit()],
  [4, "add", git("add", "--update")],
  [3, "add all", git("add", "--all")],
  [8, "new file", (person) => person.writeNew()],
  [3, "remove file", (person) => person.removeFile()],
  [1, "mode", (person) => person.changeMode()],
  [12, "commit -a", (person) => person.git("commit", "-q", "-a", "-m", person.word())],
  [5, "commit", (person) => person.git("commit", "-q", "-m", person.word())],
  [2, "empty commit", (person) => person.git("commit", "-q", "--allow-empty", "-m", person.word())],
  [5, "amend", (person) => person.git("commit", "-q", "-a", "--amend", "-m", person.word())],
  [3, "reset --hard", (person) => person.git("reset", "-q", "--hard", person.back())],
  [2, "reset --hard reflog", (person) => person.git("reset", "-q", "--hard", person.before())],
  [3, "reset --soft", (person) => person.git("reset", "-q", "--soft", person.back())],
  [2, "reset --mixed", (person) => person.git("reset", "-q", "--mixed", person.back())],
  [2, "reset --hard HEAD", git("reset", "-q", "--hard")],
  [4, "stash", git("stash", "push", "-q")],
  [2, "stash -u", git("stash", "push", "-q", "-u")],
  [5, "stash pop", git("stash", "pop", "-q")],
  [2, "new branch", git("checkout", "-q", "-b", "side")],
  [3, "side", git("checkout", "-q", "side")],
  [8, "main", git("checkout", "-q", "main")],
  [2, "detach", git("checkout", "-q", "--detach")],
  // The two halves of a checkout, with time in between.
  [2, "files of side", git("read-tree", "-m", "-u", "HEAD", "side")],
  [2, "HEAD to main", git("symbolic-ref", "HEAD", "refs/heads/main")],
  [2, "HEAD to side", git("symbolic-ref", "HEAD", "refs/heads/side")],
  [3, "merge side", git("merge", "-q", "--no-edit", "side")],
  [2, "merge orchd", git("merge", "-q", "--no-edit", "orchd/main")],
  [2, "drop one", git("rebase", "-q", "--onto", "HEAD~2", "HEAD~1")],
  [2, "rebase side", git("rebase", "-q", "side")],
  [2, "rebase with a break", rebaseWithBreak],
  [5, "rebase --continue", git("-c", "core.editor=true", "rebase", "--continue")],
  [2, "rebase --abort", git("rebase", "--abort")],
  [2, "merge --abort", git("merge", "--abort")],
  [2, "revert", git("revert", "--no-edit", "HEAD")],
  [2, "revert older", git("revert", "--no-edit", "HEAD~1")],
  [2, "revert --abort", git("revert", "--abort")],
  [1, "cherry-pick", git("cherry-pick", "side")],
  [1, "cherry-pick --abort", git("cherry-pick", "--abort")],
  [1, "rename main", git("branch", "-m", "main", "trunk")],
  [4, "rename back", git("branch", "-m", "trunk", "main")],
  [1, "move main", git("branch", "-f", "main", "HEAD")],
  [5, "lock", (person) => person.lock()],
  [8, "unlock", (person) => person.unlock()],
  [1, "pack refs", git("pack-refs", "--all")],
];
