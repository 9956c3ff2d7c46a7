import { cp, mkdir, mkdtemp, readdir, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";

/**
 * The package as npm would publish and install it, without a trace of the checkout:
 *
 *     <temp>/source   a copy of the sources; the package is built here, so the checkout's dist stays
 *     <temp>/prefix   what `npm install --global` made of the tarball
 *     <temp>/node     a folder with nothing but this run's `node`, for PATH
 */
export type InstalledPackage = {
  /** Absolute; `bin/orchd` and `lib/node_modules/orchd` are below it. */
  readonly prefix: string;
  /** PATH with this run's node, the prefix and the system, in that order. */
  readonly path: string;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

const checkout = join(import.meta.dirname, "../..");
/** Folders that are no part of the sources or too large to copy. */
const notCopied = new Set([".git", ".aibrain", "coverage", "dist", "node_modules", "test"]);
const systemPath = "/usr/local/bin:/usr/bin:/bin";
const unreachableRegistry = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ENOTCACHED/;

/** Packs and installs; `unreachable` when npm could not reach its registry for the dependencies. */
export async function installPackage(): Promise<InstalledPackage | "unreachable"> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "package-")));
  const remove = (): Promise<void> => rm(root, { recursive: true, force: true });
  try {
    const tarball = await pack(root);
    const node = join(root, "node");
    const prefix = join(root, "prefix");
    await mkdir(node);
    await symlink(process.execPath, join(node, "node"));
    const install = ["install", "--global", `--prefix=${prefix}`, "--prefer-offline", tarball];
    const { exitCode, all } = await npm(install, root);
    if (exitCode !== 0 && unreachableRegistry.test(all)) {
      await remove();
      return "unreachable";
    }
    if (exitCode !== 0) throw new Error(`npm install: ${all}`);
    const path = [node, join(prefix, "bin"), systemPath].join(":");
    return { prefix, path, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function pack(root: string): Promise<string> {
  const source = join(root, "source");
  await mkdir(source);
  for (const name of await readdir(checkout))
    if (!notCopied.has(name))
      await cp(join(checkout, name), join(source, name), { recursive: true });
  await symlink(join(checkout, "node_modules"), join(source, "node_modules"));
  const { exitCode, all } = await npm(["run", "pack", "--", `--pack-destination=${root}`], source);
  const tarball = (await readdir(root)).find((name) => name.endsWith(".tgz"));
  if (exitCode !== 0 || tarball === undefined) throw new Error(`npm run pack: ${all}`);
  // Gone before the package is used: nothing of it can be found by accident.
  await rm(source, { recursive: true });
  return join(root, tarball);
}

async function npm(
  args: readonly string[],
  cwd: string,
): Promise<{ exitCode: number; all: string }> {
  const quiet = ["--no-audit", "--no-fund", "--no-update-notifier"];
  const result = await execa("npm", [...quiet, ...args], {
    cwd,
    env: npmEnvironment(),
    extendEnv: false,
    reject: false,
    all: true,
    stdin: "ignore",
  });
  return { exitCode: result.exitCode ?? -1, all: result.all };
}

/** The person's settings (registry, cache, proxy), without those that name the checkout's package. */
function npmEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).flatMap(([name, value]) =>
    value !== undefined && isPassedOn(name) ? [[name, value] as const] : [],
  );
  const path = `${dirname(process.execPath)}:${process.env["PATH"] ?? systemPath}`;
  return { ...Object.fromEntries(kept), PATH: path };
}

function isPassedOn(name: string): boolean {
  if (/^npm_config_(local_prefix|global_prefix|prefix)$/i.test(name)) return false;
  const isSetting = /^(npm_config_.*|https?_proxy|no_proxy|node_extra_ca_certs)$/i.test(name);
  return isSetting || ["HOME", "TMPDIR", "LANG", "ORCHD_TEST_RUN"].includes(name);
}
