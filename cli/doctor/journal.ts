import { readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { unreachable } from "../../ipc/errors.ts";
import { readJournalCheck } from "../../ipc/journalCheck.ts";
import type { JournalCheck, JournalVerdict } from "../../ipc/journalCheck.ts";
import { isRecord } from "../../ipc/message.ts";
import { readJsonFile } from "../../system/atomicFile.ts";
import type { Layout } from "../../system/paths.ts";
import { capture } from "../../system/spawn.ts";
import { choice, fine, problem, typed, warning } from "./finding.ts";
import type { Choice, Finding } from "./finding.ts";
import type { SupervisorState } from "./supervisor.ts";

/** A journal of a million events is read in some seconds. */
const quickMs = 60_000;
const deepMs = 30 * 60_000;
const reportBytesMax = 1024 * 1024;

/**
 * Starts a process that reads the journal without changing it (`daemon/journalCheck.ts`), because
 * only the supervisor's code knows its format.
 */
export async function askJournal(
  layout: Layout,
  options: { readonly deep: boolean; readonly live: boolean; readonly tasks: readonly string[] },
): Promise<JournalCheck> {
  const flags = [...(options.deep ? ["--deep"] : []), ...(options.live ? ["--live"] : [])];
  const {
    stdout,
    stderr,
    problem: why,
  } = await capture(process.execPath, [entryFile(), "--journal", layout.journal, ...flags], {
    env: { PATH: process.env["PATH"] ?? "", TMPDIR: process.env["TMPDIR"] ?? "" },
    input: options.tasks.join("\n"),
    timeoutMs: options.deep ? deepMs : quickMs,
  });
  const said = readJournalCheck(stdout);
  if (said !== null) return said;
  const message = why ?? (stderr.trim().slice(-500) || "the check said nothing");
  return { verdict: { kind: "unreadable", message }, unknown: [] };
}

export function journalFindings(
  verdict: JournalVerdict,
  layout: Layout,
  supervisor: SupervisorState,
): Finding[] {
  const told = supervisor.kind === "answers" ? supervisor.status.daemon.journal : "ok";
  const stuck =
    told === "ok"
      ? []
      : [
          problem("journal", {
            message: `The supervisor cannot write its journal: ${told.problem}.`,
            meaning: "It goes on by itself as soon as it can.",
            choices: [choice("Make room on that disk.", `df -h ${typed(layout.stateDir)}`)],
          }),
        ];
  return [verdictFinding(verdict, layout), ...stuck];
}

function verdictFinding(verdict: JournalVerdict, layout: Layout): Finding {
  switch (verdict.kind) {
    case "absent":
      return fine("journal", "There is no journal yet");
    case "good": {
      const { events, tasks, proven } = verdict;
      const how =
        proven === events
          ? "every event is proven"
          : `the snapshot of ${tasks} tasks and the ${proven} events behind it are proven; \`orchd doctor --deep\` proves the rest`;
      return fine("journal", `The journal is good: ${events} events; ${how}`);
    }
    case "damaged":
      return damagedFinding(verdict, layout);
    case "format":
      return problem("journal", {
        message: `A newer orchd wrote the journal (format ${verdict.found}; this one knows ${verdict.known}).`,
        meaning: "This version refuses to start, so as not to lose what it does not understand.",
        choices: [choice("Use the newer version again.")],
      });
    case "unreadable":
      return problem("journal", {
        message: `The journal cannot be read: ${verdict.message}.`,
        meaning: "Whether it is good is not known.",
        choices: [
          choice("Look at the disk and at the rights.", `ls -la ${typed(layout.stateDir)}`),
        ],
      });
    case "changing":
      return warning("journal", {
        message: "The journal was written to while it was looked at.",
        meaning: "A supervisor started just now, so the answer would mean nothing.",
        choices: [choice("Ask again.", "orchd doctor")],
      });
    default:
      return unreachable(verdict);
  }
}

function damagedFinding(
  { message, where, good_until: until }: Extract<JournalVerdict, { kind: "damaged" }>,
  layout: Layout,
): Finding {
  const good = until === null ? "" : ` Events up to ${until} are good.`;
  return problem("journal", {
    message: `The journal is damaged (${where}): ${message}.${good}`,
    meaning:
      "orchd does not start with it, changes nothing of it, and puts a copy aside at the next attempt. What landed is in git, and what attempts saved is under refs/orchd/attempts.",
    choices: damageChoices(layout),
  });
}

/** The same three that docs/operating/journal.md explains. */
function damageChoices({ stateDir }: Layout): Choice[] {
  const files = ["journal.db", "journal.db-wal", "journal.db-shm", "journal.mark"];
  const away = join(stateDir, "journal-moved-away");
  const move = files.map((name) => typed(join(stateDir, name))).join(" ");
  return [
    choice(
      "Look after the disk first: a full or failing one damages the next journal too.",
      `df -h ${typed(stateDir)}`,
    ),
    choice(
      `If you have a backup of ${files.join(", ")}: put all of it back into ${stateDir}, and start.`,
      "orchd start",
    ),
    choice(
      "Without one: move the files away and start with an empty queue. Submit again what is missing.",
      `mkdir ${typed(away)}; mv ${move} ${typed(away)}; orchd start`,
    ),
  ];
}

/** Copies of damaged journals that a start put aside. */
export async function setAsideFindings({ stateDir }: Layout): Promise<Finding[]> {
  const names = await readdir(stateDir).catch(() => []);
  const folders = names.filter((name) => name.startsWith("damaged-")).toSorted();
  const findings: Finding[] = [];
  for (const name of folders) {
    const folder = join(stateDir, name);
    const report = await readJsonFile(join(folder, "report.json"), reportBytesMax).catch(
      () => null,
    );
    findings.push(setAsideFinding(folder, report));
  }
  return findings;
}

function setAsideFinding(folder: string, report: unknown): Finding {
  const remove = choice("When nobody needs it any more, remove it.", `rm -r ${typed(folder)}`);
  if (!isRecord(report))
    return warning("set_aside", {
      message: `${folder} is a copy of a damaged journal that was cut short: it has no report.`,
      meaning:
        "The journal itself was not touched. The next start makes a whole copy if it is damaged.",
      choices: [remove],
    });
  const { message, goodUntil, acknowledgedUntil } = report;
  const until = typeof goodUntil === "number" ? `; events up to ${goodUntil} are good` : "";
  const lost =
    typeof acknowledgedUntil === "number" ? `, up to ${acknowledgedUntil} were acknowledged` : "";
  return warning("set_aside", {
    message: `${folder} holds a damaged journal (${String(message)}${until}${lost}).`,
    meaning: "It is a copy for you to find out what was lost. orchd does not read it again.",
    choices: [
      choice("Read what was wrong.", `cat ${typed(join(folder, "report.json"))}`),
      choice(
        "Look which tasks it knew, in the copy only.",
        `sqlite3 -readonly ${typed(join(folder, "journal.db"))} "SELECT seq, type, task FROM events ORDER BY seq DESC LIMIT 50"`,
      ),
      remove,
    ],
  });
}

/** Of the same kind as this file: `.ts` in the sources, `.js` in the package. */
function entryFile(): string {
  const extension = extname(new URL(import.meta.url).pathname);
  return fileURLToPath(new URL(`../../daemon/journalCheck${extension}`, import.meta.url));
}
