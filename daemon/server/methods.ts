import { FailureError, failure } from "../../ipc/errors.ts";
import { cancel } from "./methods/cancel.ts";
import { check } from "./methods/check.ts";
import { config } from "./methods/config.ts";
import { events } from "./methods/events.ts";
import { history } from "./methods/history.ts";
import { breakLocks } from "./methods/breakLocks.ts";
import { gc } from "./methods/gc.ts";
import { keep } from "./methods/keep.ts";
import { land } from "./methods/land.ts";
import { lock } from "./methods/lock.ts";
import { locks } from "./methods/locks.ts";
import { logs } from "./methods/logs.ts";
import { pause } from "./methods/pause.ts";
import { reload } from "./methods/reload.ts";
import { resolve } from "./methods/resolve.ts";
import { resume } from "./methods/resume.ts";
import { retry } from "./methods/retry.ts";
import { show } from "./methods/show.ts";
import { slots } from "./methods/slots.ts";
import { status } from "./methods/status.ts";
import { stop } from "./methods/stop.ts";
import { submit } from "./methods/submit.ts";
import { trace } from "./methods/trace.ts";
import { unlock } from "./methods/unlock.ts";
import { wait } from "./methods/wait.ts";
import { workers } from "./methods/workers.ts";
import type { MethodName, Methods } from "../../ipc/methods.ts";
import type { ServerContext } from "./context.ts";
import type { Session } from "./session.ts";

/** What a client can call: one file a method, which checks its parameters itself. */
type Method<Name extends MethodName> = (
  params: unknown,
  context: ServerContext,
  session: Session,
) => Promise<Methods[Name]["result"]> | Methods[Name]["result"];

const methods: { readonly [Name in MethodName]: Method<Name> } = {
  break_locks: breakLocks,
  cancel,
  check,
  config,
  events,
  gc,
  history,
  keep,
  land,
  lock,
  locks,
  logs,
  pause,
  reload,
  resolve,
  resume,
  retry,
  show,
  slots,
  status,
  stop,
  submit,
  trace,
  unlock,
  wait,
  workers,
};

export function call(
  method: string,
  params: unknown,
  context: ServerContext,
  session: Session,
): unknown {
  if (!Object.hasOwn(methods, method))
    throw new FailureError(failure("invalid_request", `there is no method ${method.slice(0, 64)}`));
  return methods[method as MethodName](params, context, session);
}
