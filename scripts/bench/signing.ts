import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { percentile, rounded } from "./figures.ts";
import { land, prepared, timed } from "./landing.ts";
import { makeLargeRepository } from "./largeRepository.ts";
import type { LargeRepository } from "./largeRepository.ts";

/**
 * What a signature costs: one-file landings as in `landing`, in a repository of 5,000 files, in turn not
 * signed, signed by OpenSSH and by GnuPG with keys made for it; times in ms.
 *
 *     own_…       the writer's path
 *     tree_…      `git commit-tree` alone, without and with `-S`, started as any git
 */
const rounds = 30;
const files = 5_000;
const kinds = ["off", "ssh", "gpg"] as const;
type Kind = (typeof kinds)[number];

export async function benchSigning(): Promise<Record<string, number>> {
  await using repository = await makeLargeRepository(files, rounds * kinds.length);
  const home = join(repository.folder, "gnupg");
  const setUp = await makeKeys(repository, home);
  const landing = await prepared(repository);
  const times = new Map<string, number[]>();
  const note = async (name: string, step: () => Promise<unknown>): Promise<void> => {
    times.set(name, [...(times.get(name) ?? []), await timed(step)]);
  };
  for (const [at, work] of repository.works.entries()) {
    const kind = kinds[at % kinds.length] ?? "off";
    await setUp(kind);
    landing.signBy({ sign: kind === "off" ? "off" : "required", timeoutMs: 30_000 });
    await note(`own_${kind}`, () => land(landing, repository.base, work));
    const sign = kind === "off" ? [] : ["-S"];
    await note(`tree_${kind}`, () =>
      repository.git(["commit-tree", ...sign, "-m", "x", `${work}^{tree}`]),
    );
  }
  await landing.close();
  await execa("gpgconf", ["--kill", "all"], { env: { GNUPGHOME: home } });
  const figures = [...times].map(([name, values]) => [`${name}_p50`, percentile(values, 0.5)]);
  return rounded(Object.fromEntries(figures) as Record<string, number>);
}

/** Answers how to change to another kind of key. */
async function makeKeys(
  { folder, git }: LargeRepository,
  home: string,
): Promise<(kind: Kind) => Promise<void>> {
  const key = join(folder, "id");
  await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  await execa("mkdir", ["-m", "700", home]);
  const user = `bench <bench@example.com>`;
  const generate = ["--quick-generate-key", user, "ed25519", "sign"];
  await execa("gpg", ["--batch", "--quiet", "--passphrase", "", ...generate], {
    env: { GNUPGHOME: home },
  });
  const program = join(folder, "gpg");
  await writeFile(program, `#!/bin/sh\nGNUPGHOME='${home}' exec gpg "$@"\n`, { mode: 0o755 });
  await git(["config", "gpg.program", program]);
  return async (kind) => {
    await git(["config", "gpg.format", kind === "ssh" ? "ssh" : "openpgp"]);
    await git(["config", "user.signingKey", kind === "ssh" ? key : "bench@example.com"]);
  };
}
