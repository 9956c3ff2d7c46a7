import { createRequire } from "node:module";

/**
 * Sends datagrams to the socket a service manager listens on (sd_notify(3)), which Node cannot: it
 * knows no unix datagram sockets. Three calls of the C library through the optional package koffi, so that
 * the kernel attaches this process's own pid, which is what `NotifyAccess=main` asks for. libsystemd
 * is not needed; its documentation says that the protocol is stable and may be spoken directly.
 */
export type NotifySocket = {
  /** False: not delivered (the manager is gone, or its queue is full). Never blocks. */
  readonly send: (message: string) => boolean;
  readonly close: () => void;
};

type Libc = {
  readonly socket: (domain: number, kind: number, protocol: number) => number;
  readonly sendto: (
    descriptor: number,
    bytes: Buffer,
    length: number,
    flags: number,
    address: Buffer,
    addressLength: number,
  ) => number;
  readonly close: (descriptor: number) => number;
};

/** unix(7), socket(2), send(2); the same numbers on every Linux that Node runs on, MIPS and SPARC aside. */
const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
const pathBytesMax = 107;

/**
 * `path` as in NOTIFY_SOCKET: absolute, or `@` and an abstract name. `null`: koffi is not
 * installed, this is not Linux, `ORCHD_NO_NATIVE=1`, or another kind of address.
 */
export function openNotifySocket(path: string): NotifySocket | null {
  const address = addressOf(path);
  if (address === null) return null;
  if (process.platform !== "linux" || process.env["ORCHD_NO_NATIVE"] === "1") return null;
  try {
    return open(address);
  } catch {
    return null;
  }
}

function open(address: Buffer): NotifySocket | null {
  const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
  const libc = koffi.load(null);
  const calls: Libc = {
    socket: libc.func("int socket(int, int, int)"),
    sendto: libc.func("long sendto(int, void *, size_t, int, void *, uint)"),
    close: libc.func("int close(int)"),
  };
  const descriptor = calls.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (descriptor < 0) return null;
  return {
    send: (message) => {
      const bytes = Buffer.from(message);
      const flags = MSG_DONTWAIT_NOSIGNAL;
      const { length } = bytes;
      return calls.sendto(descriptor, bytes, length, flags, address, address.length) === length;
    },
    close: () => {
      calls.close(descriptor);
    },
  };
}

/** struct sockaddr_un: the family in two bytes of the machine's order, then the path. */
function addressOf(path: string): Buffer | null {
  if (!path.startsWith("/") && !path.startsWith("@")) return null;
  const name = Buffer.from(path.startsWith("@") ? `\0${path.slice(1)}` : path);
  if (name.length > pathBytesMax) return null;
  return Buffer.concat([Buffer.from(Uint16Array.of(AF_UNIX).buffer), name]);
}
