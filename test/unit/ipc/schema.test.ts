import { expect } from "chai";
import * as z from "zod";
import type { JsonSchema } from "../../../ipc/schema.ts";
import { configJsonSchema, taskJsonSchema } from "../../../ipc/schema.ts";

/** Back to a schema that validates, so that the published text is tested, not its source. */
function validatorOf(schema: JsonSchema): z.ZodType {
  return z.fromJSONSchema(structuredClone(schema));
}

function propertiesWithoutDescription(schema: unknown, at = "#"): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]: [string, unknown]) => {
    const below = propertiesWithoutDescription(value, `${at}/${key}`);
    if (key !== "properties" || typeof value !== "object" || value === null) return below;
    const silent = Object.entries(value).filter(([, field]) => !("description" in Object(field)));
    return [...silent.map(([name]) => `${at}/${name}`), ...below];
  });
}

describe("the published JSON Schemas", () => {
  for (const [name, make] of [
    ["task", taskJsonSchema],
    ["config", configJsonSchema],
  ] as const) {
    it(`names the draft it is written in (${name})`, () => {
      expect(make()["$schema"]).to.equal("https://json-schema.org/draft/2020-12/schema");
    });

    it(`describes every key (${name})`, () => {
      expect(propertiesWithoutDescription(make())).to.deep.equal([]);
    });
  }

  it("takes one task and a file of tasks", () => {
    const task = validatorOf(taskJsonSchema());
    expect(task.safeParse({ run: ["npm", "test"], timeout: "1h30m" }).success).to.equal(true);
    expect(task.safeParse({ tasks: [{ tools: [] }], behavior: "sequential" }).success).to.equal(
      true,
    );
  });

  it("refuses unknown keys and wrong types", () => {
    const task = validatorOf(taskJsonSchema());
    for (const wrong of [
      { runn: ["a"] },
      { run: "npm test" },
      { run: ["a"], timeout: "soon" },
      { run: ["a"], timeout: "" },
      { run: ["a"], priority: 1.5 },
      { tools: [1] },
      { tasks: [] },
    ]) {
      expect(task.safeParse(wrong).success, JSON.stringify(wrong)).to.equal(false);
    }
  });

  it("takes a configuration and refuses what is none", () => {
    const config = validatorOf(configJsonSchema());
    expect(config.safeParse({ max_parallel: 4, limits: { output: "1GiB" } }).success).to.equal(
      true,
    );
    expect(config.safeParse({ max_parallel: 0 }).success).to.equal(false);
    expect(config.safeParse({ limits: { timeout_ms: 5 } }).success).to.equal(false);
  });
});
