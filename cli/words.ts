/**
 * The words of an invocation, before any command is loaded: which command it is, and where a command
 * line of its own begins.
 *
 *     orchd --repo /srv/app run --title "Tidy" -- npm run tidy
 *           ╰──────────── own ──────────────╯    ╰ commandLine ╯
 */
export type Words = {
  readonly all: readonly string[];
  /** Up to the first `--`. */
  readonly own: readonly string[];
  readonly commandLine: readonly string[];
  readonly verb: string | null;
  readonly verbAt: number;
  /** Known before parsing, so that a failure to parse is told in JSON too. */
  readonly json: boolean;
};

export function readWords(argv: readonly string[]): Words {
  const end = argv.indexOf("--");
  const own = end < 0 ? argv : argv.slice(0, end);
  const verbAt = own.findIndex(
    (word, index) => !word.startsWith("-") && own[index - 1] !== "--repo",
  );
  return {
    all: argv,
    own,
    commandLine: end < 0 ? [] : argv.slice(end + 1),
    verb: own[verbAt] ?? null,
    verbAt,
    json: own.includes("--json"),
  };
}
