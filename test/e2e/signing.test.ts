import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { isGone } from "../helpers/processes.ts";
import { makeRepository } from "../helpers/repository.ts";
import { fakeGpg } from "../helpers/signing.ts";
import { landedCommits, supervise } from "../helpers/supervised.ts";
import type { Supervised } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";

type Signed = Supervised & {
  /** The key is locked: signing waits for somebody to unlock it. */
  readonly lock: () => void;
  readonly unlock: () => void;
  readonly runs: () => number;
  /** Pids of the signing program, in the order in which they were started. */
  readonly pids: () => number[];
};

async function makeSigned(config: object = {}): Promise<Signed> {
  const repository = await makeRepository({ config: { limits: { grace: "300ms" }, ...config } });
  const locked = join(dirname(repository.dir), "locked");
  const gpg = await fakeGpg(repository, `while [ -e '${locked}' ]; do sleep 0.1; done`);
  const supervised = await supervise(repository);
  return {
    ...supervised,
    lock: () => writeFileSync(locked, ""),
    unlock: () => rmSync(locked),
    runs: gpg.runs,
    pids: () =>
      readFileSync(join(dirname(gpg.file), "runs"), "utf8")
        .trim()
        .split("\n")
        .map(Number),
  };
}

const task = (id: string) => ({
  id,
  run: { shell: `echo ${id} > ${id}.txt` },
  claims: [`${id}.txt`],
});

async function expectSigned({ repository }: Supervised, id: string): Promise<void> {
  const [commit = "", ...more] = (await landedCommits(repository)).get(id) ?? [];
  expect(more, `one commit of ${id}`).to.deep.equal([]);
  expect(await repository.git("cat-file", "commit", commit)).to.match(/^gpgsig /m);
}

describe("a person whose commits are signed", () => {
  it("is told what waits for a signature, and it lands once the key is unlocked", async function () {
    this.timeout(60_000);
    await using signed = await makeSigned({ limits: { grace: "300ms", signing_timeout: "300ms" } });
    signed.lock();
    const ids = await signed.submit(task("one"), task("two"));
    const held = await until(
      async () =>
        /landing is held: needs signature.*300ms/.exec((await signed.orchd("status")).stdout),
      { what: "status to say so", timeoutMs: 20_000 },
    );
    expect(held[0]).to.include("needs signature");
    const shown = (await signed.orchd("show", "one")).stdout;
    expect(shown).to.match(/waits +landing is held: needs signature: .*commit\.sign/);
    const view = JSON.parse((await signed.orchd("status", "--json")).stdout) as {
      landing: { held: string };
    };
    expect(view.landing.held).to.match(/orchd land/);
    signed.unlock();
    await signed.orchd("land");
    const ends = await signed.wait(ids);
    expect(ends.map(({ status }) => status)).to.deep.equal(["succeeded", "succeeded"]);
    for (const id of ids) await expectSigned(signed, id);
  });

  it("gets one signed commit when the supervisor is killed while it signs", async function () {
    this.timeout(60_000);
    await using signed = await makeSigned();
    signed.lock();
    const ids = await signed.submit(task("one"));
    await until(() => signed.runs() === 1, { what: "it to sign" });
    await signed.killSupervisor();
    await signed.start();
    const [first = 0] = signed.pids();
    await until(() => isGone(first), { what: "the first signing program to be ended" });
    await until(() => signed.runs() === 2, { what: "it to sign again" });
    signed.unlock();
    await signed.wait(ids);
    await expectSigned(signed, "one");
  });

  it("does not wait for a signature at a stop, and gets it after the next start", async function () {
    this.timeout(60_000);
    await using signed = await makeSigned();
    signed.lock();
    const ids = await signed.submit(task("one"));
    await until(() => signed.runs() === 1, { what: "it to sign" });
    const begun = performance.now();
    expect((await signed.orchd("stop")).code).to.equal(0);
    expect(performance.now() - begun).to.be.below(15_000);
    expect(signed.pids().every(isGone)).to.equal(true);
    signed.unlock();
    await signed.start();
    await signed.wait(ids);
    await expectSigned(signed, "one");
  });

  it("never has a program run that an agent configured", async function () {
    this.timeout(60_000);
    await using signed = await makeSigned();
    const proof = join(dirname(signed.repository.dir), "proof");
    const planted = [
      `printf '#!/bin/sh\\ntouch ${proof}\\n' > evil && chmod +x evil`,
      'for key in gpg.program gpg.openpgp.program gpg.ssh.program; do git config $key "$PWD/evil"; done',
      "git config gpg.format ssh; git config user.signingKey x; echo x > one.txt",
    ].join("\n");
    const ids = await signed.submit({ id: "one", run: { shell: planted } });
    await signed.wait(ids);
    await expectSigned(signed, "one");
    expect(existsSync(proof)).to.equal(false);
    expect(signed.runs()).to.equal(1);
  });
});
