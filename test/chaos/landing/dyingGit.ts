import { spawn } from "node:child_process";

/**
 * A git of the writer that dies, or whose supervisor dies: `node dyingGit.ts <git> <death> <answer> <ms> <arg…>`.
 *
 *     answered   when it has done what it was asked for the `answer`th time; nobody hears of it
 *     both       the same, and the supervisor is killed before it
 *     midway     `ms` after it was asked for the first time, whatever it is doing then
 *     orphan     the supervisor is killed when git has been asked; git ends by itself
 *
 * It stands between supervisor and git, so what the one says reaches the other only from here.
 */
const [git = "", death = "", answer = "1", ms = "0", ...args] = process.argv.slice(2);
const supervisor = process.ppid;
const child = spawn(git, args, { stdio: ["pipe", "pipe", "inherit"] });
let [asked, answers, said] = [false, 0, ""];

process.stdin.on("data", (chunk: Buffer) => {
  ask();
  child.stdin.write(chunk);
});
process.stdin.on("end", () => {
  ask();
  child.stdin.end();
});
child.stdin.on("error", () => {});
child.stdout.on("data", (chunk: Buffer) => answered(chunk));
process.stdout.on("error", () => {});
child.on("close", (code) => {
  if (death === "orphan") process.exit(code ?? 1);
  die();
});

/** The first word to it, or that there will be none. */
function ask(): void {
  if (asked) return;
  asked = true;
  if (death === "orphan") kill(supervisor);
  if (death === "midway") setTimeout(die, Number(ms));
}

/** git tells that a transaction is done with `commit: ok`, that an object is written with its name. */
function answered(chunk: Buffer): void {
  said += chunk.toString("latin1");
  const isWhole = args.includes("update-ref")
    ? said.endsWith("commit: ok\n")
    : args.includes("hash-object") && said.endsWith("\n");
  if (isWhole) answers += 1;
  if (isWhole && answers >= Number(answer) && /^(?:answered|both)$/.test(death)) die();
  if (isWhole || death === "orphan" || death === "midway") tell();
}

function tell(): void {
  const text = said;
  said = "";
  process.stdout.write(Buffer.from(text, "latin1"));
}

function die(): void {
  if (death === "both") kill(supervisor);
  if (child.pid !== undefined) kill(child.pid);
  kill(process.pid);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It was faster.
  }
}
