import { failure, FailureError } from "../ipc/errors.ts";
import type { Config } from "../ipc/configSpec.ts";
import { parseConfig } from "../ipc/config.ts";
import { configFileBytesMax, readLimited } from "../ipc/limitedText.ts";
import { layoutOf } from "../system/paths.ts";
import { findRepository } from "../system/repository.ts";
import type { Session } from "./session.ts";

/** The settings as the next supervisor would read them; `file` is null where there is no orchd.yaml. */
export type Settings = { readonly file: string | null; readonly config: Config };
type Flags = { readonly max_parallel?: number };

/** Rejects with `invalid_config` and every problem by line, or why there is no repository. */
export async function readSettings(session: Session, flags: Flags = {}): Promise<Settings> {
  const file = await configFile(session.directory);
  const limit = { name: file, bytesMax: configFileBytesMax, code: "invalid_config" } as const;
  const { existsSync } = await import("node:fs");
  if (!existsSync(file)) return { file: null, config: parsed(null, file, session, flags) };
  const read = await readLimited(file, limit);
  if (!read.ok) throw new FailureError(read.failure);
  return { file, config: parsed(new TextDecoder().decode(read.value), file, session, flags) };
}

async function configFile(directory: string): Promise<string> {
  const found = await findRepository(directory);
  if (!found.ok) throw new FailureError(found.failure);
  const { commonDir, workTree } = found.value;
  if (workTree !== null) return layoutOf({ commonDir, workTree }).configFile;
  const message = `${commonDir} is bare: it has no working tree to keep orchd.yaml in.`;
  throw new FailureError(failure("unsuitable_repository", message));
}

function parsed(text: string | null, name: string, session: Session, flags: Flags): Config {
  const result = parseConfig(text, { name, env: session.terminal.env, flags });
  if (result.ok) return result.value;
  throw new FailureError(result.failure);
}
