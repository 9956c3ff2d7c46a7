import { expect } from "chai";
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
});
