import { execa } from "execa";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { styleText } from "node:util";

/**
 * `npm run demo`: a scratch repository, a supervisor with four workers, a dozen tasks that run in
 * parallel, wait for each other, fail, take too long and break a check; then what landed, and a stop.
 * Everything happens in a new folder under the temporary directory, which is removed at the end.
 */
const entry = join(import.meta.dirname, "../cli/orchd.ts");

const greeting = `export function greet(name) {\n  return "Hello, " + name;\n}\n`;
const check = `import { greet } from "./src/greet.mjs";\nif (!greet("x").includes("x")) throw new Error("greet forgets the name");\n`;

/** Each line of work is an ordinary shell command; a real one would be an agent. */
function work(seconds: number, command: string): { shell: string } {
  return { shell: `sleep ${seconds}; ${command}` };
}

function page(name: string): object {
  return {
    id: `page-${name}`,
    title: `Write the page about ${name}`,
    run: work(1.5, `echo "# ${name}" > docs/${name}.md`),
    claims: [`docs/${name}.md`],
  };
}

function changelog(number: number): object {
  return {
    id: `changelog-${number}`,
    title: `Add entry ${number} to the changelog`,
    run: work(0.7, `echo "- entry ${number}" >> CHANGELOG.md`),
    claims: ["CHANGELOG.md"],
  };
}

const tasks = [
  page("install"),
  page("usage"),
  page("limits"),
  changelog(1),
  changelog(2),
  changelog(3),
  {
    id: "index",
    title: "Write the index of all pages",
    run: work(0.3, `ls docs/*.md > docs/INDEX`),
    claims: ["docs/INDEX"],
    after: ["page-install", "page-usage", "page-limits"],
  },
  {
    id: "shout",
    title: "Greet louder",
    run: work(0.5, `sed -i 's/Hello/HELLO/' src/greet.mjs`),
    claims: ["src/"],
  },
  {
    id: "undeclared",
    title: "Add a licence without declaring it",
    run: work(0.8, `echo MIT > LICENSE`),
  },
  {
    id: "broken-greeting",
    title: "Break the greeting (red at the gate)",
    run: work(0.2, `sed -i 's/ + name//' src/greet.mjs`),
    claims: ["src/"],
  },
  {
    id: "gives-up",
    title: "A task that fails",
    run: { shell: "echo 'cannot find what I need' >&2; exit 3" },
    claims: [],
  },
  {
    id: "too-slow",
    title: "A task that takes too long",
    run: ["sleep", "60"],
    claims: [],
    timeout: "2s",
  },
];

const config = `# The demo's orchd.yaml; \`orchd init\` writes one with comments for your repository.
max_parallel: 4
target: main
follow: auto
verify:
  - [node, check.mjs]
limits:
  grace: 500ms
`;

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "orchd-demo-"));
  const repo = join(folder, "repo");
  const env = {
    XDG_STATE_HOME: join(folder, "state"),
    GIT_CONFIG_GLOBAL: join(folder, "gitconfig"),
  };
  const orchd = (...args: string[]) =>
    execa(process.execPath, [entry, ...args], { cwd: repo, env, stdio: "inherit", reject: false });
  const say = (text: string) => process.stdout.write(`\n${styleText("bold", `$ ${text}`)}\n`);
  try {
    await makeRepository(repo, env);
    say("orchd start");
    const started = await orchd("start");
    if (started.exitCode !== 0) return 1;
    await writeFile(join(folder, "tasks.json"), JSON.stringify({ tasks }, null, 2));
    say("orchd submit tasks.json      # twelve tasks, four workers");
    await orchd("submit", join(folder, "tasks.json"));
    for (const pause of [1_200, 1_500]) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      say("orchd status");
      await orchd("status");
    }
    say("orchd wait …");
    await orchd("wait", ...tasks.map((task) => (task as { id: string }).id));
    say("orchd status");
    await orchd("status");
    say("git log --oneline --stat main      # one commit for each task that succeeded");
    await execa("git", ["--no-pager", "log", "--format=%h %an  %s", "--stat=72", "main"], {
      cwd: repo,
      env,
      stdio: "inherit",
    });
    say("orchd stop");
    const stopped = await orchd("stop");
    return stopped.exitCode ?? 1;
  } finally {
    await execa(process.execPath, [entry, "stop", "--now"], { cwd: repo, env, reject: false });
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeRepository(repo: string, env: Record<string, string>): Promise<void> {
  const git = (...args: string[]) => execa("git", args, { cwd: repo, env });
  await mkdir(join(repo, "src"), { recursive: true });
  await mkdir(join(repo, "docs"), { recursive: true });
  await writeFile(join(repo, "src/greet.mjs"), greeting);
  await writeFile(join(repo, "check.mjs"), check);
  await writeFile(join(repo, "CHANGELOG.md"), "# Changelog\n");
  await writeFile(join(repo, "docs/.gitkeep"), "");
  await writeFile(join(repo, "orchd.yaml"), config);
  await git("init", "--quiet", "--initial-branch=main");
  await git("config", "user.name", "Demo");
  await git("config", "user.email", "demo@example.org");
  await git("add", ".");
  await git("commit", "--quiet", "--message=The repository before orchd");
}

process.exitCode = await main();
