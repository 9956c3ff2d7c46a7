import { unreachable } from "../../ipc/errors.ts";
import type { GcReason, GcView, LeftKind } from "../../ipc/gcView.ts";
import { plain } from "./text.ts";

const listedMax = 50;

/** What was removed, or would be: every ref and folder with its reason, and the sums. */
export function gcLines(view: GcView): string[] {
  const { refs, folders, unsaved, problem } = view;
  return [
    ...firstOf(refs, ({ ref, why }) => `${plain(ref)}  ${reasonWords(why)}`),
    sumWords(view),
    ...firstOf(folders, (one) => `${plain(one.path)}  ${kindWords(one.kind)}${inBytes(one)}`),
    ...folderWords(view),
    ...firstOf(unsaved, (one) => unsavedWords(one)),
    packingWords(view),
    ...(problem === null ? [] : [`Not all of them: ${plain(problem)}`]),
  ];
}

function firstOf<Row>(rows: readonly Row[], line: (row: Row) => string): string[] {
  const more = rows.length - listedMax;
  const rest = more > 0 ? [`and ${more} more; --json lists them`] : [];
  return [...rows.slice(0, listedMax).map((row) => line(row)), ...rest];
}

function kindWords(kind: LeftKind): string {
  switch (kind) {
    case "attempt":
      return "logs and records of an attempt";
    case "workspace":
      return "of a worker that there is no more";
    case "histories":
      return "histories of embedded repositories";
    case "unsaved":
      return "NOT SAVED anywhere else; its time is over";
    case "journal":
      return "a copy of a damaged journal";
    case "temporary":
      return "left by a process that was killed";
    default:
      return unreachable(kind);
  }
}

function inBytes({ bytes }: { readonly bytes: number | null }): string {
  return bytes === null ? "" : `, ${sizeWords(bytes)}`;
}

function folderWords({ dry_run, folders }: GcView): string[] {
  if (folders.length === 0) return [];
  const count = `${folders.length} ${folders.length === 1 ? "folder or file" : "folders and files"}`;
  const bytes = folders.reduce((sum, one) => sum + (one.bytes ?? 0), 0);
  return [`${count}, ${sizeWords(bytes)}, ${dry_run ? "would be removed." : "removed."}`];
}

function unsavedWords(one: GcView["unsaved"][number]): string {
  const days = Math.ceil(one.left_ms / dayMs);
  const left = `${days} ${days === 1 ? "day" : "days"}`;
  return `${plain(one.path)}  is saved nowhere else${inBytes(one)}; it stays for another ${left}`;
}

const dayMs = 24 * 60 * 60 * 1000;

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
