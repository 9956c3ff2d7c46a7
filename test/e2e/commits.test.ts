import { expect } from "chai";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeSupervised } from "../helpers/supervised.ts";
import type { Supervised } from "../helpers/supervised.ts";

async function landed({ repository }: Supervised, commit: string | null, format: string) {
  return await repository.git("log", "-1", `--format=${format}`, commit ?? "no commit");
}

describe("the commit that a task lands as", () => {
  it("says what the agent, the template or the task says, with the trailers of all", async function () {
    this.timeout(60_000);
    const commit = {
      message: "agent",
      template: "{title} [{id}]\n\n{objective}",
      author: "Bot <bot@example.com>",
      trailers: { "Co-authored-by": "Ada <ada@example.com>" },
    };
    await using supervised = await makeSupervised({ config: { commit } });
    const agents =
      "echo a > a.txt; git add .; printf 'Said by the agent\\n\\nOrchd-Task: other' | git commit -qF -";
    const ids = await supervised.submit(
      { id: "agent", run: { shell: agents }, claims: ["a.txt"] },
      {
        id: "none",
        title: "Plain",
        objective: "Why",
        run: { shell: "echo b > b.txt" },
        claims: ["b.txt"],
      },
      {
        id: "own",
        run: { shell: "echo c > c.txt" },
        claims: ["c.txt"],
        commit: {
          message: "Mine",
          author: "Eve <eve@example.com>",
          trailers: { "co-authored-by": ["Ada <ada@example.com>", "Bob <b@c>"] },
        },
      },
    );
    const ends = await supervised.wait(ids);
    const [agent = null, none = null, own = null] = ends.map((end) => end.commit);
    const by = "Co-authored-by: Ada <ada@example.com>";
    const last = (id: string) => `Orchd-Task: ${id}\nOrchd-Attempt: 1`;
    expect(await landed(supervised, agent, "%an <%ae>%n%B")).to.equal(
      `Bot <bot@example.com>\nSaid by the agent\n\n${by}\n${last("agent")}\n`,
    );
    expect(await landed(supervised, none, "%B")).to.equal(
      `Plain [none]\n\nWhy\n\n${by}\n${last("none")}\n`,
    );
    expect(await landed(supervised, own, "%an <%ae> %cn%n%B")).to.equal(
      `Eve <eve@example.com> Test Person\nMine\n\nco-authored-by: Ada <ada@example.com>\nco-authored-by: Bob <b@c>\n${last("own")}\n`,
    );
  });

  it("has gone through the person's hooks, and a task that they refuse runs again by its retries", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised();
    const { repository } = supervised;
    const hooks = join(repository.dir, ".git/hooks");
    const refuse =
      "if [ $ORCHD_ATTEMPT_NUMBER = 1 ]; then echo 'lint: no'; exit 1; fi; sed -i s/x/X/ a.txt";
    for (const [name, text] of [
      ["pre-commit", refuse],
      ["commit-msg", 'sed -i "1s/^/ABC-1 /" "$1"'],
    ] as const)
      await writeFile(join(hooks, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    const work = { title: "Add a", run: { shell: "echo x > a.txt" } };
    const ids = await supervised.submit(
      { id: "again", ...work, retries: { max: 1, backoff: "10ms" } },
      { id: "never", ...work, run: { shell: "echo y > b.txt" } },
    );
    const [again, never] = await supervised.wait(ids);
    expect(again?.status).to.equal("succeeded");
    expect(await landed(supervised, again?.commit ?? null, "%B")).to.equal(
      "ABC-1 Add a\n\nOrchd-Task: again\nOrchd-Attempt: 2\n",
    );
    expect(await repository.git("cat-file", "-p", `${again?.commit}:a.txt`)).to.equal("X");
    expect(never?.status).to.equal("failed");
    const shown = (await supervised.orchd("show", "never")).stdout;
    expect(shown).to.include("pre-commit hook: exit code 1 lint: no");
    expect((await supervised.orchd("logs", "never")).stdout).to.include("lint: no");
    expect(await repository.git("cat-file", "-p", "refs/orchd/attempts/never/1:b.txt")).to.equal(
      "y",
    );
  });
});
