import type { OutsideContent } from "../system/outsideContent.ts";
import { listed, plural } from "./render/text.ts";

const namesShown = 3;

/** What orchd does about submodules and Git LFS, a sentence each; none where there are none. */
export function outsideNotes({ submodules, lfs }: OutsideContent): string[] {
  return [
    ...(submodules.length === 0
      ? []
      : [
          `${plural(submodules.length, "submodule")} (${listed(submodules, namesShown)}): empty in workspaces; a task that needs them runs \`git submodule update --init\` itself. One that a task moves lands if your own checkout of it has that commit.`,
        ]),
    ...(lfs.length === 0
      ? []
      : [
          `Git LFS (by ${listed(lfs, namesShown)}): workspaces have the pointers, not the contents. A task that leaves content where a pointer belongs fails.`,
        ]),
  ];
}
