import { unreachable } from "../../ipc/errors.ts";
import { formatDuration } from "../../ipc/duration.ts";
import { isOid } from "../../ipc/ids.ts";
import type { Oid } from "../../ipc/ids.ts";
import { cleanText } from "../../ipc/commitText.ts";
import type { CommitConfig } from "../../ipc/configSpec.ts";
import { gitCommand } from "../../system/git.ts";
import type { GitOptions, GitPlace } from "../../system/git.ts";
import { captureGuarded } from "../../system/guarded.ts";
import type { Finished } from "../../system/spawn.ts";
import { PersonalConfig } from "./personalConfig.ts";

/**
 * Signs commits as the person's git is set up to (`gpg.format`, `user.signingkey`, `gpg.program`, …):
 * git reads that itself, from the person's files and the repository, never from a workspace.
 *
 *     policy off ─────────────────────► not signed
 *     policy auto, commit.gpgSign unset ► not signed
 *     else: git commit-tree -S, in a session of its own, with a time limit ► the commit | SignatureError
 *
 * There is no terminal: an agent that has to ask for a passphrase asks on the screen, or signing fails.
 */
export class Signer {
  readonly #place: GitPlace;
  readonly #path: string | null;
  readonly #personal: PersonalConfig;
  readonly #stopped = new AbortController();
  #policy: SigningPolicy;
  /** What went wrong last, and until when it is not tried again. */
  #failed: {
    readonly error: SignatureError;
    readonly until: number;
    readonly pauseMs: number;
  } | null = null;

  constructor(place: GitPlace, path: string | null, policy: SigningPolicy) {
    this.#place = { gitDir: place.gitDir, configuration: "person" };
    this.#path = path;
    this.#personal = new PersonalConfig(this.#place);
    this.#policy = policy;
  }

  /** From now on so; what failed is tried again at once. */
  follow(policy: SigningPolicy): void {
    this.#policy = policy;
    this.#failed = null;
  }

  /** Whether the next commit has to be signed. */
  async isWanted(): Promise<boolean> {
    const { sign } = this.#policy;
    switch (sign) {
      case "off":
        return false;
      case "required":
        return true;
      case "auto":
        return await this.#personal.isTrue("commit.gpgsign");
      default:
        return unreachable(sign);
    }
  }

  /**
   * Runs a git that signs, and answers what it printed: the name of a commit. Throws a `SignatureError`,
   * after one that failed at once for a while: whoever is not there should not find a hundred questions.
   */
  async run(args: readonly string[], options: Signing): Promise<Oid> {
    const failed = this.#failed;
    if (failed !== null && performance.now() < failed.until) throw failed.error;
    const result = await this.#runNow(args, options);
    const name = result.stdout.trim();
    if (result.code === 0 && isOid(name)) {
      this.#failed = null;
      return name;
    }
    const error = new SignatureError(wordsOf(result, this.#policy.timeoutMs));
    const pauseMs = Math.min(2 * (failed?.pauseMs ?? pauseMsMin / 2), pauseMsMax);
    this.#failed = { error, until: performance.now() + pauseMs, pauseMs };
    throw error;
  }

  async #runNow(args: readonly string[], options: Signing): Promise<Finished> {
    const { env: given, config, input } = options;
    const { timeoutMs } = this.#policy;
    const path = this.#path === null ? {} : { PATH: this.#path };
    const env = { ...sessionVariables(), ...path, ...given };
    const command = gitCommand(this.#place, args, { env, config });
    const limits = { timeoutMs, outputBytesMax, memoryBytesMax, signal: this.#stopped.signal };
    return await captureGuarded("git", command.args, { ...command, ...limits, input });
  }

  /** Ends what signs now; nothing is signed any more. */
  stop(): void {
    this.#stopped.abort();
  }
}

export type SigningPolicy = {
  readonly sign: CommitConfig["sign"];
  /** Of one commit. */
  readonly timeoutMs: number;
};

type Signing = Required<Pick<GitOptions, "env" | "config">> & { readonly input: string };

/** A condition of the person's keys and programs, in words; no task is to blame. */
export class SignatureError extends Error {
  constructor(said: string) {
    super(
      `needs signature: ${said}. Unlock the key (sign something once yourself) or see \`commit.sign\` in orchd.yaml; then \`orchd land\` tries again at once`,
    );
    this.name = "SignatureError";
  }
}

const pauseMsMin = 5_000;
const pauseMsMax = 5 * 60_000;
const outputBytesMax = 1024 * 1024;
/** git keeps all that a signing program prints. */
const memoryBytesMax = 512 * 1024 * 1024;
const saidLengthMax = 300;

function wordsOf({ problem, stderr, code }: Finished, timeoutMs: number): string {
  if (problem?.includes("did not end"))
    return `nothing was signed within ${formatDuration(timeoutMs)} (limits.signing_timeout)`;
  if (problem !== null) return `signing was given up, ${problem}`;
  const said = cleanText(stderr).replaceAll(/\s+/g, " ").slice(-saidLengthMax);
  return said === "" ? `git could not sign, exit code ${code}` : said;
}

/** How programs find the person's agents and screen. `GPG_TTY` is not among them. */
const sessionNames = [
  "GNUPGHOME",
  "SSH_AUTH_SOCK",
  "SSH_ASKPASS",
  "SSH_ASKPASS_REQUIRE",
  "DISPLAY",
  "WAYLAND_DISPLAY",
  "XAUTHORITY",
  "XDG_RUNTIME_DIR",
  "DBUS_SESSION_BUS_ADDRESS",
] as const;

function sessionVariables(): Record<string, string> {
  return Object.fromEntries(
    sessionNames.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
