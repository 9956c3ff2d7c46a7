import { readFile, writeFile } from "node:fs/promises";

/**
 * Completes package-lock.json: `node scripts/lockfile.ts`, or `--check` to only look.
 *
 * Packages with native parts (oxlint, oxc-parser, msgpackr-extract) name one optional package for each
 * platform. If the registry in use lacks one of them, `npm install` leaves it out of the lock file
 * without a word, and the next `npm ci` refuses that lock file everywhere ("Missing: … from lock
 * file"). This adds the entries npm left out: the exact version the parent asks for and the
 * platform, read from the name. npm ignores them wherever the platform is another one.
 */
export type LockEntry = {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};

export type LockEntries = Readonly<Record<string, LockEntry>>;

const file = "package-lock.json";
const platforms = "aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32";
const platformPattern = new RegExp(`(?:^|[-/])(${platforms})-([a-z0-9]+)(?:-([a-z]+))?$`);
const exactVersion = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;

/** The entries that `packages` lacks, by their place in it. */
export function missingEntries(packages: LockEntries): Record<string, LockEntry> {
  const missing: Record<string, LockEntry> = {};
  for (const [parent, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const platform = platformOf(name);
      if (platform === null || !exactVersion.test(version)) continue;
      const place = placeFor(packages, { parent, name, version });
      if (place === null) continue;
      const dev = entry.dev === true ? { dev: true } : {};
      missing[place] = { version, ...dev, optional: true, ...platform };
    }
  }
  return missing;
}

function platformOf(name: string): Pick<LockEntry, "os" | "cpu" | "libc"> | null {
  const [, os, cpu, abi] = platformPattern.exec(name) ?? [];
  if (os === undefined || cpu === undefined) return null;
  const libc = abi?.startsWith("gnu") ? "glibc" : abi?.startsWith("musl") ? "musl" : null;
  return { os: [os], cpu: [cpu], ...(os === "linux" && libc !== null ? { libc: [libc] } : {}) };
}

/** Where npm would put it; `null` if the parent already finds that version. */
function placeFor(
  packages: LockEntries,
  wanted: { readonly parent: string; readonly name: string; readonly version: string },
): string | null {
  const shared = `node_modules/${wanted.name}`;
  const own = `${wanted.parent}/${shared}`;
  const beside = wanted.parent.includes("/node_modules/")
    ? `${wanted.parent.slice(0, wanted.parent.lastIndexOf("/node_modules/"))}/${shared}`
    : shared;
  const found = [own, beside, shared].some((place) => packages[place]?.version === wanted.version);
  return found ? null : beside;
}

async function main(): Promise<void> {
  const lock = JSON.parse(await readFile(file, "utf8")) as { packages: LockEntries };
  const missing = missingEntries(lock.packages);
  const count = Object.keys(missing).length;
  if (process.argv.includes("--check")) {
    if (count > 0) console.error(`${file} lacks ${count} packages: run node scripts/lockfile.ts`);
    process.exitCode = count > 0 ? 1 : 0;
    return;
  }
  const packages = Object.fromEntries(
    Object.entries({ ...lock.packages, ...missing }).toSorted(([a], [b]) =>
      a.localeCompare(b, "en"),
    ),
  );
  await writeFile(file, `${JSON.stringify({ ...lock, packages }, null, 2)}\n`);
  console.log(`${file}: added ${count} packages of other platforms`);
}

if (import.meta.main) await main();
