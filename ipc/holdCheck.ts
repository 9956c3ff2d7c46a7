import { claimSet } from "./task.ts";
import { fail, failure, ok } from "./errors.ts";
import { holdNoteMax } from "./hold.ts";
import { integer, shape, text } from "./check.ts";
import { isHoldId } from "./ids.ts";
import { claimsFault } from "./claimLimits.ts";
import { wordRule } from "./textRules.ts";
import type { Check } from "./check.ts";
import type { HoldOwner, HoldRequest } from "./hold.ts";
import type { ClaimSet } from "./taskSpec.ts";
import type { Result } from "./errors.ts";

const identityText = text(wordRule(200));
const wholeNumber = integer(0, Number.MAX_SAFE_INTEGER);
const requestShape = shape({
  id: text((id) => (isHoldId(id) && id.startsWith("lock:") ? null : "is not the id of a lock")),
  claims: claimSet,
  owner: shape({
    pid: integer(1, 2 ** 31 - 1),
    startTime: wholeNumber,
    bootId: identityText,
    pidNamespace: identityText,
    host: identityText,
  } satisfies Record<keyof HoldOwner, Check>),
  note: text(wordRule(holdNoteMax)),
} satisfies Record<keyof HoldRequest, Check>);

/** Claims that somebody only asks about. Fails with `invalid_request` and the field. */
export function checkClaims(value: unknown): Result<ClaimSet> {
  const fault = claimSet(value, "claims");
  if (fault !== null)
    return fail(failure("invalid_request", `${fault.field} ${fault.message}`.trim()));
  // Every field was looked at just now.
  const claims = value as ClaimSet;
  const tooMuch = claimsFault(claims);
  return tooMuch === null ? ok(claims) : fail(failure("invalid_request", `claims ${tooMuch}`));
}

/** Checks what came over the socket: fails with `invalid_request` and the field. */
export function checkHoldRequest(value: unknown): Result<HoldRequest> {
  const fault = requestShape(value, "");
  if (fault !== null)
    return fail(failure("invalid_request", `${fault.field} ${fault.message}`.trim()));
  // Every field was looked at just now.
  const request = value as HoldRequest;
  const { writes, reads, resources } = request.claims;
  if (writes.length + reads.length + Object.keys(resources).length === 0)
    return fail(failure("invalid_request", "a lock must claim something"));
  const tooMuch = claimsFault(request.claims);
  return tooMuch === null ? ok(request) : fail(failure("invalid_request", `claims ${tooMuch}`));
}
