import { resolutionBranch } from "../../ipc/taskViews.ts";
import type { ParkedView, TaskView } from "../../ipc/taskViews.ts";
import type { TaskId } from "../../ipc/ids.ts";
import type { Look } from "./paint.ts";
import { listed, plain } from "./text.ts";
import { quoted } from "./shell.ts";

/**
 * How to look at parked work and resolve it, as `orchd show` prints it: commands for a shell, one a
 * line, that work as they stand from anywhere in the repository. What they do by hand is said between
 * them, as comments.
 */
export function parkedSection(view: TaskView, look: Look): string {
  const { parked } = view;
  if (parked === null) return "";
  if (!parked.kept) return removedSection(view.id, parked, look);
  const lines = [
    `  ${look.paint("strong", "parked")}: its work conflicts in ${listed(parked.paths, 5, parked.paths_total)}`,
    ...resolvingLines(view.id, parked, look).map((line) => (line === "" ? "" : `    ${line}`)),
  ];
  return lines.join("\n");
}

/** Commands on a ref that is gone would only fail. */
function removedSection(
  id: string,
  { paths, paths_total, ref, branch }: ParkedView,
  look: Look,
): string {
  return [
    `  ${look.paint("strong", "parked")}: its work conflicted in ${listed(paths, 5, paths_total)}`,
    `    ${plain(ref)} was kept for as long as \`retention\` says, and is removed.`,
    `    \`orchd retry ${id}\` does it anew; \`orchd land --resolved ${id}\` still takes a commit`,
    `    of yours on orchd's branch, from ${plain(branch)} or by --commit.`,
  ].join("\n");
}

function resolvingLines(id: string, parked: ParkedView, look: Look): string[] {
  const ref = (side: number): string => quoted(`${plain(parked.ref)}^${side}`);
  const remark = (text: string): string => look.paint("dim", `# ${text}`);
  const folder = quoted(plain(parked.worktree));
  const branch = quoted(plain(parked.branch));
  const paths = parked.paths.slice(0, pathsMax).map((path) => quoted(`:/${plain(path)}`));
  return [
    remark("what landed meanwhile, and what the task did"),
    `git diff ${ref(1)} ${ref(2)} -- ${paths.join(" ")}`,
    `git diff ${ref(1)} ${ref(3)}`,
    ...earlierLines(id, parked).map(remark),
    remark("meet the conflict in a folder of its own"),
    `git worktree add -b ${branch} ${folder} ${ref(2)}`,
    `git -C ${folder} cherry-pick --no-commit ${ref(3)}`,
    remark(`edit or remove what conflicts in ${plain(parked.worktree)}; a file that one side`),
    remark(
      "deleted or renamed, or that is binary, has no marks: it lies there as one side has it. Then",
    ),
    `git -C ${folder} add --all`,
    `git -C ${folder} commit -C ${ref(3)}`,
    landing(id, parked.branch),
    remark("and when it has landed"),
    `git worktree remove ${folder} && git branch -D ${branch}`,
  ];
}

/** Only the first branch is found by itself. */
function landing(id: string, branch: string): string {
  const named =
    branch === resolutionBranch(id as TaskId) ? "" : ` --commit ${quoted(plain(branch))}`;
  return `orchd land --resolved ${id}${named}`;
}

/** What it is by now, nobody knows: somebody may be at work on it, or it was red. */
function earlierLines(id: string, { earlier }: ParkedView): string[] {
  if (earlier === null) return [];
  return [
    `${plain(earlier)} is there from an earlier time; to land what it is now:`,
    landing(id, earlier),
    "or begin anew:",
  ];
}

const pathsMax = 20;
