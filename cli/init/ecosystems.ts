import { isRecord } from "../../ipc/message.ts";
import type { Argv } from "../../ipc/taskSpec.ts";

/**
 * How a fresh clone of this project is made ready to work in, guessed from its lockfiles. Within a
 * language the first lockfile found counts; languages add up. Everything here installs exactly what
 * is locked: two workspaces must not differ.
 */
export type Preparation = {
  readonly setup: readonly Argv[];
  /** Files whose change makes the setup run again; only ones that exist. */
  readonly inputs: readonly string[];
  /** What probably tests the project; a suggestion, never switched on unasked. */
  readonly verify: readonly Argv[];
};

/** The committed files at the root, by name; `read` gives the text of one of them. */
export type RootFiles = {
  readonly names: ReadonlySet<string>;
  readonly read: (name: string) => string;
};

type Recipe = {
  readonly language: string;
  readonly lockfile: string;
  readonly inputs: readonly string[];
  readonly setup: readonly Argv[];
};

const nodeInputs = ["package.json", ".npmrc"];
const recipes: readonly Recipe[] = [
  node("pnpm-lock.yaml", [["pnpm", "install", "--frozen-lockfile"]], ["pnpm-workspace.yaml"]),
  node("yarn.lock", [["yarn", "install", "--immutable"]], [".yarnrc.yml"]),
  node("bun.lock", [["bun", "install", "--frozen-lockfile"]]),
  node("bun.lockb", [["bun", "install", "--frozen-lockfile"]]),
  node("package-lock.json", [["npm", "ci"]]),
  node("npm-shrinkwrap.json", [["npm", "ci"]]),
  recipe("python", "uv.lock", ["pyproject.toml"], [["uv", "sync", "--locked"]]),
  recipe("python", "poetry.lock", ["pyproject.toml"], [["poetry", "install", "--no-interaction"]]),
  recipe(
    "python",
    "requirements.txt",
    [],
    [
      ["python3", "-m", "venv", ".venv"],
      [".venv/bin/pip", "install", "--requirement", "requirements.txt"],
    ],
  ),
  recipe("rust", "Cargo.lock", ["Cargo.toml"], [["cargo", "fetch", "--locked"]]),
  recipe("go", "go.mod", ["go.sum"], [["go", "mod", "download"]]),
  recipe("ruby", "Gemfile.lock", ["Gemfile"], [["bundle", "install"]]),
  recipe("php", "composer.lock", ["composer.json"], [["composer", "install", "--no-interaction"]]),
];

export function proposePreparation(files: RootFiles): Preparation {
  const chosen = recipes.filter(
    ({ language, lockfile }) =>
      files.names.has(lockfile) &&
      lockfile ===
        recipes.find((r) => r.language === language && files.names.has(r.lockfile))?.lockfile,
  );
  const inputs = chosen.flatMap(({ lockfile, inputs: others }) => [lockfile, ...others]);
  return {
    setup: chosen.flatMap((found) => setupOf(found, files)),
    inputs: inputs.filter((name) => files.names.has(name)),
    verify: verifyOf(files, chosen),
  };
}

/** Yarn 1 has no `--immutable`; its lockfile says in the second line what it is. */
function setupOf(found: Recipe, files: RootFiles): readonly Argv[] {
  const isYarn1 =
    found.lockfile === "yarn.lock" && /# yarn lockfile v1/.test(files.read("yarn.lock"));
  return isYarn1 ? [["yarn", "install", "--frozen-lockfile"]] : found.setup;
}

function verifyOf(files: RootFiles, chosen: readonly Recipe[]): readonly Argv[] {
  const program = chosen.find(({ language }) => language === "node")?.setup[0]?.[0] ?? "npm";
  const lines: Argv[] = [];
  if (files.names.has("package.json") && hasTestScript(files.read("package.json")))
    lines.push(program === "bun" ? ["bun", "run", "test"] : [program, "test"]);
  if (files.names.has("Cargo.toml")) lines.push(["cargo", "test"]);
  if (files.names.has("go.mod")) lines.push(["go", "test", "./..."]);
  return lines;
}

/** What `npm init` writes as a test script only says that there is none. */
function hasTestScript(text: string): boolean {
  const script = fieldOf(fieldOf(parsed(text), "scripts"), "test");
  return typeof script === "string" && !script.includes("no test specified");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : null;
}

function node(lockfile: string, setup: readonly Argv[], more: readonly string[] = []): Recipe {
  return recipe("node", lockfile, [...nodeInputs, ...more], setup);
}

function recipe(
  language: string,
  lockfile: string,
  inputs: readonly string[],
  setup: readonly Argv[],
): Recipe {
  return { language, lockfile, inputs, setup };
}
