import { hash } from "node:crypto";
import { join } from "node:path";
import { defaultConfig } from "../ipc/configDefaults.ts";
import { ok } from "../ipc/errors.ts";
import { isRecord } from "../ipc/message.ts";
import { packageVersion } from "../ipc/version.ts";
import { readJsonFile, replaceFile } from "../system/atomicFile.ts";
import type { Config } from "../ipc/configSpec.ts";
import type { Result } from "../ipc/errors.ts";
import { failpoint } from "../system/failpoint.ts";

/**
 * The configuration that was found valid last, in `<common-dir>/orchd/config.json`, beside a digest
 * of everything it was made from: the file, the variables, the flags, this version and its defaults.
 * The schema and the YAML parser take 40 ms and 11 MB to load, so what was valid at the last start
 * and has not changed is not parsed again. Without the file, or with another digest, it is.
 */
export type ConfigOrigin = {
  readonly stateDir: string;
  /** Of orchd.yaml; `null`: there is none. */
  readonly text: string | Uint8Array | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags: Readonly<Record<string, unknown>>;
};

const cacheBytesMax = 4 * 1024 * 1024;

export async function configOf(
  origin: ConfigOrigin,
  parse: () => Promise<Result<Config>>,
): Promise<Result<Config>> {
  const path = join(origin.stateDir, "config.json");
  const digest = digestOf(origin);
  const cached = await readJsonFile(path, cacheBytesMax).catch(() => undefined);
  if (isRecord(cached) && cached["digest"] === digest && isRecord(cached["config"]))
    return ok(cached["config"] as Config);
  const parsed = await parse();
  // Only the next start is slower without it.
  if (parsed.ok)
    await failpoint("config.cache", () =>
      replaceFile(path, JSON.stringify({ digest, config: parsed.value })),
    ).catch(() => {});
  return parsed;
}

function digestOf({ text, env, flags }: ConfigOrigin): string {
  const variables = Object.entries(env)
    .filter(([name]) => name.startsWith("ORCHD_"))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const written = text === null ? null : Buffer.from(text).toString("base64");
  const origin = [packageVersion(), defaultConfig, written, variables, flags];
  return hash("sha256", JSON.stringify(origin), "hex");
}
