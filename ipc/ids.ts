/**
 * Every id that crosses a process boundary, as a branded string: a task id cannot be passed where a
 * worker id is wanted. This is the only file that makes them.
 */
declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** `[a-z0-9][a-z0-9._-]{0,63}`, no `..`, not ending in `.` or `.lock`: it becomes part of a git ref. */
export type TaskId = Branded<"task">;
/**
 * What holds claims without being a task: `lock:…` (somebody runs `orchd lock`) or `foreign:NAME` (a
 * file in `.aibrain/locks/foreign/`). The colon keeps it apart from every task id.
 */
export type HoldId = Branded<"hold">;
/** Whoever may hold claims. */
export type HolderId = TaskId | HoldId;
/** `worker-N` or `gate-N`; also the name of its folder under `.aibrain/`. */
export type WorkerId = Branded<"worker">;
/** One client call, the same when the call is sent again after a lost connection. */
export type RequestId = Branded<"request">;
/** A full git object name, 40 or 64 hexadecimal digits. */
export type Oid = Branded<"oid">;

export const taskIdPattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const oidPattern = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const holdIdPattern = /^(?:lock:[a-z0-9]{1,32}|foreign:[A-Za-z0-9][A-Za-z0-9._-]{0,63})$/;
const workerIdPattern = /^(?:worker|gate)-[1-9][0-9]{0,3}$/;
/** Crockford's base 32 in lower case: no i, l, o, u, so an id survives being read aloud. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const mintedLength = 10;

export function isTaskId(text: string): text is TaskId {
  return (
    taskIdPattern.test(text) &&
    !text.includes("..") &&
    !text.endsWith(".") &&
    !text.endsWith(".lock")
  );
}

export function isHoldId(text: string): text is HoldId {
  return holdIdPattern.test(text);
}

export function isOid(text: string): text is Oid {
  return oidPattern.test(text);
}

export function isWorkerId(text: string): text is WorkerId {
  return workerIdPattern.test(text);
}

/** Mints `t` and ten random characters: 50 bits, so a million tasks collide once in two thousand repositories. */
export function mintTaskId(): TaskId {
  return `t${randomText(mintedLength)}` as TaskId;
}

export function mintHoldId(): HoldId {
  return `lock:${randomText(mintedLength)}` as HoldId;
}

export function mintRequestId(): RequestId {
  return `r${randomText(16)}` as RequestId;
}

export function workerId(role: "worker" | "gate", slot: number): WorkerId {
  return `${role}-${slot}` as WorkerId;
}

/** With the global `crypto`, loaded when it is used: an import of node:crypto costs 3 MB of every process. */
function randomText(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => alphabet[byte % 32]).join("");
}
