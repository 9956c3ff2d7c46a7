import { writeSync } from "node:fs";
import { createLanding } from "../../../daemon/landing/landing.ts";
import type { Failpoint } from "../../../daemon/landing/branch.ts";

/** A supervisor that follows and kills itself at a named step: `node dyingFollow.ts <git dir> <tree> <step>`. */
const [gitDir = "", workTree = "", step = ""] = process.argv.slice(2);
const failpoint = (name: Failpoint): void => {
  if (name === step) process.kill(process.pid, "SIGKILL");
};
const landing = createLanding({ gitDir, workTree, target: "main", epoch: 2, failpoint });
await landing.prepare();
writeSync(1, JSON.stringify(await landing.follow({ from: null })));
