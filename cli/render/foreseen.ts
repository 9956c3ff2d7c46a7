import type { ForeseenView } from "../../ipc/taskViews.ts";
import type { Look } from "./paint.ts";
import { fit, listed } from "./text.ts";

/** Conflicts that running tasks will have: `a and b, in src/x.ts`. */
export function foreseenLines(foreseen: readonly ForeseenView[], look: Look): string[] {
  return foreseen.map((one) => {
    const whom = one.with ?? "what has landed";
    return look.paint("warn", fit(`  ${one.task} and ${whom}, in ${pathsOf(one)}`, look.width));
  });
}

/** The same of one task: `with b, in src/x.ts`. */
export function foreseenWords(task: string, one: ForeseenView): string {
  const other = one.task === task ? one.with : one.task;
  return `with ${other ?? "what has landed"}, in ${pathsOf(one)}`;
}

function pathsOf({ paths }: ForeseenView): string {
  return listed(paths, 3);
}
