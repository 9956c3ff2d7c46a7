import { controlBugs, foundBugs, plantedBugs } from "./bugs.ts";
import { registerHooks } from "node:module";
import type { Bug, Edit } from "./bugs.ts";
import type { Verdict } from "./run.ts";

/**
 * Loads the simulator, and with it the product, once more with a planted bug. A module that is
 * imported as `x.ts?bug=3` passes the query on to everything it imports, so each bug has copies of all
 * modules to itself, and nothing of it is left outside of them.
 */
const root = new URL("../../", import.meta.url).href;
const bugs = [...plantedBugs, ...controlBugs, ...foundBugs];
let registered = false;

export type Caught = { readonly seeds: number; readonly verdict: Verdict };

/** How many seeds it takes until the planted bug shows; `null`: more than `seedsMax`. */
export async function seedsUntilCaught(
  bug: Bug,
  first: number,
  seedsMax: number,
): Promise<Caught | null> {
  const { runSeed } = await simulatorWith(bug);
  for (let seeds = 1; seeds <= seedsMax; seeds += 1) {
    const verdict = await runSeed(first + seeds - 1);
    if (verdict.failure === null) continue;
    if (verdict.failure.rule === (bug.breaks ?? verdict.failure.rule)) return { seeds, verdict };
  }
  return null;
}

async function simulatorWith(bug: Bug): Promise<typeof import("./run.ts")> {
  register();
  const specifier = `./run.ts?bug=${bugs.indexOf(bug)}`;
  return (await import(specifier)) as typeof import("./run.ts");
}

function register(): void {
  if (registered) return;
  registered = true;
  registerHooks({
    resolve: (specifier, context, next) => {
      const resolved = next(specifier, context);
      const planted = bugIn(context.parentURL);
      const isOurs = resolved.url.startsWith(root) && !resolved.url.includes("/node_modules/");
      return planted === null || !isOurs || bugIn(resolved.url) !== null
        ? resolved
        : { ...resolved, url: `${resolved.url}?bug=${planted}` };
    },
    load: (url, context, next) => {
      const loaded = next(url, context);
      const planted = bugIn(url);
      const edits = planted === null ? [] : (bugs[Number(planted)]?.edits ?? []);
      const file = url.slice(root.length).replace(/\?.*/, "");
      const mine = edits.filter((edit) => edit.file === file);
      if (mine.length === 0) return loaded;
      return { ...loaded, source: mine.reduce(edited, sourceText(loaded.source)) };
    },
  });
}

function bugIn(url: string | undefined): string | null {
  return /\?bug=(\d+)$/.exec(url ?? "")?.[1] ?? null;
}

function sourceText(source: unknown): string {
  if (typeof source === "string") return source;
  if (source instanceof Uint8Array) return new TextDecoder().decode(source);
  throw new Error("a module came without its source");
}

function edited(source: string, { file, find, replace }: Edit): string {
  const [before = "", after, ...more] = source.split(find);
  if (after === undefined || more.length > 0)
    throw new Error(`test/sim/bugs.ts: "${find}" is to be found once in ${file}; adapt the edit`);
  return `${before}${replace}${after}`;
}
