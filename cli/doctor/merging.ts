import type { Oid } from "../../ipc/ids.ts";
import { isOid } from "../../ipc/ids.ts";
import type { MergeRule } from "../../ipc/mergeRules.ts";
import { git } from "../../system/git.ts";
import { mergeRulesIn } from "../../system/mergeRulesIn.ts";
import type { Repository } from "../../system/repository.ts";
import { ruleWords } from "../render/merging.ts";
import { listed, plain, plural } from "../render/text.ts";
import { choice, fine, warning } from "./finding.ts";
import type { Finding } from "./finding.ts";

const namesShown = 3;
const rulesShown = 5;

/** How files merge by what work is merged onto: orchd's branch; before there is one, HEAD. */
export async function checkMerging(
  { commonDir, head }: Repository,
  target: string | null,
): Promise<Finding[]> {
  const tip = await tipOf(commonDir, target === null ? "HEAD" : `refs/heads/orchd/${target}`);
  const commit = tip ?? head.commit;
  return commit === null ? [] : mergingFindings(await mergeRulesIn(commonDir, commit));
}

async function tipOf(gitDir: string, ref: string): Promise<Oid | null> {
  const args = ["rev-parse", "--verify", "--quiet", `${ref}^{commit}`];
  const { stdout } = await git({ gitDir }, args, { accept: [0, 1, 128] });
  const oid = stdout.trim();
  return isOid(oid) ? oid : null;
}

/** What counts for all files, or what nobody can have meant, is worth a look. */
export function mergingFindings(rules: readonly MergeRule[]): Finding[] {
  const odd = rules.filter(isOdd);
  const usual = rules.filter((rule) => !isOdd(rule));
  const words = usual.map(({ pattern, words: by }) => `${plain(pattern)} (${plain(by)})`);
  const note = `${plural(usual.length, "line")} of .gitattributes ${usual.length === 1 ? "says" : "say"} how files merge: ${listed(words, namesShown)}`;
  return [
    ...(usual.length === 0 ? [] : [fine("merging", note)]),
    ...odd.slice(0, rulesShown).map((rule) =>
      warning("merging", {
        message: `${ruleWords(rule)}.`,
        meaning: "It counts for all work that is merged from now on.",
        choices: [
          choice("See who brought it.", `git log --oneline -- ':(glob)**/.gitattributes'`),
          choice("Take the line out of the file, and commit that, if nobody meant it."),
        ],
      }),
    ),
  ];
}

function isOdd({ pattern, effect }: MergeRule): boolean {
  if (effect === "too_many_wildcards" || effect === "too_large") return true;
  const isWide = /^[*/."]+$/.test(pattern);
  return isWide && (effect === "both_sides" || effect === "conflict");
}
