import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { posix } from "node:path";
import { lineAt, parseModule } from "./imports.ts";
import type { Imported, Parsed } from "./imports.ts";
import { layers, packageHomes, supervisorEntry, supervisorStarters } from "./layerRules.ts";
import type { Layer } from "./layerRules.ts";
import { impuritiesOf, settingsNamed } from "./purity.ts";

/**
 * Holds the sources to the rules of layerRules.ts: `node scripts/layers.ts` prints each breach as
 * `file:line rule: what is wrong; what to do` and exits 1 if there is one.
 *
 *     layer      imports point down the layers only
 *     home       an npm package is imported in its home, and nowhere else
 *     computed   an import whose target cannot be read from the source
 *     pure       daemon/core: no clock, chance, waiting, node:* or packages
 *     stale      the npm package lockfile never gets its `stale` option, which lets two owners in
 */
export type Breach = {
  readonly file: string;
  readonly line: number;
  readonly rule: "layer" | "home" | "computed" | "pure" | "stale";
  readonly message: string;
};

type Source = { readonly file: string; readonly text: string };
type Finding = Pick<Breach, "rule" | "message"> & { readonly start: number };

const core = "daemon/core";
const roots = ["ipc", "system", "daemon", "worker", "cli"] as const;

/** The breaches of one file. `file` is relative to the project, with `/`. */
export function breachesOf(source: Source): Breach[] {
  const parsed = parseModule(source.file, source.text);
  const findings = [
    ...parsed.imports.flatMap((one) => findImport(source.file, one)),
    ...findImpurities(source.file, parsed),
    ...findStale(parsed),
  ];
  return findings
    .toSorted((a, b) => a.start - b.start)
    .map(({ start, rule, message }) => ({
      file: source.file,
      line: lineAt(source.text, start),
      rule,
      message,
    }));
}

function findImport(file: string, { specifier, kind, start }: Imported): Finding[] {
  if (specifier === null) return supervisorStarters.includes(file) ? [] : [computedImport(start)];
  if (specifier.startsWith(".")) {
    const target = posix.join(posix.dirname(file), specifier);
    return mayImport(file, target, kind) ? [] : [wrongLayer({ file, target, kind, start })];
  }
  return mayUsePackage(file, specifier) ? [] : [wrongHome({ file, specifier, start })];
}

function mayImport(file: string, target: string, kind: Imported["kind"]): boolean {
  if (target === supervisorEntry && kind !== "static" && supervisorStarters.includes(file))
    return true;
  const layer = layerOf(file);
  const allowed = [
    ownFolder(file),
    ...layer.imports,
    ...(kind === "type" ? (layer.types ?? []) : []),
  ];
  return allowed.some((place) => isAt(target, place));
}

/** A file may import its own top folder; below daemon, the folder one level down (or only itself). */
function ownFolder(file: string): string {
  const [top = "", second = "", third] = file.split("/");
  if (top !== "daemon") return top;
  return third === undefined ? file : `${top}/${second}`;
}

function mayUsePackage(file: string, specifier: string): boolean {
  const name = packageName(specifier);
  const homes = packageHomes[name];
  if (homes !== undefined) return homes.some((home) => isAt(file, home));
  return name.startsWith("node:") && !isAt(file, core);
}

/** `zod/v4` → `zod`; `@scope/name/x` → `@scope/name`; `node:fs/promises` → `node:fs`. */
function packageName(specifier: string): string {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

function layerOf(file: string): Layer {
  const found = layers
    .filter(({ at }) => isAt(file, at))
    .toSorted((a, b) => b.at.length - a.at.length)[0];
  if (found === undefined) throw new Error(`${file} is in no layer of scripts/layerRules.ts`);
  return found;
}

function isAt(path: string, place: string): boolean {
  if (place.endsWith("/*.ts")) return posix.dirname(path) === posix.dirname(place);
  return path === place || path.startsWith(`${place}/`);
}

function findImpurities(file: string, { program }: Parsed): Finding[] {
  if (!isAt(file, core)) return [];
  return impuritiesOf(program).map(({ what, start }) => ({
    rule: "pure",
    start,
    message: `${what} in the core; take the value as a field of the command or let an effect do it`,
  }));
}

function findStale({ program, imports }: Parsed): Finding[] {
  if (!imports.some(({ specifier }) => specifier === "lockfile")) return [];
  return settingsNamed(program, "stale").map((start) => ({
    rule: "stale",
    start,
    message:
      "`stale` beside the package lockfile, which lets two owners in; leave it out, the epoch in the path replaces it",
  }));
}

function computedImport(start: number): Finding {
  return {
    rule: "computed",
    start,
    message: "an import that cannot be checked; write the path as a string",
  };
}

function wrongLayer(
  found: Pick<Imported, "kind" | "start"> & { readonly file: string; readonly target: string },
): Finding {
  const how = found.kind === "static" ? "imports" : `imports (${found.kind})`;
  const { at, advice } = layerOf(found.file);
  return {
    rule: "layer",
    start: found.start,
    message: `${at} ${how} ${found.target}; ${advice}`,
  };
}

function wrongHome(found: {
  readonly file: string;
  readonly specifier: string;
  readonly start: number;
}): Finding {
  const homes = packageHomes[packageName(found.specifier)];
  const advice = isAt(found.file, core)
    ? "the core imports types of ipc only; take values instead"
    : homes === undefined
      ? "give it a home in scripts/layerRules.ts, or do without"
      : `its home is ${homes.join(", ")}; call a function of that place`;
  return { rule: "home", start: found.start, message: `${found.specifier} here; ${advice}` };
}

async function main(): Promise<void> {
  const entries = await Promise.all(
    roots.map((root) => readdir(root, { recursive: true, withFileTypes: true })),
  );
  const files = entries
    .flat()
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => posix.join(entry.parentPath, entry.name))
    .toSorted();
  const breaches = files.flatMap((file) => breachesOf({ file, text: readFileSync(file, "utf8") }));
  for (const { file, line, rule, message } of breaches)
    console.log(`${file}:${line} ${rule}: ${message}`);
  console.log(`${files.length} files, ${breaches.length} breaches of layers`);
  process.exitCode = breaches.length > 0 ? 1 : 0;
}

if (import.meta.main) await main();
