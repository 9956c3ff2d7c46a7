import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { TestRepository } from "./repository.ts";
import { until } from "./until.ts";

/** Keys and signing programs of the person that a test repository belongs to, beside it. */
const run = promisify(execFile);

/** Answers as gpg does, with another signature each time; `first` runs before it does. */
export async function fakeGpg(
  repository: TestRepository,
  first: string,
  scope: "--local" | "--global" = "--local",
): Promise<{ readonly file: string; readonly runs: () => number }> {
  const folder = join(dirname(repository.dir), "signing");
  const [file, count] = [join(folder, "gpg"), join(folder, "runs")];
  await mkdir(folder, { recursive: true });
  const lines = [
    "#!/bin/sh",
    `echo $$ >> '${count}'`,
    "cat > /dev/null",
    first,
    "echo '[GNUPG:] BEGIN_SIGNING H10' >&2",
    "echo '[GNUPG:] SIG_CREATED D 1 10 00 1 0123' >&2",
    "printf -- '-----BEGIN PGP SIGNATURE-----\\n\\n%s\\n-----END PGP SIGNATURE-----\\n' $(date +%N)",
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  await chmod(file, 0o755);
  await repository.git("config", scope, "gpg.program", file);
  await repository.git("config", scope, "commit.gpgSign", "true");
  return {
    file,
    runs: () => (existsSync(count) ? readFileSync(count, "utf8").trim().split("\n").length : 0),
  };
}

/** A key of OpenSSH, and a list of signers by which `git verify-commit` knows it. */
export async function sshSigning({ dir, env, git }: TestRepository): Promise<void> {
  const folder = join(dirname(dir), "signing");
  const key = join(folder, "id");
  await mkdir(folder, { recursive: true });
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", key], { env });
  const signers = join(folder, "signers");
  await writeFile(signers, `person@example.com ${readFileSync(`${key}.pub`, "utf8")}`);
  for (const [name, value] of [
    ["gpg.format", "ssh"],
    ["user.signingKey", key],
    ["gpg.ssh.allowedSignersFile", signers],
    ["commit.gpgSign", "true"],
  ] as const)
    await git("config", name, value);
}

/** The same with a key that only an agent of OpenSSH can use; answers the agent's socket. */
export async function sshAgentSigning(
  repository: TestRepository,
): Promise<AsyncDisposable & { readonly socket: string }> {
  await sshSigning(repository);
  const folder = join(dirname(repository.dir), "signing");
  const [key, socket] = [join(folder, "id"), join(folder, "agent")];
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { env: repository.env, stdio: "ignore" });
  const ended = once(agent, "exit");
  await until(() => existsSync(socket), { what: "the agent's socket" });
  await run("ssh-add", ["-q", key], { env: { ...repository.env, SSH_AUTH_SOCK: socket } });
  await rm(key);
  await repository.git("config", "user.signingKey", `${key}.pub`);
  return {
    socket,
    [Symbol.asyncDispose]: async () => {
      agent.kill();
      await ended;
    },
  };
}

/** How a pinentry answers whose person closes the window. */
const cancelling = `#!/bin/sh
echo OK
while read -r word rest; do
  case $word in GETPIN) echo 'ERR 83886179 canceled' ;; BYE) echo OK; exit ;; *) echo OK ;; esac
done
`;

/**
 * A key of GnuPG in a home of its own, whose agent ends with the test. With a passphrase it is locked until
 * `unlock`, and whoever is asked for it declines.
 */
export async function gpgSigning(
  { dir, env, git }: TestRepository,
  passphrase = "",
): Promise<AsyncDisposable & { readonly unlock: () => Promise<void> }> {
  const home = join(dirname(dir), "gnupg");
  await mkdir(home, { mode: 0o700 });
  const pinentry = join(home, "pinentry");
  await writeFile(pinentry, cancelling, { mode: 0o755 });
  await writeFile(
    join(home, "gpg-agent.conf"),
    `pinentry-program ${pinentry}\nallow-loopback-pinentry\ns2k-count 65536\n`,
  );
  const options = { env: { ...env, GNUPGHOME: home } };
  const given = ["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", passphrase];
  const user = "Test Person <person@example.com>";
  await run("gpg", [...given, "--quick-generate-key", user, "ed25519", "sign"], options);
  // Generating one leaves it unlocked.
  await run("gpgconf", ["--reload", "gpg-agent"], options);
  const program = join(home, "gpg");
  await writeFile(program, `#!/bin/sh\nGNUPGHOME='${home}' exec gpg "$@"\n`);
  await chmod(program, 0o755);
  await git("config", "gpg.program", program);
  await git("config", "commit.gpgSign", "true");
  return {
    unlock: async () => {
      await run("gpg", [...given, "--yes", "--output", "/dev/null", "--sign", pinentry], options);
    },
    [Symbol.asyncDispose]: async () => {
      await run("gpgconf", ["--kill", "all"], options);
    },
  };
}
