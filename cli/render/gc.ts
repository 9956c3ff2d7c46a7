import { unreachable } from "../../ipc/errors.ts";
import type { GcReason, GcView } from "../../ipc/gcView.ts";
import { plain } from "./text.ts";

const listedMax = 50;

/** What was removed, or would be: every ref with its reason, then the sum. */
export function gcLines(view: GcView): string[] {
  const { refs, problem } = view;
  const shown = refs
    .slice(0, listedMax)
    .map(({ ref, why }) => `${plain(ref)}  ${reasonWords(why)}`);
  const more = refs.length - shown.length;
  return [
    ...shown,
    ...(more > 0 ? [`and ${more} more; --json lists all`] : []),
    sumWords(view),
    packingWords(view),
    ...(problem === null ? [] : [`Not all of them: ${plain(problem)}`]),
  ];
}

function reasonWords(why: GcReason): string {
  switch (why) {
    case "landed":
      return "it is on the branch";
    case "old":
      return "its time is over";
    case "many":
      return "newer ones are kept";
    default:
      return unreachable(why);
  }
}

function sumWords({ dry_run, refs, bytes }: GcView): string {
  const count = `${refs.length} ${refs.length === 1 ? "ref" : "refs"}`;
  if (refs.length === 0)
    return dry_run ? "Nothing would be removed." : "Nothing was to be removed.";
  const what = dry_run ? `${count} would be removed.` : `${count} removed.`;
  if (bytes === null) return what;
  return `${what} About ${sizeWords(bytes)} of objects ${dry_run ? "would be" : "are"} then free for \`git gc\`.`;
}

function packingWords({ dry_run, objects, packing }: GcView): string {
  const { loose, packs } = objects;
  const clutter = `${loose} loose objects and ${packs} ${packs === 1 ? "pack" : "packs"}`;
  if (packing === "needless") return "There is nothing to pack.";
  if (packing === "begun")
    return dry_run ? `${clutter} would be packed.` : `${clutter} are being packed.`;
  return `${clutter} stay as they are: ${plain(packing.not)}.`;
}

const units = ["B", "kB", "MB", "GB", "TB"] as const;

function sizeWords(bytes: number): string {
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}
