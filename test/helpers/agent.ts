import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Supervised } from "./supervised.ts";

/** Notes each of its starts outside the workspace, then works until it is let go. */
export type Agent = {
  readonly task: object;
  readonly starts: () => number;
  readonly letGo: () => void;
};

/** `before`: shell that it runs first, at each start. */
export function agent(supervised: Supervised, id: string, before = ":"): Agent {
  const notes = join(supervised.repository.dir, "..", `${id}.starts`);
  const gate = join(supervised.repository.dir, "..", `${id}.go`);
  const shell = `echo start >> '${notes}'; ${before}; while [ ! -e '${gate}' ]; do sleep 0.1; done; echo ${id} > ${id}.txt`;
  return {
    task: { id, run: { shell }, claims: [`${id}.txt`] },
    starts: () => (existsSync(notes) ? readFileSync(notes, "utf8").split("\n").length - 1 : 0),
    letGo: () => writeFileSync(gate, ""),
  };
}
