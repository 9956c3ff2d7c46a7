import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

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
  /** As ext4 does by itself when it meets an error: every write fails with EROFS from now on. */
  readonly becomeReadOnly: () => void;
  /** Everything fails with EIO from now on. */
  readonly fail: () => void;
  /** Makes it good again; nobody may have a file open on it. */
  readonly repair: () => void;
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

/** `at`: an empty folder to mount it on. Default: one of its own. */
export function makeSmallDisk(megabytes: number, at?: string): SmallDisk {
  const root = mkdtempSync(join(tmpdir(), "disk-"));
  const image = join(root, "image");
  const path = at ?? join(root, "mounted");
  const ballast = join(path, "ballast");
  let mounted = false;
  const mount = (): void => {
    run("mount", "-o", "loop,errors=remount-ro", image, path);
    mounted = true;
  };
  const dispose = (): void => {
    process.off("exit", dispose);
    // Lazily: a process that still sits in it must not leave the mount to the machine.
    if (mounted) run("umount", "--lazy", path);
    mounted = false;
    rmSync(root, { recursive: true, force: true });
  };
  process.on("exit", dispose);
  try {
    const file = openSync(image, "wx");
    ftruncateSync(file, megabytes * megabyte);
    closeSync(file);
    // Nothing reserved for root, who fills it; no journal, which would take half of it.
    run("mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", image);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    mount();
  } catch (error) {
    dispose();
    throw error;
  }
  return {
    path,
    fill: () => fillUp(ballast),
    free: () => rmSync(ballast, { force: true }),
    becomeReadOnly: () => writeFileSync(triggerOf(path), "a test"),
    fail: () => run(...shutdownCommand(path)),
    repair: () => {
      run("umount", path);
      mounted = false;
      // 1: errors were corrected.
      run("sh", "-c", 'e2fsck -fy "$1" || [ $? -eq 1 ]', "sh", image);
      mount();
    },
    [Symbol.dispose]: dispose,
  };
}

/** Makes everything on the disk mounted there fail with EIO, as `fail` does. */
export function shutdownCommand(path: string): [string, ...string[]] {
  return ["python3", "-c", shutdownProgram, path];
}

/** EXT4_IOC_SHUTDOWN without writing anything out (linux/include/uapi/linux/fs.h). */
const shutdownProgram = [
  "import fcntl, os, struct, sys",
  "fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))",
].join("\n");

/** See ext4's `trigger_fs_error` (Documentation/ABI/testing/sysfs-fs-ext4). */
function triggerOf(path: string): string {
  const mount = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .find((line) => line.split(" ")[1] === path);
  return `/sys/fs/ext4/${basename(mount?.split(" ")[0] ?? "")}/trigger_fs_error`;
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
