import { access, constants, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { nativeAvailable } from "../../system/native.ts";
import { capture } from "../../system/spawn.ts";
import { choice, fine, problem, warning } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** What orchd runs on: Node, git, and what makes it better where it is there. */
export async function checkPrograms(env: Environment): Promise<Finding[]> {
  return [
    nodeFinding(process.versions.node),
    gitFinding(await versionOf("git", ["version"], env)),
    koffiFinding(),
    await cgroupFinding(),
    bwrapFinding(await versionOf("bwrap", ["--version"], env)),
    await unitFinding(env),
  ];
}

type Environment = Readonly<Record<string, string | undefined>>;
type Version = readonly [major: number, minor: number];

const nodeMin: Version = [22, 22];
/** `git merge-tree --write-tree`. */
const gitMin: Version = [2, 38];
/** Answers `merge-tree --stdin` line by line. */
const gitFast: Version = [2, 49];
const answerMs = 5_000;

export function nodeFinding(version: string): Finding {
  if (isAtLeast(versionIn(version), nodeMin)) return fine("node", `Node ${version}`);
  return problem("node", {
    message: `Node ${version} is older than ${nodeMin.join(".")}.`,
    meaning: "orchd is not tested with it, and what it needs of SQLite may be missing.",
    choices: [choice("Install a newer Node.")],
  });
}

/** @param said what `git version` printed; `null` when there is no git */
export function gitFinding(said: string | null): Finding {
  const version = said === null ? null : versionIn(said);
  if (said === null || version === null)
    return problem("git", {
      message: "git cannot be run.",
      meaning: "Nothing can be saved or landed.",
      choices: [choice("Install git, and make sure that PATH leads to it.")],
    });
  const name = /\d[\d.]*/.exec(said)?.[0] ?? said;
  if (!isAtLeast(version, gitMin))
    return problem("git", {
      message: `git ${name} is older than ${gitMin.join(".")}.`,
      meaning: "orchd merges with `git merge-tree --write-tree`, which it does not have.",
      choices: [choice("Install a newer git.")],
    });
  const fast = isAtLeast(version, gitFast)
    ? ""
    : `; from ${gitFast.join(".")} on landing is faster`;
  return fine("git", `git ${name}${fast}`);
}

function koffiFinding(): Finding {
  if (process.platform !== "linux") return fine("koffi", "koffi is used on Linux only");
  if (nativeAvailable()) return fine("koffi", "koffi is there: workers adopt what agents leave");
  return warning("koffi", {
    message: "The optional package koffi cannot be loaded.",
    meaning:
      "What an agent leaves running is found by its marker in /proc instead. A program that was started with an empty environment escapes.",
    choices: [choice("Install orchd again with optional packages, without ORCHD_NO_NATIVE.")],
  });
}

async function cgroupFinding(): Promise<Finding> {
  const own = await readFile("/proc/self/cgroup", "utf8").catch(() => "");
  const path = /^0::(.*)$/m.exec(own)?.[1];
  const delegated =
    path !== undefined && (await isWritable(join("/sys/fs/cgroup", path, "cgroup.procs")));
  const state = delegated ? "is delegated to this session" : "is not delegated to this session";
  return fine("cgroup", `A cgroup v2 subtree ${state}; this version does not need one`);
}

function bwrapFinding(said: string | null): Finding {
  const state = said === null ? "is not installed" : `is there (${said.trim()})`;
  return fine("bwrap", `bubblewrap ${state}; this version runs agents without it`);
}

async function unitFinding(env: Environment): Promise<Finding> {
  const home = env["HOME"] || homedir();
  const config = env["XDG_CONFIG_HOME"] || join(home, ".config");
  const folders = [
    join(config, "systemd/user"),
    "/etc/systemd/user",
    "/usr/lib/systemd/user",
    "/etc/systemd/system",
    "/usr/lib/systemd/system",
  ];
  for (const folder of folders) {
    const file = join(folder, "orchd@.service");
    if (await isThere(file)) return fine("service", `The systemd unit is installed: ${file}`);
  }
  return fine("service", "No systemd unit is installed; the supervisor is started by hand");
}

async function versionOf(
  program: string,
  args: readonly string[],
  env: Environment,
): Promise<string | null> {
  const options = { env: { PATH: env["PATH"] ?? "", LC_ALL: "C" }, timeoutMs: answerMs };
  const { code, stdout } = await capture(program, args, options);
  return code === 0 ? stdout : null;
}

function versionIn(text: string): Version | null {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(text) ?? [];
  return major === undefined ? null : [Number(major), Number(minor)];
}

function isAtLeast(version: Version | null, least: Version): boolean {
  if (version === null) return false;
  return version[0] > least[0] || (version[0] === least[0] && version[1] >= least[1]);
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

async function isWritable(path: string): Promise<boolean> {
  return await access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}
