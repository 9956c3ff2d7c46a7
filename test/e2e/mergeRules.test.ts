import { expect } from "chai";
import { makeSupervised } from "../helpers/supervised.ts";
import type { EventView } from "../../ipc/eventView.ts";
import type { TaskView } from "../../ipc/taskViews.ts";

const said = "lines of both sides are kept, nothing conflicts (merge=union)";

describe("a task that changes how files merge", () => {
  it("is told by event, show, status and doctor, also when it has landed and after a restart", async function () {
    this.timeout(120_000);
    await using supervised = await makeSupervised();
    const ids = await supervised.submit({
      id: "union",
      run: { shell: "echo '* merge=union' > .gitattributes" },
    });
    const [end] = await supervised.wait(ids);
    expect(end?.status).to.equal("succeeded");
    const printed = (await supervised.orchd("events", "--json")).stdout.trim().split("\n");
    const told = printed
      .map((line) => JSON.parse(line) as EventView)
      .filter(({ name }) => name === "landing:merge_rules");
    expect(told.map(({ task, detail }) => [task, detail["total"]])).to.deep.equal([["union", 1]]);
    await supervised.killSupervisor();
    await supervised.start();
    const shown = (await supervised.orchd("show", "union")).stdout;
    expect(shown).to.include(`.gitattributes says of *: ${said}`);
    const view = JSON.parse((await supervised.orchd("show", "union", "--json")).stdout) as TaskView;
    expect(view.merging?.rules[0]).to.deep.include({ pattern: "*", effect: "both_sides" });
    expect((await supervised.orchd("status")).stdout).to.match(
      /Merging changes 1\n {2}union landed/,
    );
    const doctor = await supervised.orchd("doctor");
    expect(doctor.stdout).to.include(`.gitattributes says of *: ${said}.`);
  });
});
