import type { ErrorCode, Failure, Problem } from "../../ipc/errors.ts";

/** A rejection by the core; the shell adds the catalogue's hint on its way out. */
export function rejection(
  code: ErrorCode,
  message: string,
  problems: readonly Problem[] = [],
): { readonly ok: false; readonly failure: Failure } {
  return { ok: false, failure: { code, message, hint: null, problems } };
}

/** A problem with a field of a task that came over the socket: there is no file to point at. */
export function problemIn(field: string, message: string): Problem {
  return { file: null, line: null, column: null, field, message };
}
