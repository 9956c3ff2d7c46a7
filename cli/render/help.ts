import type { Verb } from "../verbs.ts";
import type { Paint } from "./paint.ts";
import { padEnd } from "./text.ts";

const nameWidth = 12;

/** What `orchd --help` prints: the commands by group, and where to go from there. */
export function helpPage(verbs: readonly Verb[], paint: Paint): string {
  const groups = [...new Set(verbs.map((verb) => verb.group))];
  return [
    "orchd runs many agents on one git repository and lands each task as one verified commit.",
    "",
    `${paint("strong", "Usage")}  orchd COMMAND [OPTIONS]`,
    ...groups.flatMap((group) => [
      "",
      paint("strong", group),
      ...verbs
        .filter((verb) => verb.group === group)
        .map((verb) => `  ${padEnd(verb.name, nameWidth)}${verb.summary}`),
    ]),
    "",
    paint("strong", "Everywhere"),
    `  ${padEnd("--json", nameWidth)}Print JSON; failures too, on standard error`,
    `  ${padEnd("--repo DIR", nameWidth)}A directory in the repository (default: here)`,
    `  ${padEnd("--help", nameWidth)}What a command takes, with an example`,
    `  ${padEnd("--version", nameWidth)}The version of orchd`,
    "",
    "First steps: orchd init, orchd start, orchd run -- CMD, orchd status",
  ].join("\n");
}
