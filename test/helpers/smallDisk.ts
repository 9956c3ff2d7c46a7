import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A file system of its own on a loop device, small enough to be filled in a test. Root and the
 * programs of e2fsprogs and util-linux are needed: `smallDiskProblem` says what is missing.
 */
export type SmallDisk = {
  /** The mount point. */
  readonly path: string;
  /** Takes every byte there is left. */
  readonly fill: () => void;
  /** Gives them back. */
  readonly free: () => void;
  readonly remount: (mode: "ro" | "rw") => void;
  readonly [Symbol.dispose]: () => void;
};

const megabyte = 1024 * 1024;
/** From large to small: what a large block leaves over, a small one takes. */
const fillBlockBytes = [megabyte, 64 * 1024, 4096, 512, 1];

/** Why there can be no small disk here; `null` when there can. Found out by making one. */
export function smallDiskProblem(): string | null {
  if (process.platform !== "linux") return "loop devices are Linux's";
  if (process.getuid?.() !== 0) return "mounting takes root";
  try {
    using _disk = makeSmallDisk(8);
    return null;
  } catch (error) {
    return `no file system can be mounted here: ${String(error).slice(0, 200)}`;
  }
}

export function makeSmallDisk(megabytes: number): SmallDisk {
  const root = mkdtempSync(join(tmpdir(), "disk-"));
  const image = join(root, "image");
  const path = join(root, "mounted");
  const ballast = join(path, "ballast");
  let mounted = false;
  const unmount = (): void => {
    process.off("exit", unmount);
    // Lazily: a process that still sits in it must not leave the mount to the machine.
    if (mounted) run("umount", "--lazy", path);
    mounted = false;
    rmSync(root, { recursive: true, force: true });
  };
  process.on("exit", unmount);
  try {
    const file = openSync(image, "wx");
    ftruncateSync(file, megabytes * megabyte);
    closeSync(file);
    // Nothing reserved for root, who fills it; no journal, which would take half of it.
    run("mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", image);
    run("mkdir", path);
    run("mount", "-o", "loop", image, path);
    mounted = true;
  } catch (error) {
    unmount();
    throw error;
  }
  return {
    path,
    fill: () => fillUp(ballast),
    free: () => rmSync(ballast, { force: true }),
    remount: (mode) => run("mount", "-o", `remount,${mode}`, path),
    [Symbol.dispose]: unmount,
  };
}

function fillUp(ballast: string): void {
  const file = openSync(ballast, "a");
  try {
    for (const bytes of fillBlockBytes) while (hasTaken(file, bytes));
  } finally {
    closeSync(file);
  }
}

function hasTaken(file: number, bytes: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(bytes)) === bytes;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false;
    throw error;
  }
}

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
}
