import { closeSync, constants, lstatSync, openSync, readSync } from "node:fs";
import type { SavePolicy } from "../../ipc/configSpec.ts";
import type { KeptBackFile } from "../../ipc/workerMessages.ts";
import { pathGlob } from "./pathGlob.ts";

/**
 * Which new files of an attempt do not belong in git: larger than `save.max_file`, or with the name
 * or the first bytes of a secret. A tracked file that was changed is never among them, and neither is
 * what `save.allow` names. A guess that errs towards telling people: what it holds back is theirs to
 * let through.
 */
export const headBytes = 64 * 1024;
/** More new files than this are judged by name and size alone. */
export const readMax = 2_000;

const secretName =
  /^(?:\.env|\.env\.(?!example$|sample$|template$|dist$|defaults?$).*|id_(?:rsa|dsa|ecdsa|ed25519)|\.netrc|\.pgpass|\.git-credentials|.*\.(?:p12|pfx|jks|keystore|kdbx))$/i;

const secretContent = new RegExp(
  [
    "-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----",
    String.raw`\bAKIA[0-9A-Z]{16}\b`,
    String.raw`\bgh[pousr]_[A-Za-z0-9]{36}\b`,
    String.raw`\bgithub_pat_[A-Za-z0-9_]{60}`,
    String.raw`\bglpat-[A-Za-z0-9_-]{20}\b`,
    String.raw`\bnpm_[A-Za-z0-9]{36}\b`,
    String.raw`\bsk-ant-[A-Za-z0-9_-]{30}`,
    String.raw`\bxox[abprs]-[A-Za-z0-9-]{20}`,
    String.raw`\bAIza[A-Za-z0-9_-]{35}\b`,
    String.raw`:_authToken=[^\s$]`,
  ].join("|"),
);

export type Judge = {
  /** By its path, as git's bytes in UTF-8, and its size. */
  readonly byName: (path: string, bytes: number) => KeptBackFile["why"] | null;
  /** By the first `headBytes` of it, one character a byte; to be asked where `byName` knows nothing. */
  readonly byContent: (path: string, head: string) => KeptBackFile["why"] | null;
};

export function judgeBy({ max_file_bytes, secrets, allow }: SavePolicy): Judge {
  const allowed = allow.map(pathGlob);
  const isAllowed = (path: string): boolean => allowed.some((glob) => glob.matches(path));
  return {
    byName: (path, bytes) => {
      const isLarge = bytes > max_file_bytes;
      const isSecret =
        secrets === "refuse" && secretName.test(path.slice(path.lastIndexOf("/") + 1));
      if ((!isLarge && !isSecret) || isAllowed(path)) return null;
      return isLarge ? "large" : "secret";
    },
    byContent: (path, head) =>
      secrets === "refuse" && secretContent.test(head) && !isAllowed(path) ? "secret" : null,
  };
}

/** `paths` relative to `root`, as bytes. */
export function suspectsAmong(
  root: string,
  paths: readonly Buffer[],
  policy: SavePolicy,
): readonly (KeptBackFile & { readonly bytesPath: Buffer })[] {
  const judge = judgeBy(policy);
  return paths.flatMap((bytesPath, at) => {
    const path = bytesPath.toString("utf8");
    const whole = Buffer.concat([Buffer.from(`${root}/`), bytesPath]);
    const there = lstatSync(whole, { throwIfNoEntry: false });
    if (there?.isFile() !== true) return [];
    const { size } = there;
    const reads = policy.secrets === "refuse" && at < readMax;
    const why = judge.byName(path, size) ?? (reads ? judge.byContent(path, headOf(whole)) : null);
    return why === null ? [] : [{ path, why, bytes: size, bytesPath }];
  });
}

/** `""`: cannot be read, which the save itself will say. */
function headOf(path: Buffer): string {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let file: number;
  try {
    file = openSync(path, flags);
  } catch {
    return "";
  }
  try {
    const head = Buffer.alloc(headBytes);
    return head.toString("latin1", 0, readSync(file, head, 0, headBytes, 0));
  } catch {
    return "";
  } finally {
    closeSync(file);
  }
}
