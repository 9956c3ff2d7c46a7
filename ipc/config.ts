import { merged } from "./configMerge.ts";
import { configSchema, laterKeys } from "./configSchema.ts";
import type { ConfigFields } from "./configSchema.ts";
import type { Config, Limits } from "./configSpec.ts";
import {
  keyFaults,
  plainValue,
  problemsOf,
  textProblems,
  unplaced,
  unplacedProblems,
} from "./document.ts";
import type { DocumentNode, Fault } from "./document.ts";
import { formatDuration } from "./duration.ts";
import { fail, failure, ok, unreachable } from "./errors.ts";
import type { Problem, Result } from "./errors.ts";
import { configFileBytesMax, decodedText } from "./limitedText.ts";
import { fieldName } from "./location.ts";
import { faultsOf, wording } from "./schemaFaults.ts";
import { parseYaml } from "./yaml.ts";

/**
 * The configuration, from four layers: flags win over the environment, that over the file, that over
 * the defaults. A layer replaces single settings, never whole groups; a list replaces a list.
 *
 *     flags        { max_parallel: 4, "workspace.root": "/tmp/w" }    as the command line names them
 *     environment  ORCHD_MAX_PARALLEL=4, ORCHD_WORKSPACE_ROOT=/tmp/w   every setting that is one value
 *     file         orchd.yaml
 *     defaults     ipc/configDefaults.ts
 */
export const settings = [
  "max_parallel",
  "target",
  "follow",
  "gate",
  "outside_claims",
  "path",
  "workspace.root",
  "workspace.clean",
  "save.max_file",
  "save.secrets",
  "commit.message",
  "commit.template",
  "commit.author",
  "commit.sign",
  "commit.hooks",
  "limits.timeout",
  "limits.grace",
  "limits.setup_timeout",
  "limits.signing_timeout",
  "limits.hook_timeout",
  "limits.verify_timeout",
  "limits.heartbeat",
  "limits.stale_after",
  "limits.adoption_grace",
  "limits.prediction",
  "retention.attempts",
  "retention.age",
  "retention.landed",
  "retention.unlanded",
  "retention.unsaved",
  "retention.saved",
  "maintenance",
  "limits.output",
  "limits.min_free_disk",
  "limits.workspace_size",
  "limits.fairness_window",
  "limits.tasks_open",
  "limits.chain",
  "push.remote",
  "push.branch",
  "push.quiet",
  "push.every",
  "push.timeout",
] as const;
/** A setting that is one value, so that a flag or a variable can give it. */
export type Setting = (typeof settings)[number];

export type ConfigSources = {
  /** As the person knows the file; it stands in front of every problem. */
  readonly name: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags: Readonly<Partial<Record<Setting, string | number>>>;
};

/** `limits.stale_after` → `ORCHD_LIMITS_STALE_AFTER` */
export function variableOf(setting: Setting): string {
  return `ORCHD_${setting.replaceAll(".", "_").toUpperCase()}`;
}

/** `limits.stale_after` → `--limits-stale-after` */
function flagOf(setting: Setting): string {
  return `--${setting.replaceAll(/[._]/g, "-")}`;
}

/**
 * @param text content of `orchd.yaml`, `null` if there is none
 * Errors: `invalid_config`, with all problems of all layers.
 */
export function parseConfig(
  text: Uint8Array | string | null,
  sources: ConfigSources,
): Result<Config> {
  const file = text === null ? ok(noFile) : parseFile(text, sources.name);
  if (!file.ok) return file;
  const fromEnv = parseSettings(environment(sources.env), variableOf);
  const fromFlags = parseSettings(sources.flags, flagOf);
  const config = merged(fromFlags.fields, fromEnv.fields, file.value.fields);
  const problems = [...file.value.problems, ...fromEnv.problems, ...fromFlags.problems];
  const isOfFile = file.value.problems.length > 0;
  if (problems.length > 0)
    return refused(isOfFile ? sources.name : "what flags and environment set", problems);
  const together = heartbeatFault(config.limits);
  return together === null ? ok(config) : refused(sources.name, file.value.placed([together]));
}

type FileLayer = {
  readonly fields: ConfigFields;
  readonly problems: readonly Problem[];
  /** Places faults that show only later. */
  readonly placed: (faults: readonly Fault[]) => Problem[];
};

const noFile: FileLayer = { fields: {}, problems: [], placed: unplacedProblems };

function parseFile(bytes: Uint8Array | string, name: string): Result<FileLayer> {
  const read = decodedText(bytes, { name, bytesMax: configFileBytesMax, code: "invalid_config" });
  if (!read.ok) return read;
  const text = read.value;
  // A file of comments alone is what `orchd init` may leave behind.
  if (text.split("\n").every((line) => /^\s*(?:#|$)/.test(line))) return ok(noFile);
  const parsed = parseYaml(text);
  if (!parsed.ok) return refused(name, textProblems(parsed.faults, { name, text }));
  const root = withoutEmptyKeys(parsed.root);
  const placed = (faults: readonly Fault[]) => problemsOf(faults, { name, text, root });
  const { fields, faults } = parseFields(plainValue(root));
  return ok({ fields, problems: placed([...keyFaults(root), ...faults]), placed });
}

/** `agents: {}`, `push: off` and the like say nothing, so they are no mistake. */
function withoutEmptyKeys(root: DocumentNode): DocumentNode {
  if (root.kind !== "map") return root;
  const mayBeEmpty = (key: string) => [...laterKeys, "push"].includes(key);
  return {
    ...root,
    entries: root.entries.filter(({ key, value }) => !mayBeEmpty(key) || !saysNothing(value)),
  };
}

function saysNothing(node: DocumentNode): boolean {
  switch (node.kind) {
    case "scalar":
      return node.value === null || node.value === false || node.value === "off";
    case "list":
      return node.items.length === 0;
    case "map":
      return node.entries.length === 0;
    default:
      return unreachable(node);
  }
}

type Fields = { readonly fields: ConfigFields; readonly faults: readonly Fault[] };

function parseFields(value: unknown): Fields {
  const parsed = configSchema.safeParse(value, { error: wording });
  if (parsed.success) return { fields: parsed.data, faults: [] };
  return { fields: {}, faults: faultsOf(parsed.error.issues) };
}

/** Variables that are set and not empty. Other `ORCHD_…` variables mean other things. */
function environment(env: ConfigSources["env"]): Partial<Record<Setting, string>> {
  return Object.fromEntries(
    settings.flatMap((setting) => {
      const value = env[variableOf(setting)];
      return value === undefined || value === "" ? [] : [[setting, value]];
    }),
  );
}

/** The schema of the file serves here too; problems carry the name that the person used. */
function parseSettings(
  values: Partial<Record<Setting, string | number>>,
  nameOf: (setting: Setting) => string,
): { readonly fields: ConfigFields; readonly problems: readonly Problem[] } {
  const given = settings.filter((setting) => values[setting] !== undefined);
  const { fields, faults } = parseFields(
    nested(given.map((name) => [name, asWritten(name, values[name])])),
  );
  const problems = faults.map(({ path, message }) => {
    const setting = settings.find((known) => known === path.join("."));
    return unplaced(setting === undefined ? fieldName(path) : nameOf(setting), message);
  });
  return { fields, problems };
}

const numeric: ReadonlySet<Setting> = new Set(["max_parallel", "limits.tasks_open"]);

/** In a file a number is no text; variables and flags are always text. */
function asWritten(setting: Setting, value: string | number | undefined) {
  const isNumber = numeric.has(setting) && typeof value === "string" && /^\d+$/.test(value);
  return isNumber ? Number(value) : value;
}

/** `[["limits.grace","5s"]]` → `{ limits: { grace: "5s" } }` */
function nested(values: readonly (readonly [Setting, unknown])[]): Record<string, unknown> {
  const whole: Record<string, Record<string, unknown>> = {};
  const top: Record<string, unknown> = {};
  for (const [setting, value] of values) {
    const [group = "", key] = setting.split(".");
    if (key === undefined) top[group] = value;
    else (whole[group] ??= {})[key] = value;
  }
  return { ...top, ...whole };
}

/** One or two lost heartbeats are no reason to end a worker. */
function heartbeatFault({ heartbeat_ms, stale_after_ms }: Limits): Fault | null {
  if (stale_after_ms >= 3 * heartbeat_ms) return null;
  const [stale, beat] = [formatDuration(stale_after_ms), formatDuration(heartbeat_ms)];
  const message = `is ${stale}, less than three heartbeats of ${beat}; raise it or lower limits.heartbeat`;
  return { path: ["limits", "stale_after"], message };
}

function refused(name: string, problems: readonly Problem[]): Result<never> {
  const count = problems.length === 1 ? "" : ` (${problems.length} problems)`;
  return fail(
    failure("invalid_config", `${name} is not a valid configuration${count}`, { problems }),
  );
}
