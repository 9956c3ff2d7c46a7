import { dirname, join } from "node:path";
import { expect } from "chai";
import { makeRepository } from "../helpers/repository.ts";
import { makeSupervised, runOrchd, supervisorPid } from "../helpers/supervised.ts";
import type { Failure } from "../../ipc/errors.ts";
import type { Ran, Supervised } from "../helpers/supervised.ts";

/**
 * What people and programs get wrong. Each row: what is in the file, and what standard error must
 * name. Words of the message that tell what is wrong, not whole messages; places and fields exactly.
 */
type Row = {
  readonly name: string;
  /** Ends with `.json` or `.yaml`. */
  readonly file: string;
  readonly text: string;
  /** `line:column` and field, as they follow the name of the file. */
  readonly at: string;
  readonly says: readonly (string | RegExp)[];
};

const deep = 10_000;
const brackets = "[".repeat(deep) + "]".repeat(deep);

const rows: readonly Row[] = [
  {
    name: "a text that is not JSON",
    file: "a.json",
    text: '{\n  "run": ["true"],\n  "cwd": }\n',
    at: "3:10",
    says: ["not JSON"],
  },
  {
    name: "a text that is not YAML",
    file: "a.yaml",
    text: "run: [sh, -c\ncwd: .\n",
    at: "2:",
    says: ["not YAML"],
  },
  { name: "an empty JSON file", file: "a.json", text: "", at: "1:1", says: ["is empty"] },
  { name: "an empty YAML file", file: "a.yaml", text: "\n", at: "1:1", says: ["is empty"] },
  {
    name: "a file without tasks",
    file: "a.json",
    text: '{"tasks": []}',
    at: "1:11  tasks",
    says: ["at least 1"],
  },
  {
    name: "an unknown key",
    file: "a.json",
    text: '{\n  "run": ["true"],\n  "clams": []\n}',
    at: "3:3  clams",
    says: ['unknown key "clams"', 'did you mean "claims"'],
  },
  {
    name: "run and tools in one task",
    file: "a.json",
    text: '{\n  "run": ["true"],\n  "tools": []\n}',
    at: "3:3  tools",
    says: ["`run`", "one of"],
  },
  {
    name: "run and agent in one task",
    file: "a.yaml",
    text: "run: [make]\nagent: claude\n",
    at: "2:1  agent",
    says: ["not supported yet"],
  },
];
