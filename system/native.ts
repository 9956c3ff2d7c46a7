import { createRequire } from "node:module";

/**
 * The few calls of libc that Node has no words for, through the optional package koffi. Nothing
 * depends on them: without koffi (not installed, not Linux, or `ORCHD_NO_NATIVE=1`) every function
 * says "not available" and its caller takes a slower way. Loading takes about 8 ms and 8 MB, so it
 * happens at the first call, never at import.
 */
export type PeerCredentials = { readonly pid: number; readonly uid: number; readonly gid: number };

type Libc = {
  readonly prctl: (option: number, a: number, b: number, c: number, d: number) => number;
  readonly waitpid: (pid: number, status: null, options: number) => number;
  readonly getsockopt: (
    fd: number,
    level: number,
    option: number,
    value: Uint32Array,
    length: Uint32Array,
  ) => number;
};

/** prctl(2), waitpid(2), socket(7); the same numbers on every Linux that Node runs on, MIPS and SPARC aside. */
const PR_SET_CHILD_SUBREAPER = 36;
const WNOHANG = 1;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

let loaded: Libc | null | undefined;
let subreaper = false;

/**
 * From now on a process whose parent ends becomes a child of this process, if it descends from it,
 * however it detached itself (prctl(2), PR_SET_CHILD_SUBREAPER). Such a child must be reaped with
 * `reapZombies`. Idempotent. False: not available, orphans go to process 1.
 */
export function becomeSubreaper(): boolean {
  const libc = nativeLibc();
  if (libc === null) return false;
  subreaper ||= libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) === 0;
  return subreaper;
}

/**
 * Takes the exit status of ended children that were adopted, so that their numbers become free.
 * Never give it a child that Node started: Node would wait for that one's status for ever.
 * Returns how many were reaped.
 */
export function reapZombies(pids: readonly number[]): number {
  const libc = nativeLibc();
  if (libc === null) return 0;
  return pids.filter((pid) => pid > 0 && libc.waitpid(pid, null, WNOHANG) === pid).length;
}

/** Who is at the other end of a connected unix socket. `undefined`: not available, or not a socket. */
export function peerCredentials(fd: number): PeerCredentials | undefined {
  const libc = nativeLibc();
  if (libc === null) return undefined;
  const value = new Uint32Array(3);
  const length = Uint32Array.of(value.byteLength);
  if (libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, length) !== 0) return undefined;
  const [pid = 0, uid = 0, gid = 0] = value;
  return { pid, uid, gid };
}

function nativeLibc(): Libc | null {
  if (process.platform !== "linux" || process.env["ORCHD_NO_NATIVE"] === "1") return null;
  if (loaded === undefined) loaded = load();
  return loaded;
}

function load(): Libc | null {
  try {
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    const libc = koffi.load(null);
    return {
      prctl: libc.func(
        "int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)",
      ),
      waitpid: libc.func("int waitpid(int, void *, int)"),
      getsockopt: libc.func("int getsockopt(int, int, int, _Out_ void *, _Inout_ void *)"),
    };
  } catch {
    return null;
  }
}

/** Whether the calls above can be made. */
export function nativeAvailable(): boolean {
  return nativeLibc() !== null;
}
