import { startGroup } from "./groupChild.ts";
import type { Finished } from "./spawn.ts";

/**
 * The one door to other machines: git calls that may talk to a remote, on behalf of the person who
 * started the supervisor. Everything else of ours goes through `git.ts`, which knows no transport.
 *
 *     configuration   the person's and the repository's: remotes, credential helpers, proxies, `insteadOf`
 *     environment     that of the supervisor (ssh agent, proxies, …) without git's own variables, but for
 *                     those that say how to reach a server; no task's program ever has it
 *     transports      the one that the address needs, of those below; `ext` and other helpers never
 *     questions       none: no terminal, no standard input, no askpass of the environment; ssh in batch mode
 *     time            limited; then the whole process group ends
 */
export type RemotePlace = {
  /** The common directory; absolute. */
  readonly gitDir: string;
  /** The main working tree, where the `pre-push` hook runs; absolute. */
  readonly workTree: string;
};

export type RemoteOptions = {
  readonly protocol: Protocol;
  readonly timeoutMs: number;
  /** Ends the call, and everything it started. */
  readonly signal: AbortSignal;
  /** The person's hooks run. */
  readonly hooks: boolean;
  /** Settings of this call alone; in the environment, since everybody can read arguments. */
  readonly config?: Readonly<Record<string, string>>;
  /** What ssh is started with, from `core.sshCommand`; `null`: it is not set. */
  readonly sshCommand: string | null;
};

export const protocols = ["file", "ssh", "https", "http"] as const;
export type Protocol = (typeof protocols)[number];

/** `null`: none that is used. As git reads it: `host:path` is ssh, a path a file. */
export function protocolOf(address: string): Protocol | null {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    if (/^[a-z0-9]+::/i.test(address)) return null;
    return /^[^/]*:/.test(address) ? "ssh" : "file";
  }
  if (scheme === "git+ssh" || scheme === "ssh+git") return "ssh";
  return protocols.find((protocol) => protocol === scheme) ?? null;
}

/** Passwords in addresses, as git prints them, are not for logs, journals or eyes. */
export function withoutPasswords(text: string): string {
  return text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/'"]*@/gi, "$1***@");
}

/** Runs git to its end or to the end of its time. Never rejects; passwords in its words are hidden. */
export async function remoteGit(
  place: RemotePlace,
  args: readonly string[],
  options: RemoteOptions,
): Promise<Finished> {
  const settings = { ...fixedConfig, ...(options.hooks ? {} : { "core.hooksPath": "/dev/null" }) };
  const flags = Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
  const where = [`--git-dir=${place.gitDir}`, `--work-tree=${place.workTree}`];
  const said = await startGroup([...flags, ...where, ...args], {
    cwd: place.workTree,
    env: remoteEnvironment(process.env, options),
    timeoutMs: options.timeoutMs,
    signal: options.signal,
  }).finished;
  return {
    ...said,
    stdout: withoutPasswords(said.stdout),
    stderr: withoutPasswords(said.stderr),
  };
}

const fixedConfig = {
  "core.fsmonitor": "false",
  "gc.auto": "0",
  "maintenance.auto": "false",
  "push.gpgSign": "false",
  "submodule.recurse": "false",
} as const;

/** Of git's own variables: how to reach a server, and where the person's configuration is. */
const keptVariables =
  /^GIT_(?:SSH|SSH_COMMAND|SSH_VARIANT|SSL_.*|HTTP_.*|PROXY_.*|CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM))$/;
const droppedVariables = /^(?:GIT_|ORCHD_|SSH_ASKPASS)/;

function remoteEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  { protocol, sshCommand, config = {} }: RemoteOptions,
): Record<string, string> {
  const own = Object.entries(env).flatMap(([name, value]) =>
    value === undefined || (droppedVariables.test(name) && !keptVariables.test(name))
      ? []
      : [[name, value] as const],
  );
  return {
    ...Object.fromEntries(own),
    ...batchMode(env, sshCommand),
    ...settingsOf(config),
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GCM_INTERACTIVE: "never",
    SSH_ASKPASS_REQUIRE: "never",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_NO_LAZY_FETCH: "1",
    GIT_ALLOW_PROTOCOL: protocol,
  };
}

function settingsOf(config: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(config);
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: `${entries.length}` };
  for (const [at, [key, value]] of entries.entries()) {
    variables[`GIT_CONFIG_KEY_${at}`] = key;
    variables[`GIT_CONFIG_VALUE_${at}`] = value;
  }
  return variables;
}

/** A program of the person's that is not called ssh may not know the option; it has no terminal to ask on either. */
function batchMode(
  { GIT_SSH_COMMAND, GIT_SSH }: Readonly<Record<string, string | undefined>>,
  configured: string | null,
): Record<string, string> {
  if (GIT_SSH_COMMAND === undefined && configured === null && GIT_SSH !== undefined) return {};
  const command = GIT_SSH_COMMAND ?? configured ?? "ssh";
  if (!/^(?:\S*\/)?ssh(?:\s|$)/.test(command)) return {};
  return { GIT_SSH_COMMAND: `${command} -o BatchMode=yes` };
}
