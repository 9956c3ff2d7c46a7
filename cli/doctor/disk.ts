import { readdir, readFile, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Config } from "../../ipc/configSpec.ts";
import { freeBytes } from "../../system/freeSpace.ts";
import { socketPathBytesMax, socketPathFor, workspaceRoot } from "../../system/paths.ts";
import type { Layout } from "../../system/paths.ts";
import { bytesWords } from "../../ipc/byteSize.ts";
import { whyNotWritten } from "../../system/systemFailure.ts";
import { choice, fine, problem, typed, warning } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** Where the state lies: file system, space, modes, the socket's path, git's exclude file. */
export async function checkDisk(
  layout: Layout,
  { limits, workspace }: Pick<Config, "limits" | "workspace">,
): Promise<Finding[]> {
  const { commonDir, stateDir, brainDir } = layout;
  const { type } = await statfs(commonDir);
  const folders = [commonDir, workspaceRoot(layout, workspace.root, process.env), brainDir];
  return [
    fileSystemFinding(commonDir, type),
    ...writeFindings([commonDir, dirname(brainDir)]),
    ...spaceFindings(folders, limits.min_free_disk_bytes),
    socketFinding(layout),
    await modesFinding([stateDir, brainDir]),
    await excludeFinding(commonDir),
  ];
}

/** f_type of statfs(2). Locks of SQLite and synced writes are not to be trusted there. */
const networkTypes: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x5346414f, "AFS"],
  [0x00c36400, "Ceph"],
  [0x0bd00bd0, "Lustre"],
  [0x786f4256, "a VirtualBox share"],
]);
/** Local or not: what lies behind them cannot be told from here. */
const uncertainTypes: ReadonlyMap<number, string> = new Map([
  [0x65735546, "FUSE"],
  [0x01021997, "9p"],
]);
const megabyte = 1024 * 1024;
const spaceMin = 100 * megabyte;
const spaceUsual = 1024 * megabyte;

export function fileSystemFinding(folder: string, type: number): Finding {
  const uncertain = uncertainTypes.get(type >>> 0);
  if (uncertain !== undefined)
    return warning("file_system", {
      message: `${folder} lies on ${uncertain}, and what is behind that cannot be told from here.`,
      meaning: "If it is a network, file locks and synced writes may not hold.",
      choices: [choice("Use it only if you know that it is local.")],
    });
  const name = networkTypes.get(type >>> 0);
  if (name === undefined) return fine("file_system", `${folder} lies on a local file system`);
  return problem("file_system", {
    message: `${folder} lies on a network file system (${name}).`,
    meaning:
      "File locks and synced writes do not hold there as on a local disk: two supervisors could run at once, and what was acknowledged could be lost.",
    choices: [choice("Move the repository to a local disk.")],
  });
}

/** A file system that is mounted read-only, or folders of somebody else. */
function writeFindings(folders: readonly string[]): Finding[] {
  return folders.flatMap((folder) => {
    const reason = whyNotWritten(folder);
    if (reason === null) return [];
    return problem("file_system", {
      message: reason.message,
      meaning: "No supervisor can start here, and nothing can be saved or landed.",
      choices: [choice("Make it writable, or work as the user that it belongs to.")],
    });
  });
}

/** Of the disks that attempts write to, those that are short; one line when none is. */
function spaceFindings([first = "/", ...others]: readonly string[], needed: number): Finding[] {
  const found = [first, ...others].map((folder) =>
    spaceFinding(folder, freeBytes(folder) ?? Number.POSITIVE_INFINITY, needed),
  );
  const short = found.filter(({ level }) => level !== "ok");
  return short.length > 0 ? short : found.slice(0, 1);
}

/** `needed`: below it nothing starts. */
export function spaceFinding(folder: string, bytes: number, needed: number): Finding {
  const free = `${bytesWords(bytes)} are free in ${folder}`;
  const stops = bytes < needed;
  if (bytes >= spaceUsual && !stops) return fine("space", free);
  const finding = bytes < spaceMin || stops ? problem : warning;
  return finding("space", {
    message: stops
      ? `Only ${free}, less than limits.min_free_disk (${bytesWords(needed)}).`
      : `Only ${free}.`,
    meaning: stops
      ? "No task starts until there is more; what runs goes on, and what has run lands."
      : "When the disk is full nothing is acknowledged and nothing starts, until there is space again.",
    choices: [
      choice("Make room; `du` shows where it went.", `du -xh --max-depth=2 ${typed(folder)}`),
      ...(stops ? [choice("Or ask for less: `limits.min_free_disk` in orchd.yaml.")] : []),
    ],
  });
}

function socketFinding(layout: Layout): Finding {
  const near = join(layout.brainDir, "orchd.sock");
  const path = socketPathFor(layout);
  const bytes = Buffer.byteLength(path);
  if (bytes > socketPathBytesMax)
    return problem("socket", {
      message: `The path of the socket is too long (${bytes} of ${socketPathBytesMax} bytes): ${path}`,
      meaning: "The supervisor cannot listen.",
      choices: [choice("Set XDG_RUNTIME_DIR, or TMPDIR, to a folder with a short path.")],
    });
  return fine(
    "socket",
    path === near
      ? `The socket is ${path}`
      : `The socket is ${path}, because ${near} is too long for one`,
  );
}

async function modesFinding(folders: readonly string[]): Promise<Finding> {
  const open: string[] = [];
  for (const folder of folders) {
    if (await isOpen(folder)) open.push(folder);
    for (const name of await readdir(folder).catch(() => []))
      if (await isOpen(join(folder, name))) open.push(join(folder, name));
  }
  if (open.length === 0) return fine("modes", "State and sockets belong to you alone");
  return problem("modes", {
    message: `Others may read or write ${open.join(", ")}.`,
    meaning:
      "Prompts, output and plain values of `env` lie there, and whoever can write to the socket can run commands as you.",
    choices: [choice("Take the rights away.", `chmod go= ${open.map(typed).join(" ")}`)],
  });
}

/** Symbolic links have no rights of their own, and lead to where others are judged. */
async function isOpen(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  if (found === null || found.uid !== process.getuid?.()) return false;
  return (found.mode & 0o077) !== 0;
}

async function excludeFinding(commonDir: string): Promise<Finding> {
  const file = join(commonDir, "info/exclude");
  const text = await readFile(file, "utf8").catch(() => "");
  if (text.split(/\r?\n/).some((line) => /^\/?\.aibrain\/?$/.test(line)))
    return fine("exclude", "git ignores .aibrain");
  return warning("exclude", {
    message: `${file} does not name /.aibrain/.`,
    meaning:
      "`git add .` would put logs and lock files into a commit. The next start writes it there.",
    choices: [choice("Write it now.", `echo /.aibrain/ >> ${typed(file)}`)],
  });
}
