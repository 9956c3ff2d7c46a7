import type { LandingView, TargetView } from "../../ipc/landingViews.ts";
import type { PushView } from "../../ipc/pushView.ts";
import { fit, listed, plain } from "./text.ts";
import { shortOidLength } from "./outcome.ts";
import type { Look } from "./paint.ts";
import { span } from "./time.ts";

/**
 * Where finished work stands: orchd's branch, how far the person's branch is behind and why, what
 * holds landing.
 */
export function landingLines(view: LandingView, look: Look): string[] {
  const lines = [branchWords(view), ...(view.tip === null ? [] : [landedSentence(view)])];
  const shown = lines.map((line) => fit(`  ${line}`, look.width));
  const held = view.held === null ? [] : [`  landing is held: ${plain(view.held)}`];
  return [
    ...shown,
    ...leftOutLines(view, look),
    ...held.map((line) => look.paint("bad", fit(line, look.width))),
    ...(view.push === null ? [] : pushLines(view.push, look)),
  ];
}

function leftOutLines({ attributes_left_out: left }: LandingView, look: Look): string[] {
  if (left === null) return [];
  const which = listed(left.paths, 3, left.total);
  return [
    look.paint("warn", `  too large to merge by: ${which}; two changes of a file below conflict`),
  ];
}

/** `3 landed wait to be pushed to main on origin: last error …, next try in 20s`. */
function pushLines(push: PushView, look: Look): string[] {
  const where = `${plain(push.branch)} on ${plain(push.remote)}`;
  if (!push.behind) return [fit(`  ${where} has everything that landed`, look.width)];
  const what = push.commits === 0 ? "what landed waits" : `${push.commits} landed wait`;
  const waits = `  ${what} to be pushed to ${where}`;
  const { problem } = push;
  if (problem === null) return [fit(`${waits}${nextTry(push, look)}`, look.width)];
  // What a person has to do is worth more than one line.
  const reason = problem.kind === "held" ? "held" : "last error";
  const words = `${waits}: ${reason}: ${plain(problem.message)}${nextTry(push, look)}`;
  return [look.paint(problem.kind === "held" ? "bad" : "warn", words)];
}

function nextTry({ state, next_try_at: at }: PushView, look: Look): string {
  if (state === "pushing") return "; it is being pushed now";
  return at === null ? "" : `; next try in ${span(Math.max(0, at - look.now))}`;
}

/** What is landing now and what waits behind it. */
export function landingQueueLines(view: LandingView, look: Look): string[] {
  const behind = view.waiting.filter((id) => !view.chain.includes(id));
  const lines: string[] = [];
  if (view.current !== null) {
    const { task, step, since } = view.current;
    lines.push(`  ${task} is landing: ${step} for ${span(look.now - since)}`);
    if (view.chain.length > 1) lines.push(`  ${listed(view.chain, 5)} land together`);
    if (view.testing !== null) lines.push(`  tested now: ${testedWords(view.testing)}`);
  }
  if (behind.length > 0) lines.push(`  then ${listed(behind, 5)}`);
  return lines.map((line) => fit(line, look.width));
}

function testedWords(testing: NonNullable<LandingView["testing"]>): string {
  return testing.length === 0 ? "the branch, without any of them" : listed(testing, 5);
}

/** `3 landed on orchd/main; main waits: src/a.ts edited`. */
export function landedSentence(view: LandingView): string {
  const branch = plain(view.branch);
  if (view.ahead === 0) return `${plain(view.target)} has everything that landed on ${branch}`;
  return `${view.ahead} landed on ${branch}; ${targetWords(view)}`;
}

/** `Landed on orchd/main; main waits: src/a.ts edited`. */
export function behindSentence(view: TargetView): string {
  return `Landed on ${plain(view.branch)}; ${targetWords(view)}`;
}

function targetWords(view: Omit<TargetView, "behind">): string {
  const target = plain(view.target);
  if (view.follow_problem !== null) return `${target} waits: ${plain(view.follow_problem)}`;
  if (view.follow === "off") return `${target} does not follow`;
  if (view.follow === "manual") return `${target} follows at \`orchd land\``;
  return `${target} ${view.held === null ? "is about to follow" : "does not follow yet"}`;
}

function branchWords(view: LandingView): string {
  const tip = view.tip === null ? "has no commit yet" : `at ${view.tip.slice(0, shortOidLength)}`;
  return `${plain(view.branch)} ${tip}`;
}
