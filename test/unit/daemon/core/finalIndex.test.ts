import { expect } from "chai";
import { FinalIndex } from "../../../../daemon/core/finalIndex.ts";
import type { Final } from "../../../../daemon/core/state.ts";
import type { Oid, TaskId } from "../../../../ipc/ids.ts";

const id = (text: string) => text as TaskId;
const oid = (text: string) => text as Oid;

describe("the index of finished tasks", () => {
  it("gives back what was put in, whatever digests and commits look like", () => {
    const index = new FinalIndex();
    const digests = ["0123456789abcdef".repeat(4), "", "d-1", "ABCD", "00ff", "\u0000\ud800é"];
    const commits = [null, oid("00ff".repeat(10)), oid("d800".repeat(16)), oid("c-a"), oid("")];
    const finals: Final[] = digests.flatMap((digest) =>
      commits.flatMap((commit) =>
        (["succeeded", "failed", "cancelled"] as const).map((status) => ({
          digest,
          status,
          commit,
        })),
      ),
    );
    finals.forEach((final, at) => index.set(id(`t${at}`), final));
    finals.forEach((final, at) => expect(index.get(id(`t${at}`))).to.deep.equal(final));
    expect([...index]).to.deep.equal(finals.map((final, at) => [`t${at}`, final]));
    expect(index.size).to.equal(finals.length);
  });

  it("forgets what is taken out, and a copy goes its own way", () => {
    const index = new FinalIndex();
    index.set(id("a"), { digest: "d", status: "failed", commit: null });
    const copy = new FinalIndex(index);
    index.delete(id("a"));
    expect([index.has(id("a")), index.get(id("a")), copy.has(id("a"))]).to.deep.equal([
      false,
      undefined,
      true,
    ]);
  });
});
