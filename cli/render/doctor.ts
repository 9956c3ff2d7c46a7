import type { Finding } from "../doctor/finding.ts";
import type { Look, Style } from "./paint.ts";
import { plain, plural } from "./text.ts";

const marks: Readonly<Record<Finding["level"], readonly [mark: string, style: Style]>> = {
  ok: ["✓", "good"],
  warning: ["!", "warn"],
  problem: ["✗", "bad"],
};

/** What is well in one line each; below what is not: what it means, and the choices with what to type. */
export function doctorPage(findings: readonly Finding[], look: Look): string {
  const fine = findings.filter(({ level }) => level === "ok");
  const troubles = findings.filter(({ level }) => level !== "ok");
  const worst = troubles.toSorted(
    (a, b) => Number(b.level === "problem") - Number(a.level === "problem"),
  );
  return [
    fine.map((finding) => headLine(finding, look)).join("\n"),
    ...worst.map((finding) => troublePart(finding, look)),
    summary(findings),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function headLine({ level, message }: Finding, look: Look): string {
  const [mark, style] = marks[level];
  return `${look.paint(style, mark)} ${plain(message)}`;
}

function troublePart(finding: Finding, look: Look): string {
  const meaning = finding.meaning === null ? [] : [`  ${plain(finding.meaning)}`];
  const choices = finding.choices.flatMap(({ text, command }) => [
    `  - ${plain(text)}`,
    ...(command === null ? [] : [`      ${look.paint("strong", plain(command))}`]),
  ]);
  return [headLine(finding, look), ...meaning, ...choices].join("\n");
}

function summary(findings: readonly Finding[]): string {
  const count = (level: Finding["level"]): number =>
    findings.filter((finding) => finding.level === level).length;
  const [problems, warnings] = [count("problem"), count("warning")];
  if (problems + warnings === 0) return "All is well.";
  return `${plural(problems, "problem")}, ${plural(warnings, "warning")}.`;
}
