import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { TestRepository } from "./repository.ts";

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

/** A key of GnuPG in a home of its own, whose agent ends with the test. */
export async function gpgSigning({ dir, env, git }: TestRepository): Promise<AsyncDisposable> {
  const home = join(dirname(dir), "gnupg");
  await mkdir(home, { mode: 0o700 });
  const options = { env: { ...env, GNUPGHOME: home } };
  const key = ["--quick-generate-key", "Test Person <person@example.com>", "ed25519", "sign"];
  await run("gpg", ["--batch", "--quiet", "--passphrase", "", ...key], options);
  const program = join(home, "gpg");
  await writeFile(program, `#!/bin/sh\nGNUPGHOME='${home}' exec gpg "$@"\n`);
  await chmod(program, 0o755);
  await git("config", "gpg.program", program);
  await git("config", "commit.gpgSign", "true");
  return {
    [Symbol.asyncDispose]: async () => {
      await run("gpgconf", ["--kill", "all"], options);
    },
  };
}
