import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { eventNames } from "../../daemon/server/views/event.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/reference/events.md"), "utf8");
/** Names that depend on what an attempt or a landing led to. */
const ends = ["task:landing", "task:succeeded", "task:failed", "task:cancelled"];

describe("the page about events", () => {
  it("lists every event by its name, and no other", () => {
    const listed = [...page.matchAll(/`([a-z]+:[a-z_]+)`/g)].map(([, name]) => name);
    const real = new Set([...Object.values(eventNames), ...ends]);
    expect([...new Set(listed)]).to.have.members([...real]);
  });
});
